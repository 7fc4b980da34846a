"""Where she stands, how a step is shown, and the lock of an idle till."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from apps.backoffice.pages.access import View, for_jobs, may_sell, mine
from apps.backoffice.pages.tokens import queue_pass
from apps.backoffice.pages.trust import device_of
from apps.businesses.models import Business
from apps.events.watching import doors_of

CHOSEN = "till_business"  # session key
SEEN = "till_seen"  # session key: Unix seconds of the last step
LOCK_AFTER = timedelta(minutes=10)


def stands(action: str, *, is_touch: bool = True) -> Callable[[View], View]:
    """For those who stand where guests are. A trusted computer that nobody touched for ten minutes
    asks who is there, whatever the scripts on it did; what a script asks by itself is no touch."""

    def wrap(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            now = timezone.now().timestamp()
            seen = request.session.get(SEEN, now)
            if now - seen > LOCK_AFTER.total_seconds() and device_of(request):
                return _to_pin(request)
            fresh = now - seen <= 30 and SEEN in request.session
            if is_touch and not fresh:  # one write in half a minute is enough
                request.session[SEEN] = now
            return view(request, *args, **kwargs)

        guard: Callable[[View], View] = for_jobs(action)
        return guard(wrapped)

    return wrap


at_till = stands("pages.till")


def open_businesses(request: HttpRequest) -> list[Business]:
    return [business for business in mine(request) if may_sell(request.user, business)]


def chosen(request: HttpRequest) -> Business | None:
    businesses = open_businesses(request)
    wanted = request.session.get(CHOSEN)
    return next(
        (business for business in businesses if str(business.pk) == wanted),
        businesses[0] if businesses else None,
    )


def midnight(business: Business, *, at: datetime) -> datetime:
    """When today began by the business's own clock."""
    local = at.astimezone(ZoneInfo(business.zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


@at_till
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember at which of her businesses she stands."""
    wanted = request.POST.get("business", "")
    if any(str(business.pk) == wanted for business in open_businesses(request)):
        request.session[CHOSEN] = wanted
    return redirect("backoffice:till")


@for_jobs("pages.till")
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Leave the till to whoever comes next: she signs in by PIN in two seconds."""
    return _to_pin(request)


def _to_pin(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    url = reverse("backoffice:home")  # from there to the list of names and the PIN
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def show(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A whole page, or only the step when htmx swaps it."""
    part = request.htmx and not request.htmx.history_restore_request
    business = context.get("business")
    context |= {
        "frame": f"backoffice/till/{'fragment' if part else 'page'}.html",
        "businesses": open_businesses(request),
        "choose_url": reverse("backoffice:till_business"),
        "tab": context.get("tab", "till"),
    }
    if business is not None and not part:
        context |= {
            "has_door": doors_of(
                request.user, [business], at=timezone.now(), hosted=False
            ).exists(),
            "queue_pass": queue_pass(business_id=business.pk, by=request.user),
            "locks": bool(device_of(request)),
        }
    response = render(request, f"backoffice/till/{name}.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    if status == 422:
        response["HX-Push-Url"] = "false"  # a refused form is no new place to go back to
    return response
