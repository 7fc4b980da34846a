"""The network in figures: how many partners sell, how evenly, who goes to several, who gains."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.analytics.services import DashboardData, generate_dashboard
from apps.backoffice.pages.owner.charts import (
    Cell,
    Chart,
    Column,
    Heat,
    Made,
    Series,
    Sheet,
    Table,
    Tile,
    Tiles,
    levels,
)

MOST = 12  # partners in the chart; the table has them all


def platform() -> Made:
    """The last 30 days; while ClickHouse is down the last picture taken."""
    data = generate_dashboard(None)
    found = data.widgets
    if "platform" not in found:
        return Made(failed=True)
    figures, clearing, gain = found["platform"], found["clearing"], found["shared_gain"]
    blocks: list[Any] = [_tiles(figures, clearing, gain)]
    if figures["partners"]:
        blocks.append(_partners(figures["partners"], figures["gini"]))
    if figures["cohorts"]:
        blocks.append(_cohorts(figures["cohorts"]))
    if gain["gains"]:
        blocks.append(_gains(gain))
    if top := found["chains"]["top"]:
        blocks.append(_chains(top))
    return Made(
        blocks,
        as_of=data.as_of,
        is_stale=data.is_stale,
        since=data.since,
        until=data.until,
        notes=[_checked(data)],
        waiting=data.waiting,
    )


def _checked(data: DashboardData) -> str:
    """The badge: whether facts agree with the books."""
    checked = data.widgets["freshness"]["reconciled"]
    if checked is None:
        return _("Facts have not been compared with the books yet.")
    if checked["left"]:
        return _("Facts differ from the books in %(left)d places.") % {"left": checked["left"]}
    return _("Facts agree with the books, compared on %(day)s.") % {
        "day": date_format(date.fromisoformat(checked["at"][:10]), "j E")
    }


def _tiles(figures: dict[str, Any], clearing: dict[str, Any], gain: dict[str, Any]) -> Tiles:
    open_ = figures["open_partners"]
    return Tiles(
        [
            Tile(_("Bills of 30 days"), Decimal(figures["gmv"]), "rub", note=_("net of returns")),
            Tile(
                _("Partners that sell"),
                figures["active_partners"],
                note=_("of %(all)d that are open") % {"all": open_},
            ),
            Tile(
                _("Guests of two partners and more"),
                figures["cross_visit_share"],
                "percent",
                note=_("of all who bought in 30 days"),
            ),
            Tile(
                _("Unevenness of sales"),
                _coefficient(figures["gini"]),
                "text",
                note=_("Gini: 0 is even, near 1 one partner sells it all"),
            ),
            Tile(
                _("Unevenness of Win-Win"),
                _coefficient(gain["gini"]),
                "text",
                note=_("Gini of what partners gain from each other"),
            ),
            Tile(
                _("To be paid between partners"),
                Decimal(clearing["net"]),
                "rub",
                note=_("after setting off, this month so far"),
            ),
        ]
    )


def _coefficient(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}".replace(".", ",")


def _partners(rows: list[dict[str, Any]], gini: float | None) -> Chart:
    shown = rows[:MOST]
    return Chart(
        key="gmv",
        title=_("Bills by partner, ₽"),
        kind="rows",
        unit="rub",
        labels=[one["name"] for one in shown],
        series=[Series(_("Bills"), [Decimal(one["gmv"]) for one in shown])],
        sentence=_("Partners that sold something: %(count)d; Gini %(gini)s.")
        % {"count": len(rows), "gini": _coefficient(gini) or "—"},
        table=Table(
            [
                Column(_("Partner")),
                Column(_("Bills"), "rub"),
                Column(_("Paid"), "rub"),
                Column(_("Receipts"), "number"),
                Column(_("Guests"), "number"),
            ],
            [
                [one["name"], Decimal(one["gmv"]), Decimal(one["revenue"]), one["receipts"]]
                + [one["buyers"]]
                for one in rows
            ],
        ),
        help=_(
            "Bills before bonuses and discounts, less what was returned. Gini is Σ (2i − n − 1)·x ÷ (n·Σx) over partners in rising order."
        ),
    )


def _cohorts(rows: list[dict[str, Any]]) -> Heat:
    deepest = max(sum(one is not None for one in row["kept"]) for row in rows)
    shares = [
        None if kept is None else kept / row["size"]
        for row in rows
        for kept in row["kept"][:deepest]
    ]
    found, made = iter(levels(shares)), []
    for row in rows:
        month = date_format(date.fromisoformat(row["month"]), "F Y").lower()
        cells = []
        for age in range(deepest):
            kept, level = row["kept"][age], next(found)
            if kept is None:
                cells.append(Cell("", _("has not come yet"), -1))
                continue
            label = _("%(month)s, %(age)d months later: %(kept)d of %(size)d partners sold") % {
                "month": month,
                "age": age,
                "kept": kept,
                "size": row["size"],
            }
            cells.append(Cell(str(kept), label, level))
        made.append((f"{month} · {row['size']}", cells))
    return Heat(
        key="partner-cohorts",
        title=_("Partners by the month of their first sale"),
        corner=_("First sale · partners"),
        columns=[str(age) for age in range(deepest)],
        rows=made,
        note=_("Columns are months since the first sale: how many partners sold something then."),
    )


def _gains(gain: dict[str, Any]) -> Sheet:
    return Sheet(
        key="gains",
        title=_("What partners gain from each other"),
        table=Table(
            [Column(_("Partner")), Column(_("Win-Win in all"), "number")],
            [[one["name"], round(one["gain"])] for one in gain["gains"]],
        ),
        help=_("The sum of Win-Win over all pairs of a partner that have enough data."),
    )


def _chains(rows: list[dict[str, Any]]) -> Sheet:
    return Sheet(
        key="top-chains",
        title=_("Chains that bring most"),
        table=Table(
            [
                Column(_("Chain")),
                Column(_("Were offered"), "number"),
                Column(_("Used"), "number"),
                Column(_("Revenue"), "rub"),
                Column(_("Cost"), "rub"),
            ],
            [
                [one["name"], one["exposed"], one["redeemed"]]
                + [Decimal(one["revenue"]), Decimal(one["cost"])]
                for one in rows
            ],
        ),
        help=_(
            "Of the last 90 days. Revenue is what was paid with the coupons of the chain, cost is their discounts and bonuses."
        ),
    )
