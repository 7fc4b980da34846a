"""Coupons used: inside a sale, or by themselves at a till that is not ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core import audit, outbox
from apps.core.errors import NotFound, Refused
from apps.core.facts import CouponRedeemed
from apps.coupons import queries, rules
from apps.coupons.enums import ChargeKind, CouponState
from apps.coupons.models import Campaign, Charge, Coupon, Redemption
from apps.coupons.services import budgets, charging
from apps.coupons.services.checking import Line, check_coupons
from apps.loyalty.services import grant_bonus, lock_wallet

ZERO = Decimal("0.00")
GRANT = "coupon"  # scope of the ledger's keys


class CouponRefused(Refused):
    """Its state or its terms forbid it; `details["reason"]` is the machine's word."""

    code = "WRONG_STATE"

    def __init__(self, line: Line) -> None:
        self.said = line.message
        super().__init__(reason=line.reason, coupon=line.code, **line.details)

    def __str__(self) -> str:
        return self.said


class CouponUsed(CouponRefused):
    code = "ALREADY_USED"


class CouponUnknown(CouponRefused, NotFound):
    code = "NOT_FOUND"


@dataclass(frozen=True)
class Redeemed:
    """What the coupons of a sale gave: ₽ off, bonuses, and which they were."""

    discount: Decimal
    bonus: Decimal
    coupons: list[Coupon]


@dataclass(frozen=True)
class _Use:
    """The circumstances of one redemption."""

    business: Business
    member: User | None
    amount: Decimal | None
    sale_id: UUID | None
    by: User | None
    at: datetime


def redeem_for_sale(
    *,
    codes: Sequence[str],
    business: Business,
    member: User,
    amount: Decimal,
    sale_id: UUID,
    by: User | None,
    at: datetime,
) -> Redeemed:
    """Use coupons on a sale of `amount` ₽, all of them or none.

    The caller's transaction already holds the member's wallet. Each coupon is won by one
    conditional update; budgets are touched last. Raises CouponUnknown, CouponUsed, CouponRefused,
    BudgetEmpty.
    """
    if not codes:
        return Redeemed(ZERO, ZERO, [])
    lock_wallet(member.pk)
    use = _Use(business, member, amount, sale_id, by, at)
    return _redeem(codes, use)


def redeem_at_till(
    *,
    business: Business,
    code: str,
    by: User,
    at: datetime,
    sale_id: UUID | None = None,
    amount: Decimal | None = None,
) -> Redemption:
    """Use a coupon without our till: the discount or the gift is given by the partner's own.

    `sale_id` names a sale that is recorded already: its guest and sum then count. A code works
    once, whoever races. Raises NotFound, CouponUnknown, CouponUsed, CouponRefused, BudgetEmpty.
    """
    if not by.has_perm(rights.SELL, business):
        raise NotFound
    with transaction.atomic():
        member, amount = _guest(business, code, sale_id, amount)
        if member:
            lock_wallet(member.pk)
        use = _Use(business, member, amount, sale_id, by, at)
        [coupon] = _redeem([code], use).coupons
        return Redemption.objects.select_related("coupon__campaign").get(
            coupon=coupon, returned_at__isnull=True
        )


def _guest(
    business: Business, code: str, sale_id: UUID | None, amount: Decimal | None
) -> tuple[User | None, Decimal | None]:
    if sale_id is not None:
        known = queries.sale_known(sale_id, business)
        if known is None:
            raise NotFound
        return User.objects.get(pk=known[0]), amount or known[1]
    coupon = queries.find_coupons([code])[code]
    owner = coupon.member if coupon and coupon.campaign.business_id == business.pk else None
    return owner, amount


def refusal_of(line: Line) -> CouponRefused:
    """The exception that a line of a check stands for."""
    kinds = {"used": CouponUsed, "unknown": CouponUnknown}
    return kinds.get(line.reason, CouponRefused)(line)


def _redeem(codes: Sequence[str], use: _Use) -> Redeemed:
    check = check_coupons(
        codes=codes, business=use.business, member=use.member, amount=use.amount, at=use.at
    )
    if check.refused:
        raise refusal_of(check.refused[0])
    lines = sorted(check.lines, key=lambda line: str(line.coupon and line.coupon.pk))
    costs = [_use_up(line, use) for line in lines]
    for budget_id, reserved, cost in sorted(costs, key=lambda one: str(one[0])):
        budgets.charge(budget_id, reserved=reserved, amount=cost)
    coupons = [line.coupon for line in check.lines if line.coupon]
    return Redeemed(check.discount, check.bonus, coupons)


