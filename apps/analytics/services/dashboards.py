"""Dashboards: every widget from ClickHouse, the last good picture while it is down."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.analytics import dashboard_queries as asked
from apps.analytics.dashboard_queries import Figures
from apps.analytics.models import Snapshot
from apps.analytics.queries import freshness
from apps.analytics.services import widgets
from apps.analytics.services.platform import platform
from apps.analytics.tables import sources
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.core import clickhouse
from apps.core.errors import Invalid, NotFound

log = structlog.get_logger(__name__)

DAYS = 30  # of a dashboard that names no range
LONGEST = 731  # days
KEEP_EVERY = timedelta(minutes=5)


class RangeWrong(Invalid):
    field = "from"
    message = _("The range is from an earlier day to a later one, two years at most.")


@dataclass(frozen=True)
class DashboardData:
    """Widgets by name in plain JSON: money as strings of ₽, days in ISO 8601.

    `as_of` is when the facts behind them last arrived. `is_stale`: ClickHouse is down, this is the
    last picture taken, of the range it names; None of anything was ever seen."""

    business_id: UUID | None
    since: date
    until: date
    as_of: datetime | None
    waiting: int
    is_stale: bool = False
    widgets: dict[str, Any] = field(default_factory=dict)
    # Figures and days of the range that was asked for, live from PostgreSQL; only when stale.
    core: dict[str, Any] | None = None


Widget = Callable[[Business | None, date, date], Any]


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def _change(now: Decimal | int, before: Decimal | int) -> int | None:
    """Whole percents; None when there is nothing to compare with."""
    return round((now - before) * 100 / before) if before > 0 else None


def _kpis(business: Business | None, since: date, until: date) -> dict[str, Any]:
    """Sums of the range, the equal stretch before it and the same weekdays a year ago. Revenue: ₽
    paid less ₽ handed back; average receipt = revenue ÷ receipts of which something is left."""
    return _beside(*asked.figures(business=business, since=since, until=until))


def _core(business: Business | None, since: date, until: date) -> dict[str, Any]:
    ranges = asked.compared(since=since, until=until)
    read = sources().core_figures
    found = [read(business=business, since=first, until=last) for first, last in ranges]
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "kpis": _beside(*found),
        "series": widgets.core(business, since, until),
    }


def _beside(now: Figures, before: Figures, year_ago: Figures) -> dict[str, Any]:

    def one(read: Callable[[Figures], Any]) -> dict[str, Any]:
        values = [read(now), read(before), read(year_ago)]
        shown = [_money(one) if isinstance(one, Decimal) else one for one in values]
        return {
            "value": shown[0],
            "before": shown[1],
            "change": _change(values[0], values[1]),
            "year_ago": shown[2],
            "change_in_year": _change(values[0], values[2]),
        }

    return {
        "revenue": one(lambda figures: figures.revenue),
        "receipts": one(lambda figures: figures.receipts),
        "average_receipt": one(lambda figures: figures.average),
        "buyers": one(lambda figures: figures.buyers),
        "bonus_accrued": one(lambda figures: figures.bonus_accrued),
        "bonus_spent": one(lambda figures: figures.bonus_spent),
    }


def _series(
    business: Business | None, since: date, until: date, by: str = "day"
) -> list[dict[str, Any]]:
    return [
        {
            "bucket": point.bucket.isoformat(),
            "category": point.category,
            "revenue": _money(point.revenue),
            "receipts": point.receipts,
            "buyers": point.buyers,
        }
        for point in asked.series(business=business, since=since, until=until, by=by)
    ]


def _buyers(business: Business | None, since: date, until: date) -> list[dict[str, Any]]:
    rows = asked.new_and_returning(business=business, since=since, until=until)
    return [{"day": day.isoformat(), "new": new, "returning": old} for day, new, old in rows]


def _repeat(business: Business | None, since: date, until: date) -> dict[str, Any]:
    """Repeat purchase rate = buyers with two purchase days and more ÷ buyers, in %."""
    twice, buyers = asked.repeat(business=business, since=since, until=until)
    rate = round(100 * twice / buyers, 1) if buyers else None
    return {"repeated": twice, "buyers": buyers, "rate": rate}


def _cohorts(business: Business | None, since: date, until: date) -> list[dict[str, Any]]:
    return [
        {
            "month": one.month.isoformat(),
            "size": one.size,
            "kept": one.kept,
            "percent": [
                None if kept is None else round(100 * kept / one.size, 1) for kept in one.kept
            ],
            "bought_again_in_90_days": one.again,
        }
        for one in asked.cohorts(business=business, until=until)
    ]


def _hours(business: Business | None, since: date, until: date) -> list[dict[str, Any]]:
    return [
        {"weekday": weekday, "hour": hour, "receipts": receipts, "revenue": _money(revenue)}
        for weekday, hour, receipts, revenue in asked.hours(
            business=business, since=since, until=until
        )
    ]


def _basket(business: Business | None, since: date, until: date) -> dict[str, str] | None:
    found = asked.basket(business=business, since=since, until=until)
    return {name: _money(value) for name, value in found.items()} if found else None


# Of a campaign whose coupons PostgreSQL does not know (they were members' no more).
NO_STEPS: dict[str, Any] = {
    "shown": 0, "activated": 0, "cost": "0.00", "incremental": "0.00", "low": None, "high": None,
    "method": "before_after",
}  # fmt: skip


def _coupons(business: Business | None, since: date, until: date) -> list[dict[str, Any]]:
    """Issued in the range → shown → activated → redeemed, whenever; `guests` redeemed in the range,
    of whom `returned_in_30_days` bought on a later day within 30 days. What shown and activated,
    cost and incremental revenue with its bounds are: `Sources.coupon_steps`."""
    steps = widgets.coupon_steps(business, since, until)
    return [
        {
            "campaign_id": str(one.campaign_id) if one.campaign_id else None,
            "issued": one.issued,
            "redeemed": one.redeemed,
            "discount": _money(one.discount),
            "guests": one.guests,
            "returned_in_30_days": one.returned,
        }
        | (steps.get(one.campaign_id, NO_STEPS) if one.campaign_id else NO_STEPS)
        for one in asked.coupons(business=business, since=since, until=until)
    ]


WIDGETS: dict[str, Widget] = {
    "kpis": _kpis,
    "series": _series,
    "buyers": _buyers,
    "repeat": _repeat,
    "cohorts": _cohorts,
    "hours": _hours,
    "basket": _basket,
    "coupons": _coupons,
    "rfm": widgets.rfm,
    "churn": widgets.churn,
    "worth": widgets.worth,
    "liability": widgets.liability,
    "freshness": widgets.fresh,
}


def generate_dashboard(
    business_id: UUID | None, *, since: date | None = None, until: date | None = None
) -> DashboardData:
    """All widgets of a business, or with None of the network; 30 days up to today unless said.

    Never fails for want of ClickHouse: `is_stale` then. Raises NotFound, RangeWrong."""
    business = _business(business_id)
    start, end = range_of(business, since=since, until=until)
    try:
        with clickhouse.together():
            shown = {name: widget(business, start, end) for name, widget in WIDGETS.items()}
            if business is None:
                shown["platform"] = platform(start, end)
        shown |= widgets.of_others(business, start, end)
    except clickhouse.Unavailable:
        return _last(business, since=start, until=end)
    data = _data(business, start, end, shown)
    if since is None and until is None:
        _keep(business, data, at=timezone.now())
    return data


def report(
    *names: str,
    business: Business | None,
    since: date | None,
    until: date | None,
    by: str = "day",
) -> DashboardData:
    """Some widgets alone, the series by day, week or month; of the last picture, by day, while
    ClickHouse is down. As `generate_dashboard` otherwise."""
    start, end = range_of(business, since=since, until=until)
    try:
        found = {name: _one(name, business, start, end, by) for name in names}
    except clickhouse.Unavailable:
        last = _last(business, since=start, until=end)
        kept = {key: value for key, value in last.widgets.items() if key in names}
        return replace(last, widgets=kept)
    return _data(business, start, end, found)


def series(
    business: Business | None, *, since: date, until: date, by: str = "day"
) -> list[dict[str, Any]]:
    """The rows of the series alone, to compare with; none while ClickHouse is down."""
    try:
        return _series(business, since, until, by)
    except clickhouse.Unavailable:
        return []


def _one(name: str, business: Business | None, since: date, until: date, by: str) -> Any:
    if name == "series":
        return _series(business, since, until, by)
    if name in WIDGETS:
        return WIDGETS[name](business, since, until)
    return widgets.of_other(name, business, since, until)


def keep_dashboards(*, at: datetime) -> int:
    """A picture of every scope, for days without ClickHouse; how many were taken."""
    scopes: list[Business | None] = [None, *partners()]
    for one in scopes:
        generate_dashboard(one.pk if one else None)
    return len(scopes)


def range_of(
    business: Business | None, *, since: date | None, until: date | None
) -> tuple[date, date]:
    """Both days included; today is that of the business's zone."""
    zone = ZoneInfo(business.zone) if business else timezone.get_default_timezone()
    end = until or timezone.now().astimezone(zone).date()
    start = since or end - timedelta(days=DAYS - 1)
    if not 0 <= (end - start).days < LONGEST or start.year < 2000:
        raise RangeWrong
    return start, end


