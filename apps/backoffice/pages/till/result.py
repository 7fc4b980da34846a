"""Step three: done. The result, its undoing for five minutes, and the slip."""

from datetime import datetime
from uuid import UUID

import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.backoffice.pages.access import may_manage
from apps.backoffice.pages.till.place import at_till, show
from apps.core.errors import NotFound, Refused
from apps.loyalty.queries import balance_of
from apps.transactions import rules, services
from apps.transactions.models import Transaction


def sale_of(request: HttpRequest, sale_id: UUID) -> Transaction:
    """A sale of a business where she works; 404 for any other."""
    try:
        return services.find_sale(sale_id=sale_id, user=request.user)
    except NotFound as unknown:
        raise Http404 from unknown


def undo_left(sale: Transaction, *, by: User, at: datetime) -> int:
    """Seconds in which she may still undo it; 0 when it is over or not hers."""
    if sale.entered_by_id != by.pk or sale.returned:
        return 0
    left = sale.recorded_at + rules.UNDO_FOR - at
    return max(0, int(left.total_seconds()))


@at_till
@require_GET
def sale(request: HttpRequest, sale_id: UUID) -> HttpResponse:
    """The result, and the same page for looking back at it."""
    return _result(request, sale_of(request, sale_id))


def _result(request: HttpRequest, one: Transaction, *, problem: str = "") -> HttpResponse:
    at = timezone.now()
    context = {
        "business": one.business,
        "sale": one,
        "balance": balance_of(one.member_id, at=at),
        "refunds": list(one.refunds.order_by("at")),
        "undo_left": undo_left(one, by=request.user, at=at),
        "may_return": may_manage(request.user, one.business) and one.amount_left > 0,
        "problem": problem,
        "new_coupons": services.new_coupons_of(one),
    }
    return show(request, "sale", context, status=422 if problem else 200)


@at_till
@require_POST
def undo(request: HttpRequest, sale_id: UUID) -> HttpResponse:
    """Her own slip taken back whole; twice is once."""
    one = sale_of(request, sale_id)
    try:
        services.refund_purchase(
            sale=one, amount=None, reason="", by=request.user, key="undo", at=timezone.now()
        )
    except Refused as refusal:
        return _result(request, one, problem=str(refusal))
    return redirect("backoffice:sale", one.pk)


@at_till
@require_GET
def slip(request: HttpRequest, sale_id: UUID) -> HttpResponse:
    """What a 58 or 80 mm printer puts into her hand. No fiscal receipt."""
    one = sale_of(request, sale_id)
    context = {
        "business": one.business,
        "sale": one,
        "balance": balance_of(one.member_id, at=timezone.now()),
        "refunds": list(one.refunds.order_by("at")),
        "picture": mark_safe(_picture(one.code)),  # noqa: S308 - drawn from digits of ours
    }
    return show(request, "slip", context)


def _picture(code: str) -> str:
    return str(segno.make(code, mode="numeric", error="m", micro=False).svg_inline(scale=4))
