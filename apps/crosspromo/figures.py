"""Counters of exposures and conversions: reckoned in PostgreSQL, kept in ClickHouse, read from
there or, when it is down, from where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from apps.businesses.models import Business
from apps.core import clickhouse
from apps.crosspromo import sql, winwin
from apps.crosspromo.winwin import Counters, Side

log = structlog.get_logger(__name__)

WINDOW_DAYS = 90  # the index looks this far back
LONGEST = timedelta(days=31)  # the longest window of a coupon, and a day
TABLE = "cross_promo_conversions"
COLUMNS = (
    "window",
    "hour",
    "from_business",
    "to_business",
    "arm",
    "exposed",
    "converted",
    "returned",
    "revenue",
    "revenue_squares",
    "discount",
    "bonus_cost",
    "cost_to",
    "cost_from",
    "fee",
    "computed_at",
)

READ = """
SELECT from_business, to_business, arm, sum(exposed), sum(converted), sum(returned), sum(revenue),
       sum(discount), sum(bonus_cost), sum(cost_to), sum(cost_from), sum(fee)
FROM cross_promo_conversions
WHERE arm = 'before'
   OR hour >= {since:DateTime('UTC')} AND hour <= {at:DateTime('UTC')} - toIntervalDay(window)
GROUP BY from_business, to_business, arm
"""

Way = tuple[UUID, UUID]


@dataclass(frozen=True)
class Cell:
    """One direction and arm, summed: guests, and money in ₽."""

    exposed: int = 0
    converted: int = 0
    returned: int = 0
    revenue: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    bonus_cost: Decimal = Decimal(0)
    cost_to: Decimal = Decimal(0)
    cost_from: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)

    def plus(self, other: "Cell") -> "Cell":
        return Cell(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(self)
            }
        )


Cells = dict[tuple[UUID, UUID, str], Cell]


def hours_between(*, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """Rows of exposures whose hour lies in the range, as ClickHouse keeps them but for the moment
    of reckoning. Each hour is whole: the range is widened to full hours."""
    start = since.replace(minute=0, second=0, microsecond=0)
    return _rows(sql.CONVERSIONS, {"since": start, "until": until})


def organic_rows(*, launched: datetime) -> list[tuple[Any, ...]]:
    """Rows of the arm «before» for chains that went live since a moment."""
    return _rows(sql.BEFORE, {"launched": launched})


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [tuple(row) for row in cursor.fetchall()]


def cells(*, at: datetime) -> Cells:
    """Every direction and arm of the last 90 days, with what was before. Works without ClickHouse:
    then reckoned anew.

    Only exposures whose window is over: a guest who still may come is no guest who stayed away.
    """
    since = at - timedelta(days=WINDOW_DAYS)
    try:
        rows = clickhouse.read(
            "crosspromo.cells", READ, since=since.astimezone(UTC), at=at.astimezone(UTC)
        )
        return {(row[0], row[1], str(row[2])): Cell(*row[3:]) for row in rows}
    except clickhouse.Unavailable:
        log.warning("winwin.without_clickhouse")
    rows = hours_between(since=since, until=at) + organic_rows(launched=since)
    return summed([row for row in rows if _is_ripe(row, at=at)])


def _is_ripe(row: tuple[Any, ...], *, at: datetime) -> bool:
    days, hour, arm = row[0], row[1], row[4]
    return bool(arm == "before" or hour <= at - timedelta(days=int(days)))


def summed(rows: Sequence[tuple[Any, ...]]) -> Cells:
    found: Cells = {}
    for _days, _hour, start, end, arm, exposed, came, again, paid, _squares, *money in rows:
        key = (start, end, str(arm))
        found[key] = found.get(key, Cell()).plus(Cell(exposed, came, again, paid, *money))
    return found


def counters_of(found: Cells) -> dict[tuple[object, object], Counters]:
    """The same as the index wants it: one record a direction."""
    ways = {(start, end) for start, end, _arm in found}
    return {(start, end): _counters(found, start, end) for start, end in ways}


def _counters(found: Cells, start: UUID, end: UUID) -> Counters:
    treated = found.get((start, end, "treated"), Cell())
    control = found.get((start, end, "control"), Cell())
    before = found.get((start, end, "before"), Cell())
    return Counters(
        exposed=int(treated.exposed),
        came=int(treated.converted),
        held=int(control.exposed),
        held_came=int(control.converted),
        before=int(before.exposed),
        before_came=int(before.converted),
        cost_to=float(treated.cost_to),
        cost_from=float(treated.cost_from),
        fee=float(treated.fee),
        again=int(treated.returned),
        held_again=int(control.returned),
    )


def sides(businesses: Sequence[Business], *, at: datetime) -> dict[UUID, Side]:
    """Each partner's mean receipt of 90 days, ₽, and the margin of its trade."""
    since = at - timedelta(days=WINDOW_DAYS)
    receipts = dict(_rows(sql.RECEIPTS, {"since": since}))
    return {
        one.pk: Side(
            receipt=max(1.0, receipts.get(one.pk, 1000.0)),
            margin=winwin.MARGIN.get(one.category, 0.4),
        )
        for one in businesses
    }
