"""Widgets of the dashboards, each with its formula. Days are of the business's own zone, money is
₽ kept by the till: paid, less what was handed back. All raise clickhouse.Unavailable."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.analytics import dashboard_sql as sql
from apps.analytics import door
from apps.businesses.models import Business

ZERO = Decimal("0.00")
COHORT_MONTHS = 12
AGAIN = 999  # the mark of `sql.COHORTS`


@dataclass(frozen=True)
class Figures:
    """One period: receipts of which something is left, different buyers, bonuses net of returns."""

    revenue: Decimal = ZERO
    receipts: int = 0
    buyers: int = 0
    bonus_accrued: Decimal = ZERO
    bonus_spent: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        """Revenue ÷ receipts, ₽; zero without receipts."""
        return round(self.revenue / self.receipts, 2) if self.receipts else ZERO


@dataclass(frozen=True)
class Point:
    """One bucket of a series and the trade it fell to."""

    bucket: date
    category: str
    revenue: Decimal
    receipts: int
    buyers: int


@dataclass(frozen=True)
class Cohort:
    """Guests whose first purchase was in `month`. `kept[n]` of them bought n months later; None
    where the month has not begun. `again`: bought on another day within 90 days of the first;
    None until the last of them has had 90 days."""

    month: date
    size: int
    kept: list[int | None]
    again: int | None


@dataclass(frozen=True)
class Coupons:
    """One campaign: coupons issued in the range and, of these, redeemed whenever; discount in ₽.
    `guests` redeemed in the range, `returned` of them bought on a later day within 30 days."""

    campaign_id: UUID | None
    issued: int
    redeemed: int
    discount: Decimal
    guests: int
    returned: int


def compared(*, since: date, until: date) -> list[tuple[date, date]]:
    """The range, the equal stretch just before it, and the same weekdays a year (364 days) ago."""
    length, year = timedelta(days=(until - since).days + 1), timedelta(days=364)
    before = (since - length, since - timedelta(days=1))
    return [(since, until), before, (since - year, until - year)]


def figures(
    *, business: Business | None, since: date, until: date
) -> tuple[Figures, Figures, Figures]:
    """Of the three ranges of `compared`."""
    ranges = compared(since=since, until=until)
    starts, ends = [first for first, _last in ranges], [last for _first, last in ranges]
    rows = door.read("figures", sql.FIGURES, business, starts=starts, ends=ends)
    found = {row[0]: Figures(*row[1:]) for row in rows}
    return found.get(1, Figures()), found.get(2, Figures()), found.get(3, Figures())


def series(*, business: Business | None, since: date, until: date, by: str) -> list[Point]:
    """Revenue, receipts and buyers by day, week (from Monday) or month, and trade."""
    rows = door.read("series", sql.SERIES[by], business, since=since, until=until)
    return [Point(*row) for row in rows]


def new_and_returning(
    *, business: Business | None, since: date, until: date
) -> list[tuple[date, int, int]]:
    """Day, buyers on the day of their first purchase ever, buyers who had bought before."""
    rows = door.read("new", sql.NEW_AND_RETURNING, business, since=since, until=until)
    return [(row[0], row[1], row[2]) for row in rows]


def repeat(*, business: Business | None, since: date, until: date) -> tuple[int, int]:
    """Buyers with purchases on two days and more of the range, and all its buyers."""
    [(twice, buyers)] = door.read("repeat", sql.REPEAT, business, since=since, until=until)
    return twice, buyers


def cohorts(*, business: Business | None, until: date) -> list[Cohort]:
    """Twelve months of first purchases × months since, the month of `until` included."""
    since = _months_back(until.replace(day=1), COHORT_MONTHS - 1)
    return _cohorts(door.read("cohorts", sql.COHORTS, business, since=since, until=until), until)


def _cohorts(rows: list[tuple[Any, ...]], until: date) -> list[Cohort]:
    found: dict[date, dict[int, int]] = {}
    for month, age, members in rows:
        found.setdefault(month, {})[age] = members
    return [
        Cohort(
            month=month,
            size=ages[0],
            kept=[
                ages.get(age, 0) if age <= _months_between(month, until) else None
                for age in range(COHORT_MONTHS)
            ],
            again=ages.get(AGAIN, 0) if _had_90_days(month, until) else None,
        )
        for month, ages in sorted(found.items())
    ]


def _had_90_days(month: date, until: date) -> bool:
    """Even who first bought on the month's last day."""
    last = _months_back(month, -1) - timedelta(days=1)
    return last + timedelta(days=90) <= until


def _months_back(month: date, count: int) -> date:
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


def _months_between(early: date, late: date) -> int:
    return (late.year - early.year) * 12 + late.month - early.month


def hours(
    *, business: Business | None, since: date, until: date
) -> list[tuple[int, int, int, Decimal]]:
    """Weekday (1 is Monday), hour, receipts, ₽; only hours with purchases."""
    rows = door.read("hours", sql.HOURS, business, since=since, until=until)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def basket(*, business: Business | None, since: date, until: date) -> dict[str, Decimal] | None:
    """The receipt that 10, 50 and 90 % of receipts do not exceed, ₽; None without receipts."""
    [(count, low, middle, high)] = door.read(
        "basket", sql.BASKET, business, since=since, until=until
    )
    return {"p10": low, "p50": middle, "p90": high} if count else None


def coupons(*, business: Business | None, since: date, until: date) -> list[Coupons]:
    """The funnel of each campaign."""
    bound: dict[str, Any] = {"since": since, "until": until}
    came = {row[0]: row[1:] for row in door.read("came", sql.CAME_AGAIN, business, **bound)}
    rows = door.read("funnel", sql.FUNNEL, business, **bound)
    return [Coupons(*row, *came.get(row[0], (0, 0))) for row in rows]


# --- the network ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Partner:
    """One partner's range: bills net of returns, money kept by the till, ₽; receipts, buyers."""

    business_id: UUID
    gmv: Decimal
    revenue: Decimal
    receipts: int
    buyers: int


def by_partner(*, since: date, until: date) -> list[Partner]:
    """Partners that sold something in the range, the largest first."""
    rows = door.read("by_partner", sql.BY_PARTNER, None, since=since, until=until)
    return [Partner(*row) for row in rows]


def cross_visits(*, until: date) -> tuple[int, int]:
    """Buyers of the 30 days up to `until`, and those of them who bought at two partners or more."""
    [(buyers, crossed)] = door.read("cross_visits", sql.CROSS_VISITS, None, until=until)
    return buyers, crossed


def partner_cohorts(*, until: date) -> list[Cohort]:
    """Partners by the month of their first sale × months since: how many sold something then."""
    since = _months_back(until.replace(day=1), COHORT_MONTHS - 1)
    rows = door.read("partner_cohorts", sql.PARTNER_COHORTS, None, since=since, until=until)
    return _cohorts(rows, until)
