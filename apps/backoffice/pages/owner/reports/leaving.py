"""Who may leave and what she is worth: the newest night, from PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class AtRisk:
    """A guest as the list shows her: the chance in whole percents, reasons in words."""

    risk: ChurnRisk
    percent: int
    reasons: str

    @property
    def monthly(self) -> Decimal:
        """Whole roubles: more would be a precision that a forecast does not have."""
        return self.risk.monthly.quantize(Decimal(1))

    @property
    def tone(self) -> str:
        return "bad" if self.risk.band == Band.HIGH else "warn"


@dataclass(frozen=True)
class Leaving:
    """Guests whose leaving would cost most, with what can be done. No file of them: people leave
    this page one by one."""

    rows: Sequence[AtRisk]
    total: int
    high: int
    held_out: int

    template = "backoffice/owner/figures/leaving.html"
    table = None
    key = "leaving"


def leaving(business: Business, asked: Asked) -> Made:
    night = churn.newest(Snapshot.Kind.CHURN, business=business)
    if night is None or not night.summary["scored"]:
        return Made(
            empty=_("Guests are reckoned every night; the first reckoning is still to come.")
        )
    worth = services.report("worth", business=business, since=None, until=None).widgets
    check = churn.newest(Snapshot.Kind.CHECK, business=business)
    risks = list(churn.risks(business).select_related("member__tier")[:NAMED])
    blocks: list[Any] = [_tiles(night.summary, worth.get("worth")), _bands(night.summary)]
    if night.summary["reasons"]:
        blocks.append(_reasons(night.summary["reasons"]))
    if risks:
        held_out = churn.risks(business).filter(held_out=True).count()
        blocks.insert(1, _people(night.summary, risks, held_out=held_out))
    if check and check.summary["metrics"]:
        blocks.append(_came_true(check.summary))
    return Made(blocks, as_of=night.computed_at)


def _tiles(summary: dict[str, Any], worth: dict[str, Any] | None) -> Tiles:
    tiles = [
        Tile(
            _("May be lost a month"),
            Decimal(summary["expected_loss"]).quantize(Decimal(1)),
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
                Decimal(worth["worth_12_months"]).quantize(Decimal(1)),
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


def _people(summary: dict[str, Any], risks: list[ChurnRisk], *, held_out: int) -> Leaving:
    counts = summary["bands"]
    return Leaving(
        rows=[
            AtRisk(
                one,
                round(one.probability * 100),
                ", ".join(str(Reason(code).label) for code in one.reasons),
            )
            for one in risks
        ],
        total=sum(counts.get(band.value, 0) for band in (Band.HIGH, Band.MEDIUM)),
        high=counts.get(Band.HIGH.value, 0),
        held_out=held_out,
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
