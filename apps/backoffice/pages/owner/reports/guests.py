"""Guests and when they come: repeat purchases, cohorts, hours, from facts."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import (
    LEAST,
    Cell,
    Chart,
    Column,
    Heat,
    Made,
    Series,
    Table,
    Tile,
    Tiles,
    levels,
)
from apps.backoffice.pages.owner.reports.making import ask, made_of, rub
from apps.backoffice.pages.owner.reports.trade import buyers_chart
from apps.backoffice.templatetags.figures import shown
from apps.businesses.models import Business

ENOUGH = 50  # guests from which shares of them say something


def repeat(business: Business, asked: Asked) -> Made:
    data, found = ask(business, asked, "repeat", "cohorts", "buyers")
    rate = found.get("repeat") or {}
    again = [
        one for one in found.get("cohorts") or [] if one["bought_again_in_90_days"] is not None
    ]

    def blocks() -> list[Any]:
        made: list[Any] = [
            Tiles(
                [
                    Tile(_("Repeat purchase rate"), rate["rate"], "percent"),
                    Tile(_("Guests"), rate["buyers"]),
                    Tile(_("Came on two days and more"), rate["repeated"]),
                ]
            )
        ]
        if again:
            made.append(_again(again))
        if buyers := found.get("buyers"):
            made.append(buyers_chart(buyers, asked))
        return made

    made = made_of(data, blocks, rate.get("buyers"))
    if made.blocks and rate["buyers"] < ENOUGH:
        made.notes.append(  # type: ignore[attr-defined]  # a list by its factory
            _("There are fewer than 50 guests in these days: the shares may jump.")
        )
    return made


def _again(cohorts: list[dict[str, Any]]) -> Chart:
    months = [date.fromisoformat(one["month"]) for one in cohorts]
    shares = [round(100 * one["bought_again_in_90_days"] / one["size"], 1) for one in cohorts]
    return Chart(
        key="again",
        title=_("Second purchase within 90 days, %"),
        kind="bars",
        unit="percent",
        step="month",
        labels=[month.isoformat() for month in months],
        series=[Series(_("Bought again"), shares)],
        sentence=_(
            "Bought again within 90 days of the first purchase: %(last)s of the latest month."
        )
        % {"last": shown(shares[-1], "percent")},
        table=Table(
            [
                Column(_("First purchase"), "month"),
                Column(_("Guests"), "number"),
                Column(_("Bought again"), "number"),
                Column(_("Share"), "percent"),
            ],
            [
                [month, one["size"], one["bought_again_in_90_days"], share]
                for month, one, share in zip(months, cohorts, shares, strict=True)
            ][::-1],
        ),
        help=_(
            "Of the guests whose first purchase was in a month: how many bought on another day within 90 days. A month is shown once all of them have had 90 days."
        ),
    )


# --- cohorts -------------------------------------------------------------------------------------
def cohorts(business: Business, asked: Asked) -> Made:
    data, found = ask(business, asked, "cohorts")
    rows = found.get("cohorts") or []
    empty = _("Cohorts appear with the first purchases.")
    return made_of(data, lambda: [_triangle(rows, counts=asked.show == "count")], rows, empty=empty)


def _triangle(rows: list[dict[str, Any]], *, counts: bool) -> Heat:
    deepest = max(sum(one is not None for one in row["kept"]) for row in rows)
    flat = iter(levels([one for row in rows for one in row["percent"][:deepest]]))
    made = []
    for row in rows:
        month = date_format(date.fromisoformat(row["month"]), "F Y").lower()
        cells = []
        for age in range(deepest):
            kept, share, level = row["kept"][age], row["percent"][age], next(flat)
            if kept is None:
                cells.append(Cell("", _("has not come yet"), -1))
                continue
            small = row["size"] < LEAST
            text = str(kept) if counts else shown(round(share), "percent")
            label = _("%(month)s, %(age)d months later: %(kept)d of %(size)d guests, %(share)s") % {
                "month": month,
                "age": age,
                "kept": kept,
                "size": row["size"],
                "share": shown(share, "percent"),
            }
            cells.append(
                Cell("·", _("fewer than five guests"), None) if small else Cell(text, label, level)
            )
        size = f"<{LEAST}" if row["size"] < LEAST else str(row["size"])
        made.append((f"{month} · {size}", cells))
    return Heat(
        key="cohorts",
        title=_("Who came back, by month of the first purchase"),
        corner=_("First purchase · guests"),
        columns=[str(age) for age in range(deepest)],
        rows=made,
        note=_(
            "Columns are months since the first purchase. The last step of each row still goes on."
        ),
        help=_(
            "Of the guests whose first purchase was in a month: how many bought in that month, one month later, and so on. Empty: the month has not come yet."
        ),
    )


# --- hours ---------------------------------------------------------------------------------------
def hours(business: Business, asked: Asked) -> Made:
    data, found = ask(business, asked, "hours")
    rows = found.get("hours") or []
    return made_of(data, lambda: [_week(rows, money=asked.show == "revenue")], rows)


def _week(rows: list[dict[str, Any]], *, money: bool) -> Heat:
    at = {(row["weekday"], row["hour"]): row for row in rows}
    open_hours = range(min(row["hour"] for row in rows), max(row["hour"] for row in rows) + 1)
    places = [(day, hour) for day in range(1, 8) for hour in open_hours]
    none = {"receipts": 0, "revenue": "0.00"}
    values = [at.get(place, none) for place in places]
    by = "revenue" if money else "receipts"
    found = dict(zip(places, levels([Decimal(one[by]) for one in values]), strict=True))

    def cell(day: int, hour: int) -> Cell:
        one = at.get((day, hour), none)
        text = _thousands(Decimal(one["revenue"])) if money else str(one["receipts"])
        receipts = ngettext("%(n)d receipt", "%(n)d receipts", one["receipts"])
        label = f"{WEEKDAYS[day - 1]}, {hour}:00–{hour + 1}:00: " + receipts % {
            "n": one["receipts"]
        }
        return Cell(text, f"{label}, {rub(one['revenue'])}", found[day, hour])

    return Heat(
        key="hours",
        title=_("Revenue by hour and weekday, thousand ₽")
        if money
        else _("Receipts by hour and weekday"),
        corner=_("Weekday"),
        columns=[f"{hour}" for hour in open_hours],
        rows=[
            (str(WEEKDAYS_ABBR[day - 1]), [cell(day, hour) for hour in open_hours])
            for day in range(1, 8)
        ],
        note=_("Columns are hours of the business's own clock."),
    )


def _thousands(value: Decimal) -> str:
    return f"{value / 1000:.1f}".replace(".", ",") if value else "0"
