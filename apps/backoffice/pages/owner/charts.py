"""What a page of figures is made of: charts, heat maps and tiles, each with its table.

A chart is drawn in the browser from `data`, plain JSON; the table beside it is the same numbers
for people, and for the file. Money is Decimal ₽ up to the last moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

LEAST = 5  # groups of fewer people are not shown as a number
LEVELS = 8  # steps of the one hue of a heat map


@dataclass(frozen=True)
class Column:
    """`kind`: text, day, month, number, money, bonus or percent; what is not text is aligned."""

    name: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        return self.kind not in ("text", "day", "month")


@dataclass(frozen=True)
class Table:
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    total: Sequence[Any] = ()

    @property
    def cells(self) -> list[list[tuple[Column, Any]]]:
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def total_cells(self) -> list[tuple[Column, Any]]:
        return list(zip(self.columns, self.total, strict=True)) if self.total else []


@dataclass(frozen=True)
class Series:
    """One line or one kind of bar; None is a gap: missing is not zero. `tone`: 1 is plum, …"""

    name: str
    values: Sequence[Decimal | int | float | None]
    tone: int = 1
    quiet: bool = False  # a line to compare with


@dataclass(frozen=True)
class Chart:
    """`kind`: lines, bars or rows (bars that lie). `labels` are ISO days where `step` is day, week
    or month, else words. `unit`: rub, bonus, count or percent. `partial`: the last label still
    goes on. `help`: the definition."""

    key: str
    title: str
    kind: str
    labels: Sequence[str]
    series: Sequence[Series]
    table: Table
    sentence: str
    unit: str = "count"
    step: str = ""
    stacked: bool = False
    partial: bool = False
    help: str = ""

    template = "backoffice/owner/figures/chart.html"

    @property
    def data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "unit": self.unit,
            "step": self.step,
            "stacked": self.stacked,
            "partial": self.partial,
            "soFar": _("so far"),
            "noData": _("no data"),
            "series": [
                {
                    "name": one.name,
                    "tone": one.tone,
                    "quiet": one.quiet,
                    "values": [_plain(value) for value in one.values],
                }
                for one in self.series
            ],
        }


def _plain(value: Decimal | int | float | None) -> str | int | float | None:
    return f"{value:.2f}" if isinstance(value, Decimal) else value


@dataclass(frozen=True)
class Cell:
    """A number in a heat map. `level` 0…8; None is no data, drawn hatched. `label`: the sentence
    for those who do not see the colour. `url`: the list behind the number."""

    text: str
    label: str
    level: int | None = 0
    url: str = ""


@dataclass(frozen=True)
class Heat:
    key: str
    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    help: str = ""
    note: str = ""

    template = "backoffice/owner/figures/heat.html"

    @property
    def table(self) -> Table:
        columns = [Column(self.corner), *(Column(name) for name in self.columns)]
        return Table(columns, [[name, *(cell.text for cell in cells)] for name, cells in self.rows])


def levels(values: Iterable[float | int | Decimal | None]) -> list[int | None]:
    """Steps of the hue, evenly up to the largest; zero is 0 and no value is None."""
    known = list(values)
    most = max((float(one) for one in known if one is not None), default=0.0)
    return [
        None
        if one is None
        else 0
        if not one or not most
        else max(1, round(LEVELS * float(one) / most))
        for one in known
    ]


@dataclass(frozen=True)
class Tile:
    """One figure. `kind` as a column's; changes are whole percents, None is nothing to compare."""

    name: str
    value: Any
    kind: str = "number"
    change: int | None = None
    change_in_year: int | None = None
    note: str = ""
    compares: bool = False


@dataclass(frozen=True)
class Tiles:
    tiles: Sequence[Tile]

    template = "backoffice/owner/figures/tiles.html"
    table = None
    key = "tiles"


@dataclass(frozen=True)
class Sheet:
    """A table that needs no picture."""

    key: str
    title: str
    table: Table
    help: str = ""
    note: str = ""

    template = "backoffice/owner/figures/sheet.html"


@dataclass(frozen=True)
class Made:
    """A report ready to be shown. `as_of`: when its facts last arrived; `is_stale`: an older
    picture, since ClickHouse is down; `failed`: not even that. `empty`: why there is nothing."""

    blocks: Sequence[Any] = ()
    as_of: Any = None
    is_stale: bool = False
    failed: bool = False
    empty: str = ""
    notes: Sequence[str] = field(default_factory=list)
    live: bool = False  # from the books in PostgreSQL: as of now
    since: Any = None
    until: Any = None
    waiting: int = 0  # facts that have not arrived yet


def hidden(count: int) -> str:
    """A count of people as it may be shown: fewer than five are not told apart."""
    return f"<{LEAST}" if 0 < count < LEAST else str(count)
