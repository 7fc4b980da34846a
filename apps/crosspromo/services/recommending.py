"""Chains worth trying, with the reasons in words and what to expect; and places for a member."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.businesses.models import Business, State
from apps.businesses.queries import partners
from apps.crosspromo import affinity, figures, sql, winwin
from apps.crosspromo.affinity import Pull
from apps.crosspromo.models import Step
from apps.crosspromo.winwin import Counters, Uplift

HALF_YEAR, MONTH = timedelta(days=180), timedelta(days=30)
MOST, MOST_FROM_ONE = 20, 2

DRAWN = _(
    "Of 100 guests of %(sender)s %(inside)s also buy at %(receiver)s, of 100 others %(outside)s."
)
MEASURED = _("A chain between them has brought %(low)s to %(high)s more of 100 guests.")
COMPLEMENT = _("Their trades complement each other.")
NEIGHBOURS = _("Both are in %(city)s.")
CROWDED = _("The expected guests are close to what %(receiver)s can take.")
FAIR = _("Nobody sends guests to %(receiver)s yet: a trial would show what it brings.")


@dataclass(frozen=True)
class ChainSuggestion:
    """A → B: `score` orders, `low`–`high` more guests of B out of 100 of A's, `guests` of A a month.
    `measured`: from a hold-out, else a forecast. `reasons` are sentences."""

    sender: Business
    receiver: Business
    score: float
    low: float
    high: float
    guests: int
    measured: bool
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Known:
    """What all suggestions are reckoned from."""

    together: Mapping[tuple[UUID, UUID], int]
    everybody: int
    visits: Mapping[UUID, int]
    monthly: Mapping[UUID, int]
    ways: Mapping[tuple[object, object], Counters]
    network: winwin.Network
    slope: float
    dice: random.Random

    def pull(self, one: Business, two: Business) -> Pull:
        return affinity.pull(
            both=self.together.get((one.pk, two.pk), 0),
            of_a=self.size(one),
            of_b=self.size(two),
            everybody=self.everybody,
        )

    def size(self, one: Business) -> int:
        return self.together.get((one.pk, one.pk), 0)


def generate_recommendations() -> list[ChainSuggestion]:
    """Chains worth trying in the whole network, the best first.

    Measured uplift counts as far as guests stand behind it, shared guests forecast the rest; a draw
    from what is uncertain lets new pairs be tried. Left out: clinics on either side, one trade
    with itself, pairs that have a live chain, senders with two. Every partner that may receive is
    named at least once.
    """
    at = timezone.now()
    places = [one for one in partners().filter(state=State.ACTIVE) if not one.is_clinic]
    known = _look(places, at=at)
    live = set(Step.objects.live(at=at).values_list("from_business_id", "to_business_id"))
    busy = Counter(sender for sender, _receiver in live)
    found = [
        _suggest(one, two, known)
        for one, two in permutations(places, 2)
        if one.category != two.category
        and (one.pk, two.pk) not in live
        and busy[one.pk] < MOST_FROM_ONE
        and min(known.size(one), known.everybody - known.size(one)) >= affinity.LEAST_GROUP
    ]
    found.sort(key=lambda one: (-one.score, str(one.sender.pk), str(one.receiver.pk)))
    best = [one for one in found if one.score > 0][:MOST]
    return best + _for_the_others(found, best, {receiver for _sender, receiver in live})


def suggest_places(*, member: User, at: datetime, limit: int = 3) -> list[Business]:
    """Partners that a member has not been to and may like, by shrunk cosine. Clinics neither count
    nor are named."""
    places = {one.pk: one for one in partners().filter(state=State.ACTIVE) if not one.is_clinic}
    since = at - HALF_YEAR
    rows = _rows(sql.VISITED, {"member": member.pk, "since": since})
    visited: set[object] = {row[0] for row in rows if row[0] in places}
    together = _together(places, since=since, at=at)
    near = affinity.next_places(visited, {(a, b): n for (a, b), n in together.items()}, limit)
    return [places[one] for one in near if isinstance(one, UUID)]


# --- what is known --------------------------------------------------------------------------------
def _look(places: list[Business], *, at: datetime) -> _Known:
    ids = {one.pk: one for one in places}
    since = at - HALF_YEAR
    together = _together(ids, since=since, at=at)
    [(everybody,)] = _rows(sql.GUESTS, {"since": since, "at": at})
    months = _rows(sql.MONTHLY, {"since": at - MONTH, "at": at})
    ways = figures.counters_of(figures.cells(at=at))
    network = winwin.network_of(ways)
    known = _Known(
        together=together,
        everybody=int(everybody),
        visits={row[0]: int(row[1]) for row in months},
        monthly={row[0]: int(row[2]) for row in months},
        ways=ways,
        network=network,
        slope=affinity.SLOPE,
        # The same list all day long: a page that is opened twice shows it twice.
        dice=random.Random(timezone.localtime(at).date().isoformat()),  # noqa: S311
    )
    points = [
        (known.pull(one, two).delta, winwin.uplift(ways[one.pk, two.pk], two.pk, network).value)
        for one, two in permutations(places, 2)
        if ways.get((one.pk, two.pk), Counters()).exposed >= winwin.LEAST_TREATED
    ]
    return _Known(**{**vars(known), "slope": affinity.slope(points)})


def _together(
    places: Mapping[UUID, Business], *, since: datetime, at: datetime
) -> dict[tuple[UUID, UUID], int]:
    rows = _rows(sql.TOGETHER, {"since": since, "at": at})
    return {(row[0], row[1]): int(row[2]) for row in rows if row[0] in places and row[1] in places}


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [tuple(row) for row in cursor.fetchall()]


# --- one suggestion -------------------------------------------------------------------------------
def _suggest(one: Business, two: Business, known: _Known) -> ChainSuggestion:
    pull, counters = known.pull(one, two), known.ways.get((one.pk, two.pk))
    forecast = known.slope * pull.delta
    guests = known.monthly.get(one.pk, 0)
    up = winwin.uplift(counters, two.pk, known.network) if counters else None
    expected, low, high = _expected(forecast, up, counters, known)
    room = affinity.capacity(guests=guests * max(expected, 0.0), visits=known.visits.get(two.pk, 0))
    near = 1.0 if one.city == two.city else 0.2
    return ChainSuggestion(
        sender=one,
        receiver=two,
        score=expected * room * near,
        low=round(100 * low, 1),
        high=round(100 * high, 1),
        guests=guests,
        measured=bool(up and counters and counters.exposed >= winwin.LEAST_TREATED),
        reasons=_reasons(one, two, pull, up if counters and counters.exposed else None, room),
    )


def _expected(
    forecast: float, up: Uplift | None, counters: Counters | None, known: _Known
) -> tuple[float, float, float]:
    """(for ordering, with a draw from what is uncertain; a range of 80 % to show)."""
    if up is None or counters is None or counters.exposed == 0:
        spread = abs(forecast) / 2 + 0.005
        drawn = known.dice.gauss(forecast, spread / 2)
        return drawn, max(0.0, forecast - spread), max(0.0, forecast + spread)
    share = affinity.weight(counters.exposed)
    middle = share * up.value + (1 - share) * forecast
    drawn = share * known.dice.gauss(up.cautious, up.deviation / 2) + (1 - share) * forecast
    reach = 1.28 * up.deviation
    return drawn, max(0.0, middle - reach), max(0.0, middle + reach)


def _reasons(one: Business, two: Business, pull: Pull, up: Uplift | None, room: float) -> list[str]:
    names = {"sender": f"«{one.name}»", "receiver": f"«{two.name}»", "city": one.city}
    shares = {"inside": round(100 * pull.inside), "outside": round(100 * pull.outside)}
    said = [str(DRAWN) % (names | shares)]
    if up is not None:
        bounds = {"low": round(100 * max(up.low, 0)), "high": round(100 * max(up.high, 0))}
        said.append(str(MEASURED) % bounds)
    said.append(str(COMPLEMENT))
    if one.city and one.city == two.city:
        said.append(str(NEIGHBOURS) % names)
    if room < 1:
        said.append(str(CROWDED) % names)
    return said


def _for_the_others(
    found: list[ChainSuggestion], best: list[ChainSuggestion], served: set[UUID]
) -> list[ChainSuggestion]:
    """The best sender for every receiver that has neither a chain nor a place in the list."""
    seen = served | {one.receiver.pk for one in best}
    more = []
    for one in found:
        if one.receiver.pk not in seen:
            seen.add(one.receiver.pk)
            why = str(FAIR) % {"receiver": f"«{one.receiver.name}»"}
            more.append(ChainSuggestion(**{**vars(one), "reasons": [*one.reasons, why]}))
    return more
