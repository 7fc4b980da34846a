"""Who comes when and pays how much. The same seed and moment make the same world."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from apps.backoffice.demo.partners import BY_SLUG, PARTNERS, Partner
from apps.backoffice.demo.people import FIRST_NAMES, LAST_NAMES, STARS, Star

ZONE = ZoneInfo("Europe/Moscow")
YEAR = timedelta(days=365)
TODAY = 3  # sales of the last day at each partner, at the least
# kind of guest: (how many of a hundred, visits compared with a regular's, least and most)
KINDS = {
    "loyal": (36, 0.9, 1.6),
    "occasional": (29, 0.2, 0.5),
    "lapsing": (18, 0.7, 1.5),
    "newcomer": (11, 0.7, 1.5),
    "passing": (6, 0.0, 0.0),
}


@dataclass(frozen=True)
class Guest:
    """A member: from `since` to `until` she makes `visits` in 30 days at each partner; `purse`
    multiplies her receipts; `spends` is how often she pays a part with bonuses."""

    phone: str
    first_name: str
    last_name: str
    birth_date: date
    since: datetime
    until: datetime
    visits: dict[str, float]
    purse: float
    spends: float
    star: Star | None = None


@dataclass(frozen=True)
class Visit:
    """A purchase to come: `guest` is her place in the world's list, `bonus_share` the part of the
    bill she wants to pay with bonuses, as far as they go."""

    at: datetime
    guest: int
    slug: str
    location: int
    amount: Decimal
    bonus_share: Decimal


@dataclass(frozen=True)
class World:
    guests: list[Guest] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)


def make_world(*, seed: int, at: datetime, members: int, days: int) -> World:
    """`members` guests (the four of the cast first) and their visits of the `days` before `at`."""
    dice = random.Random(seed)  # noqa: S311 - a made-up world, not a secret
    began = at - timedelta(days=days)
    guests = [_star_guest(dice, star, began, at) for star in STARS]
    guests += [_guest(dice, n, began, at) for n in range(members - len(STARS))]
    visits = [
        visit for place, guest in enumerate(guests) for visit in _visits(dice, place, guest, at)
    ]
    visits += _today(dice, visits, guests, at)
    visits.sort(key=lambda visit: (visit.at, visit.guest, visit.slug))
    return World(guests, visits)


# --- guests --------------------------------------------------------------------------------------
def _star_guest(dice: random.Random, star: Star, began: datetime, at: datetime) -> Guest:
    return Guest(
        phone=star.phone,
        first_name=star.first_name,
        last_name=star.last_name,
        birth_date=_birth_date(dice, at),
        since=began,
        until=at,
        visits=dict(star.visits),
        purse=1.0,
        spends=0.3 if star.spends else 0.0,
        star=star,
    )


def _guest(dice: random.Random, n: int, began: datetime, at: datetime) -> Guest:
    kind = dice.choices(list(KINDS), weights=[kind[0] for kind in KINDS.values()])[0]
    _weight, least, most = KINDS[kind]
    home = dice.choices(PARTNERS, weights=[partner.share for partner in PARTNERS])[0]
    since, until = _active(dice, kind, began, at)
    return Guest(
        phone=f"+79{dice.choice((5, 6))}{n:03}{dice.randrange(10**5):05}",
        first_name=dice.choice(FIRST_NAMES),
        last_name=dice.choice(LAST_NAMES),
        birth_date=_birth_date(dice, at),
        since=since,
        until=until,
        visits=_habits(dice, home, dice.uniform(least, most)),
        purse=math.exp(dice.gauss(0, 0.28)),
        spends=dice.choice((0.0, 0.1, 0.3)),
    )


def _birth_date(dice: random.Random, at: datetime) -> date:
    return at.date() - timedelta(days=dice.randrange(22 * 365, 62 * 365))


def _active(
    dice: random.Random, kind: str, began: datetime, at: datetime
) -> tuple[datetime, datetime]:
    """When she came first and last: half of the members were there at the start."""
    whole = at - began
    since = began + whole * max(0.0, dice.uniform(-0.7, 0.85))
    if kind == "newcomer":
        return at - whole * dice.uniform(0.02, 0.16), at
    if kind == "lapsing":
        return since, min(since + whole * dice.uniform(0.15, 0.5), at - whole * 0.1)
    if kind == "passing":
        return since, since + timedelta(days=1)
    return since, at


def _habits(dice: random.Random, home: Partner, rate: float) -> dict[str, float]:
    habits = {home.slug: rate * home.rhythm.visits}
    for slug, chance in home.also.items():
        if dice.random() < chance:
            habits[slug] = rate * BY_SLUG[slug].rhythm.visits * dice.uniform(0.3, 0.9)
    return habits


# --- visits --------------------------------------------------------------------------------------
def _visits(dice: random.Random, place: int, guest: Guest, at: datetime) -> list[Visit]:
    found = []
    for slug, rate in guest.visits.items():
        partner = BY_SLUG[slug]
        favourite = dice.randrange(len(partner.locations))
        days = list(_days(dice, partner, rate, guest.since, guest.until))
        if not rate:  # passing through: one visit, on the first day the doors are open
            days = [_open_day(partner, guest.since.astimezone(ZONE).date())]
        for day in days:
            moment = _moment(dice, day, partner)
            if moment < at:
                found.append(_visit(dice, place, guest, partner, moment, favourite))
    if guest.star:
        return _fit(found, guest.star, since=at - YEAR)
    return found


def _days(
    dice: random.Random, partner: Partner, rate: float, since: datetime, until: datetime
) -> Iterator[date]:
    """Days of a Poisson process that follows weekdays and seasons, by thinning."""
    rhythm = partner.rhythm
    peak = max(rhythm.weekdays) * max(rhythm.months)
    moment = since
    while rate:
        moment += timedelta(days=dice.expovariate(rate / 30 * peak))
        if moment >= until:
            return
        day = moment.astimezone(ZONE).date()
        weight = rhythm.weekdays[day.weekday()] * rhythm.months[day.month - 1]
        if dice.random() < weight / peak:
            yield day


def _open_day(partner: Partner, day: date) -> date:
    while not partner.rhythm.weekdays[day.weekday()]:
        day += timedelta(days=1)
    return day


def _moment(dice: random.Random, day: date, partner: Partner) -> datetime:
    hours = partner.rhythm.hours
    hour = dice.choices(list(hours), weights=list(hours.values()))[0]
    return datetime.combine(day, time(hour, dice.randrange(60), dice.randrange(60)), tzinfo=ZONE)


def _visit(
    dice: random.Random, place: int, guest: Guest, partner: Partner, at: datetime, favourite: int
) -> Visit:
    rhythm = partner.rhythm
    price = math.exp(dice.gauss(math.log(rhythm.median * guest.purse), rhythm.spread))
    location = favourite
    if dice.random() < 0.2:
        location = dice.randrange(len(partner.locations))
    share = Decimal(dice.choice((10, 20, 30))) / 100 if dice.random() < guest.spends else Decimal(0)
    return Visit(
        at=at,
        guest=place,
        slug=partner.slug,
        location=location,
        amount=_round(price, rhythm.step, rhythm.least),
        bonus_share=share,
    )


def _round(price: float, step: int, least: int) -> Decimal:
    return Decimal(max(round(price / step) * step, least)).quantize(Decimal("0.01"))


def _fit(visits: list[Visit], star: Star, *, since: datetime) -> list[Visit]:
    """Her receipts stretched so that the last year comes to what her tier asks for."""
    spent = sum(visit.amount for visit in visits if visit.at > since)
    if not spent:
        return visits
    factor = star.yearly / float(spent)
    return [
        replace(visit, amount=_round(float(visit.amount) * factor, 10, 300)) for visit in visits
    ]


def _today(
    dice: random.Random, visits: list[Visit], guests: list[Guest], at: datetime
) -> Iterator[Visit]:
    """A few sales of the last day, whatever its weekday and hour: an empty page tells nothing."""
    local = at.astimezone(ZONE)
    midnight = datetime.combine(local.date(), time(), tzinfo=ZONE)
    opening = midnight + timedelta(hours=10)
    start = opening if local > opening + timedelta(hours=1) else midnight
    regulars = [n for n, guest in enumerate(guests) if guest.until == at and not guest.star]
    for partner in PARTNERS:
        there = sum(visit.slug == partner.slug and visit.at >= midnight for visit in visits)
        for _missing in range(TODAY - there):
            place = dice.choice(regulars or [0])
            moment = start + (local - start) * dice.uniform(0.05, 0.95)
            yield _visit(dice, place, guests[place], partner, moment, favourite=0)