def _use_up(line: Line, use: _Use) -> tuple[UUID | None, Decimal, Decimal]:
    """Win the coupon, write down what it gave; (budget, ₽ reserved for it, ₽ it cost)."""
    coupon = line.coupon
    assert coupon is not None
    won = (
        Coupon.objects.filter(pk=coupon.pk)
        .usable(at=use.at)
        .update(state=CouponState.REDEEMED, redeemed_at=use.at, reserved=ZERO)
    )
    if won != 1:  # somebody was faster, or its last second has passed
        again = check_coupons(
            codes=[line.code],
            business=use.business,
            member=use.member,
            amount=use.amount,
            at=use.at,
        )
        raise refusal_of(again.lines[0])
    freed = _void_siblings(coupon, at=use.at)
    member_id = use.member.pk if use.member else coupon.member_id
    redemption = Redemption.objects.create(
        coupon=coupon,
        campaign=coupon.campaign,
        business=use.business,
        member_id=member_id,
        sale_id=use.sale_id,
        amount=use.amount,
        discount=line.discount,
        bonus=line.bonus,
        by=use.by,
        at=use.at,
    )
    _share(redemption, coupon.campaign)
    _tell(redemption, member_id)
    return coupon.campaign.budget_id, coupon.reserved + freed, line.discount + line.bonus


def _void_siblings(coupon: Coupon, *, at: datetime) -> Decimal:
    """One of a fork was taken, the others are void in the same transaction; ₽ they reserved."""
    if coupon.fork is None:
        return ZERO
    others = Coupon.objects.filter(fork=coupon.fork, state=CouponState.ACTIVE)
    left = list(others.select_for_update(of=("self",)).order_by("pk"))
    others.filter(pk__in=[other.pk for other in left]).update(
        state=CouponState.CANCELLED, cancelled_at=at, reserved=ZERO
    )
    return sum((other.reserved for other in left), ZERO)


def _share(redemption: Redemption, campaign: Campaign) -> None:
    """Who pays: lines of the settlement for a discount and a fee, lots of their own for bonuses."""
    funders = sorted(campaign.funders.all(), key=lambda funder: funder.pk)
    parts = rules.split(redemption.discount, [funder.share for funder in funders])
    charges = [
        Charge(
            redemption=redemption,
            kind=ChargeKind.SHARE,
            payer_id=funder.business_id,
            payee_id=redemption.business_id,
            amount=part,
        )
        for funder, part in zip(funders, parts, strict=True)
        if part
    ]
    if campaign.fee and campaign.sender_id:
        charges.append(
            Charge(
                redemption=redemption,
                kind=ChargeKind.FEE,
                payer_id=redemption.business_id,
                payee_id=campaign.sender_id,
                amount=campaign.fee,
            )
        )
    charging.charge(redemption, charges, at=redemption.at)
    if redemption.bonus and redemption.member_id:
        bonuses = rules.split(redemption.bonus, [funder.share for funder in funders])
        granted = grant_bonus(
            member_id=redemption.member_id,
            business_id=redemption.business_id,
            parts=[(f.business_id, part) for f, part in zip(funders, bonuses, strict=True)],
            scope=GRANT,
            key=str(redemption.pk),
            at=redemption.at,
        )
        if granted.amount != redemption.bonus:  # a funder that may not issue gave nothing
            redemption.bonus = granted.amount
            redemption.save(update_fields=["bonus"])


def _tell(redemption: Redemption, member_id: UUID | None) -> None:
    campaign: Any = redemption.campaign
    audit.record(
        redemption.by,
        "coupons.redeem",
        "coupon",
        redemption.coupon_id,
        business_id=redemption.business_id,
        changed={"discount": str(redemption.discount), "bonus": str(redemption.bonus)},
    )
    if member_id is None:  # a code from a leaflet: nobody's engagement
        return
    outbox.publish(
        CouponRedeemed(
            coupon_id=str(redemption.coupon_id),
            campaign_id=str(campaign.pk),
            member_id=str(member_id),
            business_id=str(redemption.business_id),
            transaction_id=str(redemption.sale_id) if redemption.sale_id else None,
            discount=f"{redemption.discount:.2f}",
            at=redemption.at.isoformat(),
        )
    )
