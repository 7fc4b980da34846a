"""Campaigns: made with all their codes at once, and cancelled."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.analytics.churn.rules import HELD_OUT
from apps.analytics.enums import Band
from apps.analytics.models import ChurnRisk
from apps.businesses.models import Business
from apps.core import audit
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.ids import new_id
from apps.coupons import rules, sql
from apps.coupons.enums import Audience, Base, Benefit, CampaignState, CouponState
from apps.coupons.models import Budget, Campaign, Coupon, Funder, HeldOut
from apps.coupons.services import budgets
from apps.coupons.services.issuing import issue

ZERO = Decimal("0.00")
MOST_CODES = 100_000
BATCH = 10_000  # codes per statement
PROMO = re.compile(r"[A-Z0-9]{4,20}", re.ASCII)


class CampaignInvalid(Invalid):
    field = "benefit"
    message = _("This benefit cannot be: check the percent, the sum or the name of the gift.")


class PeriodInvalid(CampaignInvalid):
    field = "validTo"
    message = _("The campaign must end after it begins, and not in the past.")


class QuantityInvalid(CampaignInvalid):
    field = "quantity"
    message = _("From 1 to 100 000 coupons.")


class PromoInvalid(CampaignInvalid):
    field = "promoCode"
    message = _("A promo code has 4 to 20 Latin letters and digits.")


class PromoTaken(PromoInvalid):
    message = _("This promo code is taken. Choose another.")


class BudgetInvalid(CampaignInvalid):
    field = "budget"
    message = _("With a budget a percent needs its largest discount.")


class NobodyLeaves(CampaignInvalid):
    field = "audience"
    message = _("Nobody is at high risk of leaving now. Choose another audience.")


class AlreadyCancelled(Refused):
    code = "WRONG_STATE"
    message = _("This campaign was cancelled before.")


@dataclass(frozen=True)
class Draft:
    """The terms of a campaign to be. `value` is a percent, ₽ or bonuses; `gift` names a thing.

    Sums in ₽. `per_member`: how many one member may claim or use. `holdout_percent` of the guests
    are passed over, to know what the campaign brought (audience «guests» only).
    """

    name: str
    benefit: str
    audience: str
    quantity: int
    valid_from: datetime
    valid_to: datetime
    value: Decimal = ZERO
    gift: str = ""
    max_discount: Decimal | None = None
    min_amount: Decimal = ZERO
    promo_code: str = ""
    per_member: int = 1
    budget: Decimal | None = None
    holdout_percent: int = 0
    group: str = rules.BILL
    priority: int = 100
    base: str = Base.LIST


def find_campaign(*, campaign_id: UUID, by: User) -> Campaign:
    """A campaign of a business that she manages. Raises NotFound for anything else."""
    found = Campaign.objects.select_related("business", "budget").filter(pk=campaign_id).first()
    if found is None or not by.has_perm(rights.MANAGE, found.business):
        raise NotFound
    return found


@transaction.atomic
def create_campaign(
    *,
    business: Business,
    draft: Draft,
    by: User | None,
    at: datetime,
    fill: bool = True,
) -> Campaign:
    """A campaign with all its coupons: unique codes in bulk, a promo word, or a personal coupon for
    each of the latest guests. `by` None is the machine room. Without `fill` the unique codes are
    left to `fill_campaign`, batch by batch.

    Raises NotFound, CampaignInvalid.
    """
    if by is not None and not by.has_perm(rights.MANAGE, business):
        raise NotFound
    check_benefit(draft)
    _check_terms(draft, at=at)
    budget = Budget.objects.create(cap=draft.budget) if draft.budget is not None else None
    campaign = _create(business, draft, budget, by=by, at=at)
    Funder.objects.create(campaign=campaign, business=business, share=100)
    if campaign.audience == Audience.ANYONE and fill:
        _fill(campaign, at=at)
    elif campaign.audience == Audience.GUESTS:
        _give_to_guests(campaign, at=at)
    elif campaign.audience == Audience.LEAVING:
        _give_to_leaving(campaign, at=at)
    audit.record(
        by,
        "coupons.campaign",
        "campaign",
        campaign.pk,
        business_id=business.pk,
        changed={"benefit": draft.benefit, "value": str(draft.value), "quantity": draft.quantity},
    )
    return campaign


def _create(
    business: Business, draft: Draft, budget: Budget | None, *, by: User | None, at: datetime
) -> Campaign:
    try:
        with transaction.atomic():
            return Campaign.objects.create(
                business=business,
                budget=budget,
                created_by=by,
                created_at=at,
                **_columns(draft),
            )
    except IntegrityError as clash:
        if "promo_code" in str(clash):
            raise PromoTaken from clash
        raise


def _columns(draft: Draft) -> dict[str, Any]:
    names = {name for name in vars(draft) if name not in ("budget", "promo_code")}
    found = {name: getattr(draft, name) for name in names}
    if draft.audience == Audience.LEAVING:
        found["holdout_percent"] = HELD_OUT
    return found | {"promo_code": draft.promo_code.upper() or None}


def check_benefit(draft: Draft) -> None:
    """Whether such a benefit can be. Raises CampaignInvalid."""
    good = {
        Benefit.PERCENT: 0 < draft.value <= 100,
        Benefit.FIXED: draft.value > 0,
        Benefit.BONUS: draft.value > 0 and draft.max_discount is None,
        Benefit.GIFT: bool(draft.gift) and draft.value == 0 and draft.max_discount is None,
    }
    if not good[Benefit(draft.benefit)]:
        raise CampaignInvalid
    unbounded = rules.largest_cost(draft.benefit, draft.value, draft.max_discount) is None
    if draft.budget is not None and unbounded:
        raise BudgetInvalid


def _check_terms(draft: Draft, *, at: datetime) -> None:
    if draft.valid_to <= max(draft.valid_from, at):
        raise PeriodInvalid
    if not 1 <= draft.quantity <= MOST_CODES:
        raise QuantityInvalid
    is_promo = draft.audience == Audience.PROMO
    if is_promo != bool(draft.promo_code):
        raise PromoInvalid
    if is_promo and not PROMO.fullmatch(draft.promo_code.upper()):
        raise PromoInvalid


def _fill(campaign: Campaign, *, at: datetime) -> None:
    """All codes at once, in batches; topped up after a collision."""
    left = campaign.quantity
    while left:
        left -= insert_codes(campaign, rules.new_codes(min(left, BATCH)), at=at)
    _issued(campaign, campaign.quantity)


def insert_codes(campaign: Campaign, codes: list[str], *, at: datetime) -> int:
    """Coupons with these codes in one statement; how many were new indeed."""
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "valid_from": campaign.valid_from,
        "valid_to": campaign.valid_to,
        "at": at,
        "ids": [new_id() for _code in codes],
        "codes": codes,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.INSERT_CODES, values)
        return int(cursor.rowcount)


@transaction.atomic
def fill_campaign(*, campaign_id: UUID, at: datetime) -> bool:
    """One batch more of a campaign whose codes are made in the background; whether some are still
    missing. Its row is locked: two workers make no code too many. A cancelled one gets none."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    left = campaign.quantity - campaign.issued
    unfinished = campaign.audience == Audience.ANYONE and campaign.state == CampaignState.ACTIVE
    if not unfinished or left <= 0:
        return False
    made = insert_codes(campaign, rules.new_codes(min(left, BATCH)), at=at)
    _issued(campaign, campaign.issued + made)
    return made < left


