"""What the reports from facts share: asking, and saying how fresh the answer is."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.analytics import services
from apps.analytics.services import DashboardData
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import Chart, Column, Made, Series, Table
from apps.businesses.models import Business
from apps.core.money import format_rub

Widgets = dict[str, Any]


def ask(business: Business, asked: Asked, *names: str) -> tuple[DashboardData, Widgets]:
    """The widgets of a period, and how fresh they are."""
    data = services.report(
        *names, business=business, since=asked.since, until=asked.until, by=asked.step
    )
    return data, data.widgets


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


def lying(
    names: Sequence[str],
    values: Sequence[Decimal],
    *,
    heads: tuple[str, str],
    unit: str,
    **told: Any,
) -> Chart:
    """Bars that lie, one a name; `heads` are the two columns of the table beside them."""
    table = Table(
        [Column(heads[0]), Column(heads[1], unit)],
        [list(row) for row in zip(names, values, strict=True)],
    )
    told = {"table": table} | told
    series = [Series(heads[1], values)]
    return Chart(kind="rows", labels=names, unit=unit, series=series, **told)
