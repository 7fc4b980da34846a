"""Reports from PostgreSQL: the nightly reckoning of guests, bonuses not yet spent, tiers."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import StatusTier
from apps.analytics import rfm_queries, services
from apps.analytics.enums import Method, Segment
from apps.backoffice import queries
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import (
    LEAST,
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
    hidden,
    levels,
)
from apps.backoffice.pages.owner.reports.making import lying, rub
from apps.backoffice.templatetags.figures import shown
from apps.businesses.models import Business
from apps.loyalty.liability_queries import Issuer, LiabilityRow
from apps.loyalty.liability_queries import liability as unspent


# --- guests by recency and frequency --------------------------------------------------------------
def rfm(business: Business, asked: Asked) -> Made:
    found = rfm_queries.snapshot_of(business=business)
    if found is None or not found.summary["population"]:
        return Made(
            empty=_("Guests are reckoned every night; the first reckoning is still to come.")
        )
    cells, population = found.summary["cells"], found.summary["population"]
    blocks: list[Any] = [_grid(business, cells), _segments(cells, population)]
    moves = rfm_queries.moves(business=business, day=found.day)
    if moves:
        blocks.append(_moves(moves))
    notes = [_("The scores are %(method)s.") % {"method": Method(found.summary["method"]).label}]
    if moves is None:
        notes.append(_("Who moved between segments is not shown: the store of analytics is away."))
    return Made(blocks, as_of=found.computed_at, notes=notes)


def _grid(business: Business, cells: list[dict[str, Any]]) -> Heat:
    people: dict[tuple[int, int], int] = defaultdict(int)
    names: dict[tuple[int, int], str] = {}
    urls: dict[tuple[int, int], str] = {}
    guests = reverse("backoffice:guests", args=[business.slug])
    for one in cells:
        people[one["r"], one["f"]] += one["count"]
        names[one["r"], one["f"]] = str(Segment(one["segment"]).label)
        urls[one["r"], one["f"]] = f"{guests}?segment={one['segment']}"
    places = [(r, f) for r in range(5, 0, -1) for f in range(1, 6)]
    found = dict(zip(places, levels([people[place] for place in places]), strict=True))

    def cell(r: int, f: int) -> Cell:
        text = hidden(people[r, f])
        label = _("Recency %(r)d, frequency %(f)d: %(n)s guests") % {"r": r, "f": f, "n": text}
        level = found[r, f]
        if 0 < people[r, f] < LEAST:
            level = 1
        if (r, f) in names:
            label = f"{label}, {names[r, f]}"
        return Cell(text, label, level, urls.get((r, f), ""))

    return Heat(
        key="rfm",
        title=_("Guests by recency and frequency"),
        corner=_("Recency ↓ · frequency →"),
        columns=[_("1 rarely"), "2", "3", "4", _("5 often")],
        rows=[
            (
                _("5 lately") if r == 5 else _("1 long ago") if r == 1 else str(r),
                [cell(r, f) for f in range(1, 6)],
            )
            for r in range(5, 0, -1)
        ],
        help=_(
            "Recency is days since the last purchase, frequency is days with purchases in the last 365. 5 is the best fifth of your own guests. Fewer than five guests are not told apart."
        ),
    )


def _segments(cells: list[dict[str, Any]], population: int) -> Chart:
    people: dict[str, int] = defaultdict(int)
    money: dict[str, Decimal] = defaultdict(Decimal)
    for one in cells:
        people[one["segment"]] += one["count"]
        money[one["segment"]] += Decimal(one["money"])
    order = sorted(people, key=lambda segment: -people[segment])
    names = [str(Segment(segment).label) for segment in order]
    few = {segment for segment in order if people[segment] < LEAST}
    return Chart(
        key="segments",
        title=_("Segments of guests"),
        kind="rows",
        labels=names,
        series=[Series(_("Guests"), [None if one in few else people[one] for one in order])],
        sentence=_("Most guests are in the segment “%(name)s”.") % {"name": names[0]},
        table=Table(
            [
                Column(_("Segment")),
                Column(_("Guests"), "number"),
                Column(_("Share"), "percent"),
                Column(_("Paid in a year"), "rub"),
            ],
            [
                [
                    name,
                    hidden(people[one]),
                    None if one in few else round(100 * people[one] / population, 1),
                    None if one in few else money[one],
                ]
                for name, one in zip(names, order, strict=True)
            ],
        ),
    )


def _moves(moves: list[tuple[str, str, int]]) -> Sheet:
    changed = sorted((one for one in moves if one[0] != one[1]), key=lambda one: -one[2])
    return Sheet(
        key="moves",
        title=_("Who moved in 30 days"),
        note="" if changed else _("Nobody moved from one segment to another."),
        table=Table(
            [Column(_("Was")), Column(_("Is")), Column(_("Guests"), "number")],
            [
                [str(Segment(before).label), str(Segment(now).label), hidden(count)]
                for before, now, count in changed[:15]
            ],
        ),
    )


# --- bonuses not yet spent ------------------------------------------------------------------------
def liability(business: Business, asked: Asked) -> Made:
    report = unspent(at=timezone.now(), business=business)
    mine = next((one for one in report.by_issuer if one.id == business.pk), None)
    if mine is None or not mine.total:
        return Made(empty=_("There are no unspent bonuses of this business."), live=True)
    blocks: list[Any] = [_unspent_tiles(mine), _by_month(mine.rows), _ages(mine)]
    if facts := services.report("liability", business=business, since=None, until=None).widgets:
        blocks.append(_earn_and_burn(facts["liability"]))
        if rows := facts["liability"]["cohorts"]:
            blocks.append(_bonus_cohorts(rows))
    return Made(blocks, live=True)


def _unspent_tiles(mine: Issuer) -> Tiles:
    share = mine.ageing.spent_share
    return Tiles(
        [
            Tile(
                _("Unspent bonuses"), mine.total, "bonus", note=_("1 bonus is 1 ₽ that you may owe")
            ),
            Tile(
                _("Will probably be spent"), mine.expected, "bonus", note=_("by your own last year")
            ),
            Tile(
                _("Share that gets spent"),
                None if share is None else round(share * 100, 1),
                "percent",
            ),
        ]
    )


def _by_month(rows: tuple[LiabilityRow, ...]) -> Chart:
    months = [row.month for row in rows]
    total = sum((row.total for row in rows), Decimal(0))
    return Chart(
        key="liability",
        title=_("Unspent bonuses by the month in which they lapse"),
        kind="bars",
        stacked=True,
        unit="bonus",
        step="month",
        labels=[month.isoformat() if month else "" for month in months],
        series=[
            Series(_("Can be spent"), [row.available for row in rows]),
            Series(_("Wait"), [row.pending for row in rows], tone=2),
            Series(_("Held"), [row.held for row in rows], tone=3),
        ],
        sentence=_("Unspent in all: %(total)s bonuses.") % {"total": shown(total, "bonus")},
        table=Table(
            [
                Column(_("Lapse in"), "month"),
                Column(_("Can be spent"), "bonus"),
                Column(_("Wait"), "bonus"),
                Column(_("Held"), "bonus"),
                Column(_("In all"), "bonus"),
            ],
            [[row.month, row.available, row.pending, row.held, row.total] for row in rows],
            [
                _("In all"),
                sum((row.available for row in rows), Decimal(0)),
                sum((row.pending for row in rows), Decimal(0)),
                sum((row.held for row in rows), Decimal(0)),
                total,
            ],
        ),
        help=_(
            "Bonuses that you issued and nobody has spent yet, wherever they may be spent. Those that wait cannot be spent before their day; held ones are being paid with."
        ),
    )


def _ages(mine: Issuer) -> Chart:
    aged = mine.ageing
    names = [_("up to 30 days"), _("31 to 90 days"), _("older than 90 days")]
    values = [aged.up_to_30, aged.up_to_90, aged.older]
    return lying(
        names,
        values,
        heads=(_("Age"), _("Bonuses")),
        key="ages",
        title=_("Age of unspent bonuses"),
        unit="bonus",
        sentence=_("Older than 90 days: %(old)s bonuses.") % {"old": shown(aged.older, "bonus")},
    )


def _earn_and_burn(facts: dict[str, Any]) -> Chart:
    names = [_("Given"), _("Spent"), _("Lapsed"), _("Taken back")]
    values = [Decimal(facts[name]) for name in ("earned", "burned", "lapsed", "revoked")]
    ratio, breakage = facts["burn_ratio"], facts["breakage"]
    note = _("Spent of what was given: %(ratio)s. Never spent at all: %(breakage)s.") % {
        "ratio": shown(None if ratio is None else round(100 * ratio, 1), "percent"),
        "breakage": shown(None if breakage is None else round(100 * breakage, 1), "percent"),
    }
    return lying(
        names,
        values,
        heads=(_("What became of them"), _("Bonuses")),
        key="earn-burn",
        title=_("Bonuses given and spent in 30 days"),
        unit="bonus",
        sentence=note,
        help=note,
    )


def _bonus_cohorts(rows: list[dict[str, str]]) -> Sheet:
    return Sheet(
        key="bonus-cohorts",
        title=_("What became of bonuses by the month of issue"),
        table=Table(
            [
                Column(_("Month"), "month"),
                Column(_("Given"), "bonus"),
                Column(_("Spent"), "bonus"),
                Column(_("Lapsed"), "bonus"),
                Column(_("Never spent"), "percent"),
            ],
            [
                [
                    date.fromisoformat(row["month"]),
                    *(Decimal(row[name]) for name in ("issued", "spent", "lapsed")),
                    _unspent_share(row),
                ]
                for row in rows
            ],
        ),
        help=_("Months all of whose bonuses are past: spent or lapsed."),
    )


def _unspent_share(row: dict[str, str]) -> Decimal | None:
    issued = Decimal(row["issued"])
    return round(100 - 100 * Decimal(row["spent"]) / issued, 1) if issued else None


# --- tiers ----------------------------------------------------------------------------------------
def tiers(business: Business, asked: Asked) -> Made:
    at = timezone.now()
    found = queries.tiers_of_guests(business=business, at=at)
    if not found:
        return Made(empty=_("Tiers appear with the first guests."), live=True)
    moves = queries.tier_moves(business=business, at=at)
    names = list(StatusTier.objects.order_by("position").values_list("name", flat=True))
    today = timezone.localdate(at)
    year = services.report(
        "tiers", business=business, since=today - timedelta(days=364), until=today
    ).widgets["tiers"]
    blocks: list[Any] = [_tiers(names, found)]
    if year:
        blocks.append(_distances(year["tiers"]))
    if moves:
        blocks.append(_tier_moves(moves))
    return Made(blocks, live=True)


def _tiers(names: list[str], found: dict[str, int]) -> Chart:
    total = sum(found.values())
    shares = [
        None if found.get(name, 0) < LEAST else round(100 * found[name] / total, 1)
        for name in names
    ]
    return Chart(
        key="tiers",
        title=_("Tiers of your guests"),
        kind="rows",
        labels=names,
        series=[
            Series(
                _("Guests"),
                [None if 0 < found.get(n, 0) < LEAST else found.get(n, 0) for n in names],
            )
        ],
        sentence=_("Guests of the last year: %(total)d.") % {"total": total},
        table=Table(
            [Column(_("Tier")), Column(_("Guests"), "number"), Column(_("Share"), "percent")],
            [
                [name, hidden(found.get(name, 0)), share]
                for name, share in zip(names, shares, strict=True)
            ],
        ),
        help=_(
            "Guests who bought here within 365 days, by the tier that they have now in the network."
        ),
    )


def _distances(rows: list[dict[str, Any]]) -> Sheet:
    return Sheet(
        key="distances",
        title=_("How far to the next tier"),
        table=Table(
            [
                Column(_("Tier")),
                Column(_("Guests"), "number"),
                Column(_("Half of them lack at most"), "rub"),
                Column(_("Lack a tenth at most"), "number"),
            ],
            [
                [
                    one["name"],
                    hidden(one["guests"]),
                    Decimal(one["median_to_next"])
                    if one["median_to_next"] and one["guests"] >= LEAST
                    else None,
                    hidden(one["nearly_there"]),
                ]
                for one in rows
            ],
        ),
        help=_(
            "Guests who bought here within 365 days: what the next tier still wants beyond what they paid in the network."
        ),
    )


def _tier_moves(moves: list[tuple[date, int, int]]) -> Chart:
    return Chart(
        key="tier-moves",
        title=_("Up and down by month"),
        kind="bars",
        step="month",
        labels=[month.isoformat() for month, _up, _down in moves],
        series=[
            Series(_("Up"), [up for _month, up, _down in moves]),
            Series(_("Down"), [down for _month, _up, down in moves], tone=2),
        ],
        sentence=_("Latest month, %(month)s: up %(up)d, down %(down)d.")
        % {
            "month": date_format(moves[-1][0], "F Y").lower(),
            "up": moves[-1][1],
            "down": moves[-1][2],
        },
        table=Table(
            [Column(_("Month"), "month"), Column(_("Up"), "number"), Column(_("Down"), "number")],
            [list(move) for move in reversed(moves)],
        ),
    )


__all__ = ["liability", "rfm", "rub", "tiers"]