def _business(business_id: UUID | None) -> Business | None:
    if business_id is None:
        return None
    found = partners().filter(pk=business_id).first()
    if found is None:
        raise NotFound
    return found


def _data(
    business: Business | None, since: date, until: date, found: dict[str, Any]
) -> DashboardData:
    fresh = freshness()
    pk = business.pk if business else None
    return DashboardData(pk, since, until, fresh.loaded_at, fresh.waiting, False, found)


def _kept(business: Business | None) -> Snapshot | None:
    rows = Snapshot.objects.filter(kind=Snapshot.Kind.DASHBOARD, business=business)
    return rows.order_by("-day").first()


def _keep(business: Business | None, data: DashboardData, *, at: datetime) -> None:
    newest = _kept(business)
    if newest and newest.computed_at > at - KEEP_EVERY:
        return
    Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.DASHBOARD,
        business=business,
        day=data.until,
        defaults={
            "rows": len(data.widgets),
            "summary": {"since": data.since.isoformat(), "widgets": data.widgets},
            "computed_at": at,
        },
    )


def _last(business: Business | None, *, since: date, until: date) -> DashboardData:
    pk, waiting = business.pk if business else None, freshness().waiting
    core = _core(business, since, until)
    newest = _kept(business)
    if newest is None:
        return DashboardData(pk, since, until, None, waiting, True, core=core)
    start = date.fromisoformat(newest.summary["since"])
    found = newest.summary["widgets"]
    return DashboardData(pk, start, newest.day, newest.computed_at, waiting, True, found, core)
