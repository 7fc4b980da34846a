"""Figures of one business straight from the books: live, and there when ClickHouse is not."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, DateField, F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from apps.accounts.models import TierChange, User
from apps.businesses.models import Business
from apps.transactions.models import Status, Transaction

PERIODS = (1, 7, 30)  # days, today included
PAID = F("to_pay") - F("money_returned")  # what stayed in the till


@dataclass(frozen=True)
class Figures:
    """Sums of one period up to now, and the revenue of the equal stretch of time before it."""

    days: int
    since: datetime
    revenue: Decimal
    receipts: int
    buyers: int
    bonus_accrued: Decimal
    revenue_before: Decimal

    @property
    def change(self) -> int | None:
        """Whole percents against the stretch before; None when there is nothing to compare with."""
        if not self.revenue_before:
            return None
        return round((self.revenue / self.revenue_before - 1) * 100)


def figures(*, business: Business, at: datetime) -> list[Figures]:
    """Today, 7 and 30 days of the business's own calendar, each compared like with like:
    a day that still goes on against the same hours of the day before."""
    local = at.astimezone(ZoneInfo(business.zone))
    midnight = datetime.combine(local.date(), time(), tzinfo=local.tzinfo)
    starts = {days: midnight - timedelta(days=days - 1) for days in PERIODS}
    asked: dict[str, Aggregate] = {}
    for days, since in starts.items():
        now = Q(occurred_at__gte=since, occurred_at__lte=at)
        shift = timedelta(days=days)
        before = Q(occurred_at__gte=since - shift, occurred_at__lte=at - shift)
        asked |= {
            f"revenue_{days}": Sum(PAID, filter=now, default=Decimal(0)),
            f"receipts_{days}": Count("pk", filter=now),
            f"buyers_{days}": Count("member", filter=now, distinct=True),
            f"bonus_accrued_{days}": Sum("bonus_accrued", filter=now, default=Decimal(0)),
            f"revenue_before_{days}": Sum(PAID, filter=before, default=Decimal(0)),
        }
    oldest = starts[max(PERIODS)] - timedelta(days=max(PERIODS))
    sums = (
        Transaction.objects.filter(business=business, occurred_at__gte=oldest, occurred_at__lte=at)
        .exclude(status=Status.REFUNDED)
        .aggregate(**asked)
    )
    names = ("revenue", "receipts", "buyers", "bonus_accrued", "revenue_before")
    return [
        Figures(days=days, since=since, **{name: sums[f"{name}_{days}"] for name in names})
        for days, since in starts.items()
    ]


# --- tiers of guests ------------------------------------------------------------------------------
YEAR = timedelta(days=365)


def _guests(business: Business, at: datetime) -> QuerySet[Transaction, Any]:
    """Ids of members who bought here within a year and are still members."""
    return (
        Transaction.objects.filter(
            business=business, occurred_at__gt=at - YEAR, occurred_at__lte=at
        )
        .exclude(status=Status.REFUNDED)
        .values("member")
    )


def tiers_of_guests(*, business: Business, at: datetime) -> dict[str, int]:
    """How many of the last year's guests hold which tier now, by its name."""
    people = User.objects.filter(pk__in=_guests(business, at), erased_at__isnull=True)
    return dict(people.values_list("tier__name").annotate(n=Count("pk")))


def tier_moves(*, business: Business, at: datetime) -> list[tuple[date, int, int]]:
    """Months of the last year, oldest first: how many steps up and down these guests made."""
    month = TruncMonth("at", tzinfo=ZoneInfo(business.zone), output_field=DateField())
    rows = (
        TierChange.objects.filter(member__in=_guests(business, at), at__gt=at - YEAR, at__lte=at)
        .annotate(month=month)
        .values("month")
        .annotate(
            up=Count("pk", filter=Q(after__position__gt=F("before__position"))),
            down=Count("pk", filter=Q(after__position__lt=F("before__position"))),
        )
        .order_by("month")
    )
    return [(row["month"], row["up"], row["down"]) for row in rows]
