"""Guests on their way between partners, drawn as ribbons: who sends them, who receives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.backoffice.pages.owner.charts import LEAST, Column, Sheet, Table, hidden
from apps.businesses.models import Business

WIDTH, BAR, MIDDLE = 320, 8, 156  # of the SVG's own grid
TALLEST, THINNEST, GAP, TOP = 150, 3, 26, 30
LONGEST = 15  # signs of a name beside a ribbon
MOST = 6  # partners on a side


@dataclass(frozen=True)
class Ribbon:
    """One partner's flow: its path, its bar at the edge, its name. `tone`: 1 comes, 2 goes."""

    path: str
    x: int
    y: float
    height: float
    name: str
    title: str
    text_x: int
    anchor: str
    tone: int

    @property
    def text_y(self) -> float:
        return round(self.y - 6, 1)


@dataclass(frozen=True)
class Flows:
    """The picture: ribbons, the bar of the business in the middle, and the table behind."""

    key: str
    title: str
    name: str
    ribbons: Sequence[Ribbon]
    height: float
    table: Table
    sentence: str
    help: str = ""

    template = "backoffice/owner/figures/flows.html"
    width, bar, middle, top = WIDTH, BAR, MIDDLE, TOP

    @property
    def middle_height(self) -> float:
        return round(self.height - TOP - 4, 1)


def drawn(business: Business, found: dict[str, Any]) -> Flows | None:
    """None while no guest has come through a chain."""
    mine = str(business.pk)
    comes = [one for one in found["flows"] if one["to_id"] == mine and one["came"]][:MOST]
    goes = [one for one in found["flows"] if one["from_id"] == mine and one["came"]][:MOST]
    if not comes and not goes:
        return None
    total = max(sum(one["came"] for one in side) for side in (comes, goes))
    left = _side(comes, name="from", total=total, tone=1)
    right = _side(goes, name="to", total=total, tone=2)
    bottom = max((one.y + one.height for one in (*left, *right)), default=TOP)
    return Flows(
        key="flows",
        title=_("Guests between partners"),
        name=business.name,
        ribbons=[*left, *right],
        height=round(bottom + 6, 1),
        table=_table(comes, goes),
        sentence=_("Came from partners: %(in)s, bought at partners: %(out)s.")
        % {"in": hidden(found["inflow"]), "out": hidden(found["outflow"])},
        help=_(
            "Guests of the last 90 days who were offered a coupon of a chain at one partner and bought at the other while it was good. The wider the ribbon, the more guests."
        ),
    )


def _side(flows: list[dict[str, Any]], *, name: str, total: int, tone: int) -> list[Ribbon]:
    ribbons, edge, inner = [], float(TOP), float(TOP)
    for one in flows:
        thick = round(max(THINNEST, TALLEST * one["came"] / total), 1)
        x, text_x, anchor = (0, BAR + 4, "start") if tone == 1 else (WIDTH - BAR, WIDTH - 12, "end")
        ends = (BAR, MIDDLE) if tone == 1 else (WIDTH - BAR, MIDDLE + BAR)
        short = one[name] if len(one[name]) <= LONGEST else f"{one[name][: LONGEST - 1]}…"
        ribbons.append(
            Ribbon(
                path=_path(ends[0], edge, ends[1], inner, thick),
                x=x,
                y=edge,
                height=thick,
                name=f"{short}, {hidden(one['came'])}",
                title=f"{one['from']} → {one['to']}: {hidden(one['came'])}",
                text_x=text_x,
                anchor=anchor,
                tone=tone,
            )
        )
        edge, inner = round(edge + thick + GAP, 1), round(inner + thick, 1)
    return ribbons


def _path(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    """From the edge to the middle and back, a ribbon of one thickness."""
    half = (x1 + x2) / 2
    there = f"M{x1} {y1}C{half} {y1} {half} {y2} {x2} {y2}"
    back = f"C{half} {y2 + thick:g} {half} {y1 + thick:g} {x1} {y1 + thick:g}Z"
    return f"{there}V{y2 + thick:g}{back}"


def _table(comes: list[dict[str, Any]], goes: list[dict[str, Any]]) -> Table:
    rows = [
        [one[name], words, hidden(one["exposed"]), hidden(one["came"])]
        for side, name, words in (
            (comes, "from", _("from them to us")),
            (goes, "to", _("from us to them")),
        )
        for one in side
    ]
    return Table(
        [
            Column(_("Partner")),
            Column(_("Direction")),
            Column(_("Were offered"), "number"),
            Column(_("Bought"), "number"),
        ],
        rows,
    )


def top(found: dict[str, Any]) -> Sheet | None:
    """Chains by what they brought to or from this business."""
    if not found["top"]:
        return None
    return Sheet(
        key="top-chains",
        title=_("Chains that bring most"),
        table=Table(
            [
                Column(_("Chain")),
                Column(_("Were offered"), "number"),
                Column(_("Used"), "number"),
                Column(_("Share"), "percent"),
                Column(_("Revenue"), "rub"),
                Column(_("Cost"), "rub"),
            ],
            [_chain(one) for one in found["top"]],
        ),
        help=_(
            "Of the last 90 days. Revenue is what was paid with the coupons of the chain, cost is their discounts and bonuses."
        ),
    )


def _chain(one: dict[str, Any]) -> list[Any]:
    many = one["exposed"] >= LEAST
    share = round(100 * one["redeemed"] / one["exposed"], 1) if many else None
    return [
        one["name"],
        hidden(one["exposed"]),
        hidden(one["redeemed"]),
        share,
        *(_money(one[name], one["redeemed"]) for name in ("revenue", "cost")),
    ]


def _money(value: str, people: int) -> Any:
    """Sums of fewer than five guests tell what each of them paid."""
    return Decimal(value) if people == 0 or people >= LEAST else None
