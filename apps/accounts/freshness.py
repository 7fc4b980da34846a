"""Is it still she: a second factor of the last 15 minutes (security.md part 2, the S of the table).

Rows of the table with `fresh` ask for it before the act: a browser or a phone that was left open
must not give roles away. In a browser the moment stands in the session; the API keeps it in the
row of the session, where signing in by a code counts and `POST /auth/confirm` renews it.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.request import Request

from apps.accounts import rights, rules
from apps.core.errors import Forbidden

CONFIRMED = "confirmed_at"  # session key: Unix seconds


class ConfirmFirst(Forbidden):
    message = _("Confirm that it is you: this wants your second factor of the last 15 minutes.")

    def __init__(self) -> None:
        super().__init__(second_factor=[str(self.message)])


def note_confirmed(request: HttpRequest) -> None:
    """Her second factor was right just now."""
    request.session[CONFIRMED] = time.time()


def is_fresh(request: Any) -> bool:
    """Of a browser or of the API, whichever asks."""
    if isinstance(request, Request):
        session: Any = request.auth
        since = timezone.now() - session.confirmed_at
        return bool(since.total_seconds() < rules.FRESH_FOR)
    age = time.time() - request.session.get(CONFIRMED, 0)
    return bool(0 <= age < rules.FRESH_FOR)


def stale(request: HttpRequest, action: str, *, back: str = "") -> HttpResponse | None:
    """None when the table does not ask, or she has confirmed; else the way to the confirm page and
    back again (`back`: this page). A part of a page cannot follow, so the whole page goes."""
    if not rights.TABLE[action].fresh or is_fresh(request):
        return None
    query = urlencode({"next": back or request.get_full_path()})
    url = f"{reverse('backoffice:confirm')}?{query}"
    htmx = getattr(request, "htmx", False)
    return HttpResponseClientRedirect(url) if htmx else HttpResponseRedirect(url)