def fill_unfinished(*, at: datetime) -> int:
    """Finish what a worker that died left behind; how many campaigns."""
    waiting = Campaign.objects.filter(
        audience=Audience.ANYONE, state=CampaignState.ACTIVE, issued__lt=F("quantity")
    )
    ids = list(waiting.order_by("created_at").values_list("pk", flat=True))
    for campaign_id in ids:
        while fill_campaign(campaign_id=campaign_id, at=at):
            pass
    return len(ids)


def _give_to_guests(campaign: Campaign, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.GUESTS,
            {
                "business": campaign.business_id,
                "since": at - timedelta(days=rules.GUESTS_DAYS),
                "at": at,
                "limit": campaign.quantity,
            },
        )
        guests = [row[0] for row in cursor.fetchall()]
    _give(campaign, guests, {one for one in guests if _is_held(campaign, one)}, at=at)


def _give_to_leaving(campaign: Campaign, *, at: datetime) -> None:
    """To guests at high risk, who would cost most first. Who is passed over was decided with the
    risk itself, for every campaign alike: nobody of the control is asked by another one.

    Raises NobodyLeaves."""
    risks = ChurnRisk.objects.filter(business=campaign.business, band=Band.HIGH).order_by("rank")
    held = dict(risks.values_list("member", "held_out")[: campaign.quantity])
    if not held:
        raise NobodyLeaves
    _give(campaign, list(held), {member for member, is_held in held.items() if is_held}, at=at)


