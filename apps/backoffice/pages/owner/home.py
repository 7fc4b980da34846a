"""The owner's first page: what waits for her, what was sold, to how many, and how it goes.

Figures and the list of sales come from the books in PostgreSQL, the chart from ClickHouse. When
ClickHouse is away the page says so and the rest stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from apps.analytics.queries import DaySales, Freshness, freshness, sales_by_day
from apps.backoffice.alerts import alerts_of
from apps.backoffice.first_steps import first_steps
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.queries import figures
from apps.businesses.models import Business
from apps.core.clickhouse import Unavailable
from apps.core.money import format_rub
from apps.transactions.queries import sales_at

CHART_DAYS = (7, 30, 90)
USUAL_DAYS = 30
STALE = timedelta(minutes=15)
LATEST = 10


@dataclass(frozen=True)
class Chart:
    """The chart's days, oldest first, and up to which moment they are whole."""

    days: Sequence[DaySales]
    loaded_at: datetime | None
    is_stale: bool

    @property
    def total(self) -> Decimal:
        return sum((day.revenue for day in self.days), Decimal(0))

    @property
    def receipts(self) -> int:
        return sum(day.receipts for day in self.days)

    @property
    def bonus_accrued(self) -> Decimal:
        return sum((day.bonus_accrued for day in self.days), Decimal(0))

    @property
    def sentence(self) -> str:
        """The chart for those who do not see it."""
        best = max(self.days, key=lambda day: day.revenue)
        return ngettext(
            "Revenue by day for %(count)d day: %(total)s in all, most on %(day)s: %(most)s.",
            "Revenue by day for %(count)d days: %(total)s in all, most on %(day)s: %(most)s.",
            len(self.days),
        ) % {
            "count": len(self.days),
            "total": format_rub(self.total, always_kopecks=False),
            "day": date_format(best.day, "j E"),
            "most": format_rub(best.revenue, always_kopecks=False),
        }

    @property
    def points(self) -> dict[str, Any]:
        """For the script, in plain JSON: money as text, never numbers written for people."""
        revenue = [str(day.revenue) for day in self.days]
        line = {"name": _("Revenue"), "tone": 1, "quiet": False, "values": revenue}
        return {
            "kind": "lines",
            "labels": [day.day.isoformat() for day in self.days],
            "unit": "rub",
            "step": "day",
            "stacked": False,
            "partial": True,
            "soFar": _("so far"),
            "noData": _("no data"),
            "series": [line],
        }


@for_jobs("pages.owner", hidden=True)
@require_GET
def dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    now = context["now"]
    days = _asked_days(request)
    newest = sales_at(business).select_related("entered_by").order_by("-occurred_at", "-id")
    sales = list(newest[:LATEST])
    context |= {
        "days": days,
        "choices": CHART_DAYS,
        "as_table": request.GET.get("view") == "table",
        "sales": sales,
        "alerts": alerts_of(business, at=now),
        "steps": first_steps(business),
    }
    if sales:
        context["figures"] = figures(business=business, at=now)
        context["chart"] = _chart(business, days=days, at=now)
    return render(request, "backoffice/owner/dashboard.html", context)


def _asked_days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return next((days for days in CHART_DAYS if str(days) == asked), USUAL_DAYS)


def _chart(business: Business, *, days: int, at: datetime) -> Chart | None:
    """None when ClickHouse does not answer."""
    today: date = at.astimezone(ZoneInfo(business.zone)).date()
    try:
        rows = sales_by_day(business=business, since=today - timedelta(days=days - 1), until=today)
        fresh: Freshness = freshness()
    except Unavailable:
        return None
    loaded = fresh.loaded_at
    return Chart(days=rows, loaded_at=loaded, is_stale=loaded is None or at - loaded > STALE)
