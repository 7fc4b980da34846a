"""What the reports from facts share: asking, and saying how fresh the answer is."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.analytics import services
from apps.analytics.services import DashboardData
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import Made
from apps.businesses.models import Business
from apps.core.money import format_rub

Widgets = dict[str, Any]


def ask(business: Business, asked: Asked, *names: str) -> tuple[DashboardData, Widgets]:
    """The widgets of a period. The first answer says how fresh they are."""
    first: DashboardData | None = None
    found: Widgets = {}
    for name in names:
        data = services.report(
            name, business=business, since=asked.since, until=asked.until, by=asked.step
        )
        first = first or data
        found |= data.widgets
    assert first is not None
    return first, found


def made_of(
    data: DashboardData, blocks: Callable[[], list[Any]], *needs: Any, empty: str = ""
) -> Made:
    """The report, or why there is none: never seen any facts, or no sales in these days."""
    if data.is_stale and data.as_of is None:
        return Made(failed=True)
    facts: dict[str, Any] = {"as_of": data.as_of, "is_stale": data.is_stale}
    facts |= {"waiting": data.waiting, "since": data.since, "until": data.until}
    if not any(needs):
        return Made(empty=empty or _("There were no sales in these days."), **facts)
    return Made(blocks=blocks(), **facts)


def rub(value: Any) -> str:
    return format_rub(Decimal(value), always_kopecks=False)
