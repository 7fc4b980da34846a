"""The shift: its totals and its end; and what a device remembers for itself."""

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.backoffice import services as backoffice
from apps.backoffice.pages.till.place import at_till, chosen, midnight, show
from apps.transactions.queries import latest_sales, shift_of

MOST_LISTED = 100


@at_till
@require_GET
def shift(request: HttpRequest) -> HttpResponse:
    return _shift(request)


def _shift(request: HttpRequest, *, problem: str = "") -> HttpResponse:
    business = chosen(request)
    if business is None:
        return redirect("backoffice:till")
    since = midnight(business, at=timezone.now())
    context = {
        "business": business,
        "totals": shift_of(business, by=request.user, since=since),
        "sales": latest_sales(business, by=request.user, since=since, limit=MOST_LISTED),
        "since": since,
        "problem": problem,
        "tab": "shift",
    }
    return show(request, "shift", context, status=422 if problem else 200)


@at_till
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """End the shift: its totals are noted, she is signed out. Not while sales wait on the device:
    they carry her name."""
    business = chosen(request)
    if business is None:
        return redirect("backoffice:till")
    if request.POST.get("queued", "0") != "0":
        return _shift(
            request,
            problem=_(
                "Sales are waiting on this device. Wait for the network: they leave by "
                "themselves, then close the shift."
            ),
        )
    since = midnight(business, at=timezone.now())
    totals = shift_of(business, by=request.user, since=since)
    backoffice.close_shift(user=request.user, business=business, totals=totals)
    auth.logout(request)
    return redirect("backoffice:home")


@at_till
@require_GET
def settings(request: HttpRequest) -> HttpResponse:
    """Sound, size of type, width of the printer, a trial scan: kept on the device."""
    business = chosen(request)
    if business is None:
        return redirect("backoffice:till")
    return show(request, "settings", {"business": business, "tab": "settings"})
