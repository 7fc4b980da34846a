"""Coupons into wallets and out of them: minted, claimed, seen, expired, cancelled."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import NotFound, Refused
from apps.core.facts import CouponIssued
from apps.coupons import rules, sql
from apps.coupons.enums import Audience, CampaignState, CouponState
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services import budgets
from apps.loyalty.services import lock_wallet

ZERO = Decimal("0.00")
BATCH = 1000  # coupons per transaction of a job
ORIGINS = {Audience.PROMO: "claim", Audience.CHAIN: "chain"}


class PromoUnknown(NotFound):
    message = _("There is no such promo code.")


class ClaimRefused(Refused):
    """The promo code exists, she cannot have its coupon; `details["reason"]` says why."""

    code = "WRONG_STATE"
    WORDS = {
        "claimed": _("You have this coupon already."),
        "too_early": _("This promo code is not in force yet."),
        "over": _("This promo code is over."),
        "all_given": _("All coupons of this promo code have been given away."),
        "budget": _("The budget of this promotion is used up."),
    }

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)

    def __str__(self) -> str:
        return str(self.WORDS[self.details["reason"]])


class AlreadyClaimed(ClaimRefused):
    code = "ALREADY_USED"


def issue(
    campaign: Campaign,
    *,
    member_id: UUID,
    at: datetime,
    valid_from: datetime | None = None,
    fork: UUID | None = None,
) -> Coupon | None:
    """A personal coupon of a campaign; None when the budget does not hold what it may cost."""
    starts = max(valid_from or at, campaign.valid_from)
    ends = campaign.valid_to
    if campaign.valid_days is not None:
        # A chain's coupon outlives its chain: what was promised is honoured.
        own = starts + timedelta(days=campaign.valid_days)
        ends = own if campaign.audience == Audience.CHAIN else min(own, ends)
    reserve = (campaign.largest_cost or ZERO) if campaign.budget_id else ZERO
    if not budgets.reserve(campaign.budget_id, reserve):
        return None
    [code] = rules.new_codes(1)
    coupon = Coupon.objects.create(
        campaign=campaign,
        code=code,
        member_id=member_id,
        valid_from=starts,
        valid_to=ends,
        issued_at=at,
        reserved=reserve,
        fork=fork,
    )
    _tell(campaign, coupon)
    return coupon


def _tell(campaign: Campaign, coupon: Coupon) -> None:
    outbox.publish(
        CouponIssued(
            coupon_id=str(coupon.pk),
            campaign_id=str(campaign.pk),
            member_id=str(coupon.member_id),
            business_id=str(campaign.business_id),
            origin=ORIGINS.get(Audience(campaign.audience), "campaign"),
            valid_to=coupon.valid_to.isoformat(),
            at=coupon.issued_at.isoformat(),
        )
    )


@transaction.atomic(savepoint=False)
def mint(
    *,
    campaign: Campaign,
    member_id: UUID,
    at: datetime,
    valid_from: datetime | None = None,
    fork: UUID | None = None,
) -> Coupon | None:
    """A coupon of a chain's step for a member, its largest cost reserved; None when the budget is
    used up. Of the coupons with the same `fork` at most one can be redeemed."""
    return issue(campaign, member_id=member_id, at=at, valid_from=valid_from, fork=fork)


@transaction.atomic
def claim_promo(*, member: User, code: str, at: datetime) -> Coupon:
    """A public promo code becomes an own coupon. Raises PromoUnknown, ClaimRefused (for one that
    she has already: ALREADY_USED)."""
    campaign = (
        Campaign.objects.filter(promo_code__in=rules.readings(code))
        .select_related("business", "sender", "budget")
        .first()
    )
    if campaign is None:
        raise PromoUnknown
    if campaign.state == CampaignState.CANCELLED or campaign.valid_to <= at:
        raise ClaimRefused("over")
    if campaign.valid_from > at:
        raise ClaimRefused("too_early")
    lock_wallet(member.pk)  # two phones of one member wait here for each other
    own = Coupon.objects.filter(campaign=campaign, member=member)
    if own.exclude(state=CouponState.CANCELLED).count() >= campaign.per_member:
        raise AlreadyClaimed("claimed")
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNT_ONE, {"campaign": campaign.pk})
        if cursor.rowcount != 1:
            raise ClaimRefused("all_given")
    coupon = issue(campaign, member_id=member.pk, at=at)
    if coupon is None:
        raise ClaimRefused("budget")
    return coupon


def mark_seen(*, coupons: Iterable[Coupon], at: datetime) -> None:
    """She looked at them in the app, for the first time."""
    new = [coupon.pk for coupon in coupons if coupon.seen_at is None]
    if new:
        Coupon.objects.filter(pk__in=new, seen_at__isnull=True).update(seen_at=at)


def mark_opened(*, coupon: Coupon, at: datetime) -> None:
    """She opened it by itself, its code before her, for the first time: that is seeing it too."""
    if coupon.opened_at is None:
        Coupon.objects.filter(pk=coupon.pk, opened_at__isnull=True).update(
            opened_at=at, seen_at=Coalesce("seen_at", Value(at))
        )


def expire_due(*, at: datetime) -> int:
    """Coupons past their day expire, what they reserved goes back; how many. Late is as good as on
    time: redeeming tests the date itself. Twice equals once."""
    total = 0
    while done := _expire_batch(at=at):
        total += done
    return total


@transaction.atomic
def _expire_batch(*, at: datetime) -> int:
    due = Coupon.objects.filter(state=CouponState.ACTIVE, valid_to__lte=at)
    batch = list(
        due.select_for_update(of=("self",), skip_locked=True)
        .select_related("campaign")
        .order_by("valid_to", "pk")[:BATCH]
    )
    _close(batch, state=CouponState.EXPIRED, at=None)
    return len(batch)


@transaction.atomic(savepoint=False)
def cancel_coupons(*, coupon_ids: Iterable[UUID], at: datetime) -> list[UUID]:
    """Cancel those that are still unused; their ids. What was redeemed stays."""
    left = list(
        Coupon.objects.filter(pk__in=list(coupon_ids), state=CouponState.ACTIVE)
        .select_for_update(of=("self",))
        .select_related("campaign")
        .order_by("pk")
    )
    _close(left, state=CouponState.CANCELLED, at=at)
    return [coupon.pk for coupon in left]


def _close(coupons: list[Coupon], *, state: CouponState, at: datetime | None) -> None:
    """Rows that the caller has locked leave `active`; budgets get back what they reserved."""
    Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons]).update(
        state=state, cancelled_at=at, reserved=ZERO
    )
    freed: dict[UUID | None, Decimal] = defaultdict(Decimal)
    for coupon in coupons:
        if coupon.reserved:
            freed[coupon.campaign.budget_id] += coupon.reserved
    budgets.release(freed)


@transaction.atomic
def forget_member(*, member_id: UUID, at: datetime) -> int:
    """An erased person uses nothing any more: her unused coupons are cancelled; how many."""
    own = Coupon.objects.filter(member_id=member_id, state=CouponState.ACTIVE)
    cancelled = cancel_coupons(coupon_ids=list(own.values_list("pk", flat=True)), at=at)
    if cancelled:
        audit.record(None, "coupons.forget", "user", member_id, reason="erased")
    return len(cancelled)
