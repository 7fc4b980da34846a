"""Reads from ClickHouse. The tenant filter is part of every statement, days are business days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from apps.analytics.loader import TABLES
from apps.analytics.models import FactBatch
from apps.businesses.models import Business
from apps.core import clickhouse
from apps.core.models import Delivery

ZERO = Decimal("0.00")

SALES_BY_DAY = """
SELECT local_day, sum(to_pay), uniqExactIf(transaction_id, kind = 'purchase'), uniqExact(member),
       sum(bonus_accrued)
FROM transaction_facts
WHERE business_id = {business:UUID} AND local_day >= {since:Date} AND local_day <= {until:Date}
GROUP BY local_day ORDER BY local_day
"""

TOTALS = """
SELECT sum(to_pay), uniqExactIf(transaction_id, kind = 'purchase'), uniqExact(member),
       sum(bonus_accrued)
FROM transaction_facts
WHERE business_id = {business:UUID} AND local_day >= {since:Date} AND local_day <= {until:Date}
"""

OF_SALES = """
SELECT count(), sum(amount) FROM transaction_facts
WHERE business_id = {business:UUID} AND kind = 'purchase'
  AND transaction_id IN (SELECT arrayJoin({sales:Array(UUID)}))
"""


@dataclass(frozen=True)
class DaySales:
    """One business day: revenue is money actually paid, ₽; buyers are different members."""

    day: date
    revenue: Decimal = ZERO
    receipts: int = 0
    buyers: int = 0
    bonus_accrued: Decimal = ZERO


@dataclass(frozen=True)
class Totals:
    """A period as a whole; buyers are counted once over the period."""

    revenue: Decimal
    receipts: int
    buyers: int
    bonus_accrued: Decimal


@dataclass(frozen=True)
class Freshness:
    """When facts last arrived, and how many wait."""

    loaded_at: datetime | None
    waiting: int


def sales_by_day(*, business: Business, since: date, until: date) -> list[DaySales]:
    """Every day of the range, both ends included; a day without sales has zeros.

    Raises clickhouse.Unavailable.
    """
    rows = clickhouse.read(
        "analytics.sales_by_day", SALES_BY_DAY, business=str(business.pk), since=since, until=until
    )
    found = {row[0]: DaySales(*row) for row in rows}
    days = (since + timedelta(days=n) for n in range((until - since).days + 1))
    return [found.get(day, DaySales(day)) for day in days]


def totals(*, business: Business, since: date, until: date) -> Totals:
    """Revenue, receipts, buyers and bonuses of a range. Raises clickhouse.Unavailable."""
    [row] = clickhouse.read(
        "analytics.totals", TOTALS, business=str(business.pk), since=since, until=until
    )
    return Totals(*row)


def facts_of(*, business: Business, sale_ids: Iterable[UUID]) -> tuple[int, Decimal]:
    """How many of these sales arrived, and their sum in ₽. A few thousand ids at a time.

    Raises clickhouse.Unavailable.
    """
    [row] = clickhouse.read(
        "analytics.facts_of",
        OF_SALES,
        business=str(business.pk),
        sales=[str(sale) for sale in sale_ids],
    )
    return row[0], row[1]


def freshness() -> Freshness:
    """How old the figures are; read from PostgreSQL, so it answers when ClickHouse does not."""
    newest = FactBatch.objects.filter(state=FactBatch.State.LOADED).order_by("-loaded_at").first()
    waiting = Delivery.objects.filter(
        listener__in=[table.listener for table in TABLES], state=Delivery.State.WAITING
    ).count()
    return Freshness(newest.loaded_at if newest else None, waiting)
