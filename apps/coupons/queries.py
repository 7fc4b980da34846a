"""Reads of coupons that several callers need."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import NormalDist
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.money import from_kopecks
from apps.coupons import rules, sql
from apps.coupons.enums import CouponState
from apps.coupons.models import (
    Campaign,
    Coupon,
    CouponQuerySet,
    HeldOut,
    Redemption,
)

ZERO = Decimal("0.00")
CONFIDENCE = 0.95


def wallet_of(member: User) -> CouponQuerySet:
    """Her coupons with what a list shows of them."""
    return Coupon.objects.of_member(member).select_related("campaign__business", "campaign__sender")


def newest_coupons(member: User, *, at: datetime, limit: int = 3) -> list[Coupon]:
    """What she can use now, newest first: a part of the app's first screen."""
    return list(wallet_of(member).usable(at=at).order_by("-issued_at", "-pk")[:limit])


def card_of(coupon: Coupon) -> dict[str, Any]:
    """A coupon as anybody may see it at a till: without its code."""
    campaign = coupon.campaign
    return {
        "id": coupon.pk,
        "title": campaign.title,
        "business_id": campaign.business_id,
        "business_name": campaign.business.name,
        "benefit": benefit_of(campaign),
        "min_amount": f"{campaign.min_amount:.2f}",
        "valid_from": coupon.valid_from,
        "valid_to": coupon.valid_to,
    }


def benefit_of(campaign: Campaign) -> dict[str, Any]:
    """The contract's `benefit`: the value is a percent, ₽, bonuses or the gift's name."""
    most = campaign.max_discount
    return {
        "type": campaign.benefit,
        "value": campaign.gift or f"{campaign.value:.2f}",
        "max_discount": None if most is None else f"{most:.2f}",
    }


def coupons_of_sale(sale_id: UUID) -> list[dict[str, Any]]:
    """What the coupons of a sale gave; those of a returned sale are left out."""
    used = Redemption.objects.filter(sale_id=sale_id, returned_at__isnull=True)
    rows = used.select_related("coupon__campaign__business").order_by("pk")
    return [
        card_of(row.coupon) | {"discount": f"{row.discount:.2f}", "bonus": f"{row.bonus:.2f}"}
        for row in rows
    ]


def find_coupons(texts: list[str]) -> dict[str, Coupon | None]:
    """What each typed or scanned text stands for. One statement for all of them."""
    readings = {text: rules.readings(text) for text in texts}
    asked = {
        code
        for codes in readings.values()
        for code in codes
        if rules.is_code(code) or rules.is_own(code)
    }
    found = {
        coupon.code: coupon
        for coupon in Coupon.objects.filter(code__in=asked)
        .select_related("campaign__business", "campaign__sender", "campaign__budget")
        .prefetch_related("campaign__funders")
    }
    return {
        text: next((found[code] for code in codes if code in found), None)
        for text, codes in readings.items()
    }


def campaigns_of(businesses: QuerySet[Business]) -> QuerySet[Campaign]:
    """Campaigns that owners made by hand; the steps of chains are shown with their chain."""
    made = Campaign.objects.filter(business__in=businesses).exclude(audience="chain")
    return made.select_related("business", "budget")


def used_by(member_id: UUID, campaign_ids: set[UUID]) -> dict[UUID, int]:
    """How many times she used each of these campaigns; returned sales do not count."""
    rows = (
        Redemption.objects.filter(
            member_id=member_id, campaign_id__in=campaign_ids, returned_at__isnull=True
        )
        .values_list("campaign_id")
        .annotate(number=Count("pk"))
    )
    return dict(rows)


@dataclass(frozen=True)
class Stats:
    """What became of a campaign; sums in ₽.

    `revenue_with` is the money paid by those who used it (or, with a hold-out, by all who got it),
    `revenue_without` what they would have paid: the held-out guests' average, or what the same
    people paid in as many days before. `low` and `high` bound `incremental` with 95 % (hold-out
    only).
    """

    issued: int
    seen: int
    redeemed: int
    expired: int
    cancelled: int
    discount: Decimal
    bonus: Decimal
    revenue_with: Decimal
    revenue_without: Decimal
    incremental: Decimal
    low: Decimal | None
    high: Decimal | None
    method: str


@dataclass(frozen=True)
class Effect:
    """The money of `Stats`: what a campaign brought beyond what would have come anyway."""

    revenue_with: Decimal
    revenue_without: Decimal
    incremental: Decimal
    low: Decimal | None
    high: Decimal | None
    method: str


def stats_of(campaign: Campaign, *, at: datetime) -> Stats:
    """Counts by state and the money, as of `at`."""
    late = Q(state=CouponState.ACTIVE, valid_to__lte=at)
    counts = Coupon.objects.filter(campaign=campaign).aggregate(
        issued=Count("pk"),
        seen=Count("pk", filter=Q(seen_at__isnull=False)),
        redeemed=Count("pk", filter=Q(state=CouponState.REDEEMED)),
        expired=Count("pk", filter=late | Q(state=CouponState.EXPIRED)),
        cancelled=Count("pk", filter=Q(state=CouponState.CANCELLED)),
    )
    used = Redemption.objects.filter(campaign=campaign, returned_at__isnull=True).aggregate(
        discount=Sum("discount", default=ZERO), bonus=Sum("bonus", default=ZERO)
    )
    effect = effects_of([campaign], at=at)[campaign.pk]
    return Stats(**counts, **used, **asdict(effect))


