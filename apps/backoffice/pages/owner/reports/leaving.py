"""Who may leave and what she is worth: the newest night, from PostgreSQL."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.analytics import services
from apps.analytics.churn import queries as churn
from apps.analytics.enums import Band, Reason
from apps.analytics.models import ChurnRisk, Snapshot
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import (
    Chart,
    Column,
    Made,
    Series,
    Sheet,
    Table,
    Tile,
    Tiles,
    hidden,
)
from apps.businesses.models import Business

NAMED = 25  # guests on the page


def leaving(business: Business, asked: Asked) -> Made:
    night = churn.newest(Snapshot.Kind.CHURN, business=business)
    if night is None or not night.summary["scored"]:
        return Made(
            empty=_("Guests are reckoned every night; the first reckoning is still to come.")
        )
    worth = services.report("worth", business=business, since=None, until=None).widgets
    check = churn.newest(Snapshot.Kind.CHECK, business=business)
    risks = list(churn.risks(business)[:NAMED])
    blocks: list[Any] = [_tiles(night.summary, worth.get("worth")), _bands(night.summary)]
    if night.summary["reasons"]:
        blocks.append(_reasons(night.summary["reasons"]))
    if risks:
        blocks.append(_guests(risks))
    if check and check.summary["metrics"]:
        blocks.append(_came_true(check.summary))
    return Made(blocks, as_of=night.computed_at)


def _tiles(summary: dict[str, Any], worth: dict[str, Any] | None) -> Tiles:
    tiles = [
        Tile(
            _("May be lost a month"),
            Decimal(summary["expected_loss"]),
            "rub",
            note=_("chance of leaving × what she spends"),
        ),
        Tile(_("At high risk"), summary["bands"].get(Band.HIGH.value, 0)),
        Tile(_("Guests reckoned"), summary["scored"]),
    ]
    if worth:
        tiles.append(
            Tile(
                _("A guest brings in a year"),
                Decimal(worth["worth_12_months"]),
                "rub",
                note=_("visits × receipt × months that she stays"),
            )
        )
    return Tiles(tiles)


def _bands(summary: dict[str, Any]) -> Chart:
    counts = [summary["bands"].get(band.value, 0) for band in Band]
    names = [str(band.label) for band in Band]
    return Chart(
        key="bands",
        title=_("Guests by risk of leaving"),
        kind="rows",
        labels=names,
        series=[Series(_("Guests"), counts)],
        sentence=_("At high risk: %(high)d of %(all)d guests.")
        % {"high": counts[-1], "all": summary["scored"]},
        table=Table(
            [Column(_("Risk")), Column(_("Guests"), "number"), Column(_("Share"), "percent")],
            [
                [name, count, round(100 * count / summary["scored"], 1)]
                for name, count in zip(names, counts, strict=True)
            ],
        ),
        help=_(
            "The chance that a guest buys nothing in the days ahead (%(days)s of them here): low below 30 %%, high from 60 %%."
        )
        % {"days": summary.get("horizon", "—")},
    )


def _reasons(counts: dict[str, int]) -> Chart:
    order = sorted(counts, key=lambda code: -counts[code])
    names = [str(Reason(code).label) for code in order]
    return Chart(
        key="reasons",
        title=_("What speaks for leaving"),
        kind="rows",
        labels=names,
        series=[Series(_("Guests"), [counts[code] for code in order])],
        sentence=_("Most often: %(reason)s.") % {"reason": names[0]},
        table=Table(
            [Column(_("Reason")), Column(_("Guests"), "number")],
            [[name, hidden(counts[code])] for name, code in zip(names, order, strict=True)],
        ),
        help=_("The first reason of each guest at medium or high risk."),
    )


def _guests(risks: list[ChurnRisk]) -> Sheet:
    return Sheet(
        key="risks",
        title=_("Whose leaving would cost most"),
        table=Table(
            [
                Column(_("Guest")),
                Column(_("Risk"), "percent"),
                Column(_("Days since the last visit"), "number"),
                Column(_("₽ a month"), "rub"),
                Column(_("Reasons")),
                Column(_("Write to her")),
            ],
            [
                [
                    str(one.member),
                    round(100 * one.probability, 1),
                    one.recency,
                    one.monthly,
                    ", ".join(str(Reason(code).label) for code in one.reasons),
                    _("no: she is the comparison") if one.held_out else _("may be written to"),
                ]
                for one in risks
            ],
        ),
        help=_(
            "By chance × what she spends a month. One in ten guests at high risk is never asked to come back: only against them can be told what asking brings."
        ),
    )


def _came_true(summary: dict[str, Any]) -> Sheet:
    found, asked = summary["metrics"], summary["high_risk"]
    return Sheet(
        key="came-true",
        title=_("How the forecast before came true"),
        table=Table(
            [Column(_("Figure")), Column(_("Foretold"), "percent"), Column(_("Came"), "percent")],
            [
                [
                    _("left, of all guests"),
                    round(100 * found["mean_probability"], 1),
                    round(100 * found["rate"], 1),
                ],
                [_("came back, of those asked"), None, _share(asked, "asked")],
                [_("came back, of the comparison"), None, _share(asked, "held_out")],
            ],
        ),
    )


def _share(counts: dict[str, int], name: str) -> float | None:
    people = counts[name]
    return round(100 * counts[f"{name}_came"] / people, 1) if people else None
