"""The Win-Win index of pairs, and the matrix behind it, recomputed every hour."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business, Role, State
from apps.businesses.queries import businesses_of, partners
from apps.core import clickhouse
from apps.core.ids import new_id
from apps.crosspromo import figures, winwin
from apps.crosspromo.enums import Words
from apps.crosspromo.models import Scale, Version
from apps.crosspromo.winwin import Counters, Index

LEAST_GROUP = 10  # smaller groups of a clinic's guests are shown to nobody


@dataclass(frozen=True)
class PairFigures:
    """A pair in the matrix: its index and the counters of both directions."""

    a: Business
    b: Business
    index: Index
    ab: Counters
    ba: Counters


def calculate_winwin_index(business_a: Business, business_b: Business) -> float:
    """Win-Win of two partners over the last 90 days, 0…100: 0 unless both gain; the same for both
    orders. With too little data it is 0 too: `win_win_matrix` says which it is."""
    at = timezone.now()
    found = _pairs([(business_a, business_b)], at=at)[0]
    return 0.0 if found.index.words == Words.FEW else found.index.value


def win_win_matrix(*, by: User, at: datetime) -> list[PairFigures]:
    """Pairs between her businesses and everybody they have a chain with, the best first.

    Clinics are left out: a figure beside a clinic's name tells of its guests. Admins see them, in
    groups of ten and more.
    """
    is_admin = by.has_perm("crosspromo.view_chain")
    own = {one.pk for one in businesses_of(by, role=Role.OWNER)}
    cells = figures.cells(at=at)
    places = {one.pk: one for one in partners().filter(state=State.ACTIVE)}
    met = {tuple(sorted((start, end), key=str)) for start, end, _arm in cells}
    chosen = [
        (places[one], places[two])
        for one, two in sorted(met, key=str)
        if one in places and two in places and {one, two} & own
    ]
    shown = [pair for pair in chosen if is_admin or not (pair[0].is_clinic or pair[1].is_clinic)]
    found = _pairs(shown, at=at, cells=cells)
    return sorted(
        (one for one in found if not _is_small_secret(one)),
        key=lambda one: (-one.index.value, -one.index.probability, str(one.a.pk)),
    )


def pairs_of(business: Business | None, *, at: datetime) -> list[PairFigures]:
    """Pairs of one partner, or with None of the network, with whom it has a chain; no clinics. The
    best first."""
    cells = figures.cells(at=at)
    places = {one.pk: one for one in partners().filter(state=State.ACTIVE) if not one.is_clinic}
    met = {tuple(sorted((start, end), key=str)) for start, end, _arm in cells}
    chosen = [
        (places[one], places[two])
        for one, two in sorted(met, key=str)
        if one in places and two in places and (business is None or business.pk in (one, two))
    ]
    found = _pairs(chosen, at=at, cells=cells) if chosen else []
    return sorted(found, key=lambda one: (-one.index.value, str(one.a.pk), str(one.b.pk)))


def _is_small_secret(pair: PairFigures) -> bool:
    secret = pair.a.is_clinic or pair.b.is_clinic
    return secret and min(pair.ab.exposed, pair.ba.exposed) < LEAST_GROUP


def _pairs(
    pairs: list[tuple[Business, Business]], *, at: datetime, cells: figures.Cells | None = None
) -> list[PairFigures]:
    ways = figures.counters_of(figures.cells(at=at) if cells is None else cells)
    network, unit = winwin.network_of(ways), float(unit_at(at))
    sides = figures.sides([one for pair in pairs for one in pair], at=at)
    found = []
    for a, b in pairs:
        ab, ba = ways.get((a.pk, b.pk), Counters()), ways.get((b.pk, a.pk), Counters())
        index = winwin.index(
            ab, ba, a=sides[a.pk], b=sides[b.pk], names=(a.pk, b.pk), network=network, unit=unit
        )
        found.append(PairFigures(a, b, index, ab, ba))
    return found


# --- the yardstick --------------------------------------------------------------------------------
def _quarter(at: datetime) -> date:
    day = timezone.localtime(at).date()
    return date(day.year, day.month - (day.month - 1) % 3, 1)


def unit_at(at: datetime) -> Decimal:
    """The gain that counts as 100 in this quarter."""
    kept = Scale.objects.filter(quarter=_quarter(at)).first()
    return kept.unit if kept else Decimal(str(winwin.DEFAULT_UNIT))


def fix_scale(*, at: datetime) -> Scale:
    """The quarter's yardstick: the 95th percentile of all pairs that gain, fixed by whoever asks
    first in a quarter, so that a value means the same until its end."""
    kept = Scale.objects.filter(quarter=_quarter(at)).first()
    if kept:
        return kept
    cells = figures.cells(at=at)
    ids = {one for start, end, _arm in cells for one in (start, end)}
    places = list(partners().filter(pk__in=ids).order_by("pk"))
    pairs = _pairs(list(combinations(places, 2)), at=at, cells=cells)
    unit, count = winwin.unit_of(winwin.mutual(one.index.gain_a, one.index.gain_b) for one in pairs)
    with transaction.atomic():
        return Scale.objects.get_or_create(
            quarter=_quarter(at),
            defaults={"unit": Decimal(str(round(unit, 6))), "pairs": count},
        )[0]


# --- the matrix in ClickHouse ---------------------------------------------------------------------
def recompute_conversions(*, at: datetime, since: datetime | None = None) -> int:
    """Reckon the hours whose coupons may still be used, or those from `since` on, and replace them;
    rows sent. The same twice is the same once; a redemption that comes late is in.

    Raises clickhouse.Unavailable; the next hour sends what this one could not.
    """
    start = since or at - figures.LONGEST
    rows = figures.hours_between(since=start, until=at)
    first = Version.objects.filter(published_at__isnull=False).order_by("published_at").first()
    if first and first.published_at:
        rows += figures.organic_rows(launched=first.published_at)
    if rows:
        sent = [[*row, at] for row in rows]
        clickhouse.insert(figures.TABLE, figures.COLUMNS, sent, token=str(new_id()))
    return len(rows)
