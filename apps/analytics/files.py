"""Tables as files that Excel opens in Russian: CSV in UTF-8 with its mark, semicolons and decimal
commas; XLSX row by row, where money and counts are numbers. Column names are words of the API.

Neither lets a cell that begins like a formula be one."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from xlsxwriter import Workbook

CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMULA = re.compile(r"[=+\-@\t\r]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
MONEY = re.compile(r"-?[0-9]+\.[0-9]{2}", re.ASCII)


def write(rows: Iterable[dict[str, Any]], form: str) -> bytes:
    """The file. Columns are the keys of the first row; lists become columns of their own."""
    return _csv(rows) if form == CSV else _xlsx(rows)


def _csv(rows: Iterable[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    for row in _lines(rows):
        table.writerow([_safe(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _safe(cell: Any) -> Any:
    if isinstance(cell, float) or (isinstance(cell, str) and NUMBER.fullmatch(cell)):
        return str(cell).replace(".", ",")
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def _xlsx(rows: Iterable[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00"})
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(_lines(rows)):
            for column, cell in enumerate(row):
                if isinstance(cell, str) and MONEY.fullmatch(cell):
                    sheet.write_number(number, column, float(cell), money)
                elif isinstance(cell, str):
                    sheet.write_string(number, column, cell, bold if number == 0 else None)
                elif cell is not None:
                    sheet.write(number, column, cell)
    return out.getvalue()


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[list[Any]]:
    names: list[str] = []
    for row in rows:
        flat = _flat(row)
        if not names:
            names = list(flat)
            yield list(names)
        yield [flat.get(name) for name in names]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, list):
            flat |= {f"{name}_{n}": one for n, one in enumerate(value)}
        else:
            flat[name] = value
    return flat
