"""Coupons of a sale whose goods come back."""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import audit
from apps.coupons.enums import CampaignState, ChargeKind, CouponState
from apps.coupons.models import Charge, Coupon, Redemption
from apps.coupons.services import budgets, charging
from apps.coupons.services.redeeming import GRANT
from apps.loyalty.services import take_back_grant

ZERO, KOPECK = Decimal("0.00"), Decimal("0.01")


@transaction.atomic(savepoint=False)
def return_for_sale(
    *, sale_id: UUID, amount_left: Decimal, by: User | None, at: datetime
) -> list[Coupon]:
    """A sale was returned down to `amount_left` ₽ of its bill; coupons that can be used again.

    Wholly returned: each coupon is as if never used, good again unless its day has passed; what it
    cost goes back to its budget, its bonuses are taken back, nobody owes anybody. In part: the
    discount stays (the refund itself is reckoned pro rata by the till), bonuses stay in the
    proportion of what remains, none below the least bill. The caller holds the wallet's lock.
    """
    used = Redemption.objects.filter(sale_id=sale_id, returned_at__isnull=True)
    alive = []
    for redemption in used.select_related("coupon", "campaign").order_by("pk"):
        if amount_left > 0:
            _keep_part(redemption, amount_left, at=at)
        elif _undo(redemption, by=by, at=at):
            alive.append(redemption.coupon)
    return alive


def _keep_part(redemption: Redemption, amount_left: Decimal, *, at: datetime) -> None:
    if not redemption.bonus or not redemption.amount:
        return
    keep = ZERO
    if amount_left >= redemption.campaign.min_amount:
        part = redemption.bonus * amount_left / redemption.amount
        keep = min(redemption.bonus, part.quantize(KOPECK, rounding=ROUND_DOWN))
    _take_back(redemption, keep, at=at)


def _take_back(redemption: Redemption, keep: Decimal, *, at: datetime) -> None:
    if redemption.bonus and redemption.member_id:
        take_back_grant(
            scope=GRANT,
            key=str(redemption.pk),
            keep=keep,
            back_key=f"{redemption.pk}:{keep}",
            at=at,
        )


def _undo(redemption: Redemption, *, by: User | None, at: datetime) -> bool:
    coupon, campaign = redemption.coupon, redemption.campaign
    _take_back(redemption, ZERO, at=at)
    Redemption.objects.filter(pk=redemption.pk).update(returned_at=at)
    charging.discharge(redemption, list(redemption.charges.all()), at=at)
    budgets.release({campaign.budget_id: ZERO}, charged=redemption.discount + redemption.bonus)
    good = coupon.valid_to > at and campaign.state == CampaignState.ACTIVE
    reserve = (campaign.largest_cost or ZERO) if campaign.budget_id and coupon.member_id else ZERO
    if good and not budgets.reserve(campaign.budget_id, reserve):
        good = False
    Coupon.objects.filter(pk=coupon.pk).update(
        state=CouponState.ACTIVE if good else CouponState.EXPIRED,
        redeemed_at=None,
        reserved=reserve if good else ZERO,
    )
    audit.record(by, "coupons.return", "coupon", coupon.pk, business_id=redemption.business_id)
    return good


@transaction.atomic(savepoint=False)
def move_cost(*, coupon_id: UUID, payer_id: UUID, at: datetime) -> None:
    """One business pays the whole discount of a used coupon, in place of whoever shared it."""
    shares = Charge.objects.filter(
        redemption__coupon_id=coupon_id,
        redemption__returned_at__isnull=True,
        kind=ChargeKind.SHARE,
    ).select_related("redemption")
    before = list(shares.order_by("pk"))
    if not before:
        return
    redemption = before[0].redemption
    charging.discharge(redemption, before, at=at)
    shares.delete()
    whole = Charge(
        redemption=redemption,
        kind=ChargeKind.SHARE,
        payer_id=payer_id,
        payee_id=redemption.business_id,
        amount=redemption.discount,
    )
    charging.charge(redemption, [whole], at=at)