def _give(
    campaign: Campaign, guests: Sequence[UUID], held: Collection[UUID], *, at: datetime
) -> None:
    HeldOut.objects.bulk_create(HeldOut(campaign=campaign, member_id=one) for one in held)
    chosen = [member_id for member_id in guests if member_id not in held]
    for given, member_id in enumerate(chosen):
        if issue(campaign, member_id=member_id, at=at) is None:
            _issued(campaign, given)
            return
    _issued(campaign, len(chosen))


def _is_held(campaign: Campaign, member_id: UUID) -> bool:
    return rules.is_held_out(
        salt=str(campaign.pk), member_id=member_id, percent=campaign.holdout_percent
    )


def _issued(campaign: Campaign, count: int) -> None:
    campaign.issued = count
    Campaign.objects.filter(pk=campaign.pk).update(issued=count)


@transaction.atomic
def cancel_campaign(*, campaign: Campaign, by: User, at: datetime, reason: str = "") -> int:
    """Unused coupons become cancelled, none is given any more; how many were cancelled.

    What was redeemed stays. Raises NotFound, AlreadyCancelled.
    """
    if not by.has_perm(rights.MANAGE, campaign.business):
        raise NotFound
    won = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.ACTIVE).update(
        state=CampaignState.CANCELLED, cancelled_at=at
    )
    if not won:
        raise AlreadyCancelled
    unused = Coupon.objects.filter(campaign=campaign, state=CouponState.ACTIVE)
    freed = sum(unused.filter(reserved__gt=0).values_list("reserved", flat=True), ZERO)
    count = unused.update(state=CouponState.CANCELLED, cancelled_at=at, reserved=ZERO)
    budgets.release({campaign.budget_id: freed})
    audit.record(
        by,
        "coupons.cancel",
        "campaign",
        campaign.pk,
        business_id=campaign.business_id,
        reason=reason,
    )
    campaign.refresh_from_db(fields=["state", "cancelled_at"])
    return count


def new_step_campaign(
    *,
    business: Business,
    sender: Business | None,
    draft: Draft,
    budget: Budget | None,
    funders: Sequence[tuple[Business, int]],
    fee: Decimal,
    valid_days: int,
) -> Campaign:
    """The campaign of a chain's step: coupons good at `business`, `valid_days` from issue.

    `sender` None keeps the origin unnamed. `funders` are (business, percent) that sum to 100.
    Raises CampaignInvalid.
    """
    check_benefit(draft)
    campaign = Campaign.objects.create(
        business=business,
        sender=sender,
        budget=budget,
        fee=fee,
        valid_days=valid_days,
        **_columns(draft),
    )
    Funder.objects.bulk_create(
        Funder(campaign=campaign, business=funder, share=share) for funder, share in funders
    )
    return campaign