def effects_of(campaigns: Iterable[Campaign], *, at: datetime) -> dict[UUID, Effect]:
    """The effect of each campaign up to `at`, against its hold-out or against the days before. At
    most five statements for any number of them."""
    known = {one.pk: one for one in campaigns}
    spans = {pk: (one.valid_from, min(at, one.valid_to)) for pk, one in known.items()}
    tried = [pk for pk, one in known.items() if one.holdout_percent]
    held = set(HeldOut.objects.filter(campaign__in=tried).values_list("campaign", flat=True))
    compared = {pk: spans[pk] for pk in held}
    others = {pk: span for pk, span in spans.items() if pk not in held}
    earlier = {
        pk: (since - max(until - since, timedelta(0)), since)
        for pk, (since, until) in others.items()
    }
    got = _paid(sql.PAID_BY_HOLDERS, known, compared)
    without = _paid(sql.PAID_BY_HELD_OUT, known, compared)
    after = _paid(sql.PAID_BY_REDEEMERS, known, others)
    before = _paid(sql.PAID_BY_REDEEMERS, known, earlier)
    return {pk: _against_held_out(got[pk], without[pk]) for pk in compared} | {
        pk: _against_before(after[pk], before[pk]) for pk in others
    }


def _against_before(after: "_Paid", before: "_Paid") -> Effect:
    gain = after.total - before.total
    return Effect(after.total, before.total, gain, None, None, "before_after")


def _against_held_out(got: "_Paid", held: "_Paid") -> Effect:
    without = held.mean * got.people
    difference = got.total - without
    error = got.people * (got.variance_of_mean + held.variance_of_mean) ** 0.5
    reach = Decimal(NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error).quantize(ZERO)
    return Effect(
        revenue_with=got.total,
        revenue_without=without.quantize(ZERO),
        incremental=difference.quantize(ZERO),
        low=(difference - reach).quantize(ZERO),
        high=(difference + reach).quantize(ZERO),
        method="holdout",
    )


@dataclass(frozen=True)
class _Paid:
    """What some people paid in a window: how many they are, Σ ₽, Σ ₽² over the people."""

    people: int
    total: Decimal
    squares: float

    @property
    def mean(self) -> Decimal:
        return self.total / self.people if self.people else ZERO

    @property
    def variance_of_mean(self) -> float:
        if self.people < 2:
            return 0.0
        mean = float(self.mean)
        return max(0.0, self.squares / self.people - mean * mean) / (self.people - 1)


def _paid(
    statement: str,
    campaigns: dict[UUID, Campaign],
    spans: dict[UUID, tuple[datetime, datetime]],
) -> dict[UUID, _Paid]:
    """For each campaign of `spans`; nobody paid nothing where the statement names none."""
    found = {pk: _Paid(0, ZERO, 0.0) for pk in spans}
    if spans:
        values: dict[str, Any] = {
            "campaigns": list(spans),
            "businesses": [campaigns[pk].business_id for pk in spans],
            "starts": [since for since, _until in spans.values()],
            "ends": [until for _since, until in spans.values()],
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            for pk, people, kopecks, squares in cursor.fetchall():
                found[pk] = _Paid(people, from_kopecks(int(kopecks)), float(squares) / 10_000)
    return found


@dataclass(frozen=True)
class Steps:
    """How far the coupons of one campaign came that members got in some days, and what their
    redemptions cost, ₽: discounts and bonuses."""

    shown: int
    opened: int
    discount: Decimal
    bonus: Decimal

    @property
    def cost(self) -> Decimal:
        return self.discount + self.bonus


def steps_of(business: Business | None, since: date, until: date) -> dict[UUID, Steps]:
    """Campaign → its steps, for coupons that members got in these days of the business's zone; with
    None those of the whole network."""
    values = {"business": business.pk if business else None, "first": since, "last": until}
    with connection.cursor() as cursor:
        cursor.execute(sql.STEPS, values)
        return {row[0]: Steps(*row[1:]) for row in cursor.fetchall()}


def sale_known(sale_id: UUID, business: Business) -> tuple[UUID, Decimal] | None:
    """(member, ₽ paid) of a sale of this business, from the ledger: coupons lie below sales."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SALE, {"key": str(sale_id), "business": business.pk})
        row = cursor.fetchone()
    return (row[0], from_kopecks(int(row[1]))) if row else None


def charge_fault() -> str:
    """The first use of a coupon whose charges and claims differ; "" while the books agree."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NOT_CLAIMED)
        row = cursor.fetchone()
    return row[0] if row else ""


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What coupons hold about her: her wallet and what she used."""
    coupons = wallet_of(member).order_by("issued_at", "pk")
    redemptions = Redemption.objects.filter(member=member).select_related("business", "campaign")
    return {
        "coupons": [
            {
                "id": coupon.pk,
                "name": coupon.campaign.name,
                "business": coupon.campaign.business.name,
                "state": coupon.state_at(at),
                "issued_at": coupon.issued_at,
                "valid_to": coupon.valid_to,
                "redeemed_at": coupon.redeemed_at,
            }
            for coupon in coupons
        ],
        "redemptions": [
            {
                "name": redemption.campaign.name,
                "business": redemption.business.name,
                "discount": f"{redemption.discount:.2f}",
                "bonus": f"{redemption.bonus:.2f}",
                "at": redemption.at,
            }
            for redemption in redemptions.order_by("at", "pk")
        ],
    }


def used_of(campaign_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Campaign → coupons used and not returned; one that has none is absent. One statement."""
    used = Redemption.objects.filter(campaign__in=set(campaign_ids), returned_at__isnull=True)
    return dict(used.values_list("campaign").annotate(number=Count("pk")))
