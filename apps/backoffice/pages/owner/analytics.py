"""Pages of figures, one a report: what was asked for, how fresh the answer is, and a file of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.backoffice import spreadsheets
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner import asked as asking
from apps.backoffice.pages.owner.charts import Made, Table
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.reports import REPORTS, Report

STALE = timedelta(minutes=15)
ROWS = 25  # of a table on the page; the file has them all


@dataclass(frozen=True)
class Tab:
    report: Report
    url: str
    current: bool


def page_of(report: Report) -> Callable[..., HttpResponse]:
    """The page of one report."""

    @for_jobs("pages.owner", hidden=True)
    @require_GET
    def page(request: HttpRequest, slug: str) -> HttpResponse:
        business = business_of(request, slug)
        context = frame(request, business)
        asked = asking.read(request.GET, business=business, at=context["now"])
        who = {"by": request.user} if report.asks_who else {}
        made = report.build(business, asked, **who)
        if request.GET.get("format") == "csv":
            name = f"{business.slug}-{report.name}-{asked.today:%Y-%m-%d}.csv"
            return spreadsheets.answer(_rows(made, request.GET.get("chart", "")), name)
        context |= {
            "report": report,
            "asked": asked,
            "made": made,
            "tabs": [
                Tab(one, reverse(f"backoffice:owner_{one.name}", args=[slug]), one is report)
                for one in REPORTS
            ],
            "periods": asking.PERIODS,
            "steps": asking.STEPS,
            "as_table": request.GET.get("view") == "table",
            "is_old": _is_old(made, context["now"]),
            "draws": any(hasattr(block, "data") for block in made.blocks),
        }
        return render(request, "backoffice/owner/analytics.html", context)

    return page


def _is_old(made: Made, now: datetime) -> bool:
    """Whether facts wait longer than they should; where nothing waits, nothing is old."""
    return made.waiting > 0 and (made.as_of is None or now - made.as_of > STALE)


def _rows(made: Made, key: str) -> Iterator[list[Any]]:
    """The tables of a report, or of one of its charts, under each other."""
    blocks = [block for block in made.blocks if block.table is not None and key in ("", block.key)]
    for number, block in enumerate(blocks):
        table: Table = block.table
        if number:
            yield []
        if len(blocks) > 1:
            yield [block.title]
        yield [column.name for column in table.columns]
        yield from (list(row) for row in table.rows)
        if table.total:
            yield list(table.total)
