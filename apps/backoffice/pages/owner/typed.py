"""What was typed when the page asked for the second factor first: kept over that way and back."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

View = Callable[..., HttpResponse]
KEPT = "typed"  # session key: the path and its fields
LONGEST = 2000


def keeps_typed(view: View) -> View:
    """Around a guarded view: a form that is sent away to the confirm page is not lost."""

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        away = getattr(answer, "url", "").startswith(reverse("backoffice:confirm"))
        if request.method == "POST" and away:
            fields = {name: value[:LONGEST] for name, value in request.POST.items()}
            fields.pop("csrfmiddlewaretoken", None)
            request.session[KEPT] = [request.path, fields]
        return answer

    return kept


def typed(request: HttpRequest) -> dict[str, str]:
    """The fields that were kept for this page, once; empty when there are none."""
    path, fields = request.session.get(KEPT) or ["", {}]
    if path != request.path:
        return {}
    del request.session[KEPT]
    return dict(fields)
