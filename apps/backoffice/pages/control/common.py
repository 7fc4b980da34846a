"""What the control pages share: acting and saying what came of it, pages of a list."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import Promise

from apps.core.errors import NotFound, Refused

ROWS = 25


def acted(request: HttpRequest, act: Callable[[], Any], done: str | Promise) -> bool:
    """Do it and say so on the next page, or say why it was refused. What is not there is 404."""
    try:
        act()
    except NotFound as missing:
        raise Http404 from missing
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, done)
    return True


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The asked page; a number that is none is the first."""
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))


def without_page(request: HttpRequest) -> str:
    """The filters of the address for the links of other pages: `action=x&`."""
    asked = request.GET.copy()
    asked.pop("page", None)
    return f"{asked.urlencode()}&" if asked else ""


def reason_of(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()
