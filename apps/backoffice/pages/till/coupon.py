"""A coupon without a sale of ours: what it gives, and its redemption."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.forms import CouponForm
from apps.backoffice.pages.till.place import at_till, chosen, show
from apps.businesses.models import Business
from apps.core.errors import Refused, TooMany
from apps.coupons.queries import card_of
from apps.coupons.services import (
    check_coupons,
    count_guess,
    guesses_counted,
    redeem_at_till,
    refuse_guesser,
)


@at_till
@require_http_methods(["GET", "POST"])
def coupon(request: HttpRequest) -> HttpResponse:
    """First what it would give, then «Redeem» uses it up: once, whoever races."""
    business = chosen(request)
    if business is None:
        return redirect("backoffice:till")
    form = CouponForm(request.POST or None)
    context: dict[str, Any] = {"business": business, "form": form, "tab": "coupon"}
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        # Only what was looked at is used up: another code typed or scanned is checked first.
        looked = request.POST.get("checked") == code
        if request.POST.get("act") == "redeem" and looked:
            context |= _redeem(request, business, code)
        else:
            context |= _check(request, business, code)
    wrong = context.get("problem") or form.errors
    return show(request, "coupon", context, status=422 if wrong else 200)


def _check(request: HttpRequest, business: Business, code: str) -> dict[str, Any]:
    try:
        refuse_guesser(by=request.user)
    except TooMany:
        return {"problem": _("Too many wrong codes. Wait ten minutes.")}
    check = check_coupons(
        codes=[code], business=business, member=None, amount=None, at=timezone.now()
    )
    line = check.lines[0]
    if line.ok and line.coupon:
        return {"coupon": card_of(line.coupon), "checked": code}
    if line.reason == "unknown":
        count_guess(by=request.user)
    return {"problem": line.message}


def _redeem(request: HttpRequest, business: Business, code: str) -> dict[str, Any]:
    try:
        with guesses_counted(by=request.user):
            used = redeem_at_till(business=business, code=code, by=request.user, at=timezone.now())
    except Refused as refusal:
        return {"problem": str(refusal)}
    return {"done": card_of(used.coupon)}
