"""Tables as CSV that Excel opens in Russian: BOM, semicolons, decimal commas, no formulas."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise

from apps.core.money import MINUS

BOM = "\ufeff"
# A cell that begins like a formula is run by a spreadsheet; an apostrophe makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r", MINUS)


def cell(value: object) -> str:
    """One cell: money with a comma, days as Russians write them, text that is never a formula."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", ",")
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    if isinstance(value, datetime):
        return f"{value:%d.%m.%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Lines of the file, one by one, the first with the mark of UTF-8."""
    out = io.StringIO()
    sheet = csv.writer(out, delimiter=";", lineterminator="\r\n")
    out.write(BOM)
    for row in rows:
        sheet.writerow([cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def answer(rows: Iterable[Iterable[Any]], name: str | Promise) -> HttpResponse:
    """A file to be saved under `name`."""
    return HttpResponse(
        "".join(lines(rows)).encode(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
