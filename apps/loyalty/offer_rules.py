"""Arithmetic of offers: which apply to a purchase, and how many bonuses follow. No database here.

The order of rows and the time of edits never matter: offers are ranked by priority, which is
unique within a programme, and a partner's own offer goes before the network's of equal priority.

bonuses = cashback × all multipliers + all percents of the sum paid + all fixed numbers, rounded
down once at the end. Sums called kopecks are whole; in between everything is an exact fraction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.loyalty.enums import OfferKind

WHOLE = 10_000  # basis points


class Effect(NamedTuple):
    """What one offer does: `factor` multiplies the cashback, `plus` adds bonuses."""

    factor: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)


def apply_bonus_multiplier(base: Decimal, conditions: Iterable[Effect]) -> Decimal:
    """Bonuses after all offers: `base` (cashback before rounding, ₽) × every factor + every plus,
    rounded down once to the kopeck. The order of `conditions` does not matter."""
    exact = Fraction(base)
    plus = Fraction(0)
    for effect in conditions:
        exact *= Fraction(effect.factor)
        plus += Fraction(effect.plus)
    return Decimal(int((exact + plus) * 100)).scaleb(-2).quantize(Decimal("0.01"))


@dataclass(frozen=True)
class Rule:
    """One version of an offer, as it is in force at some moment. `programme` is the business
    whose offer it is; sums are ₽; hours are [from, to) on the clock of the business."""

    offer: UUID
    version: UUID
    number: int
    name: str
    programme: UUID
    is_network: bool
    kind: str
    value: Decimal
    priority: int
    exclusive_group: str = ""
    tiers: Sequence[str] = ()
    segment: str = ""
    categories: Sequence[str] = ()
    weekdays: Sequence[int] = ()
    hour_from: int | None = None
    hour_to: int | None = None
    first_purchase: bool = False
    birthday_days: int | None = None
    min_amount: Decimal = Decimal(0)
    every_nth: int | None = None
    cap_member: Decimal | None = None
    cap_day: Decimal | None = None
    budget: Decimal | None = None
    funders: Sequence[Sequence[Any]] = ()  # (business id, basis points), the first gets the rest
    purchases_before: int = 0
    used_keys: Sequence[str] = ()
    away_days: int | None = None
    last_purchase: datetime | None = None


@dataclass(frozen=True)
class Visit:
    """A purchase as the rules see it: money actually paid, the business's own clock."""

    member: UUID
    paid: Decimal
    local: datetime
    tier: str
    categories: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    birth_date: date | None = None


@dataclass(frozen=True)
class Verdict:
    """An offer and why it does not apply; `why` is "" when it does, else a word of REASONS."""

    rule: Rule
    why: str = ""
    once_key: str | None = None


REASONS = (
    "tier",
    "segment",
    "category",
    "weekday",
    "hour",
    "min_amount",
    "first_purchase",
    "away",
    "birthday",
    "every_nth",
    "used",
    "exclusive_group",
)


# --- which apply ---------------------------------------------------------------------------------
def decide(rules: Iterable[Rule], visit: Visit) -> list[Verdict]:
    """Every offer with its verdict, the highest priority first. Of one exclusive group only the
    first that matches applies."""
    taken: set[str] = set()
    verdicts = []
    for rule in sorted(rules, key=rank):
        once_key = key_of(rule, visit)
        why = refusal(rule, visit)
        if not why and once_key in rule.used_keys:
            why = "used"
        if not why and rule.exclusive_group:
            why = "exclusive_group" if rule.exclusive_group in taken else ""
            taken.add(rule.exclusive_group)
        verdicts.append(Verdict(rule, why, None if why else once_key))
    return verdicts


def rank(rule: Rule) -> tuple[int, bool, str]:
    return (-rule.priority, rule.is_network, str(rule.offer))


def refusal(rule: Rule, visit: Visit) -> str:
    """The first condition that the purchase does not meet; "" when it meets all."""
    return next(iter(refusals(rule, visit)), "")


def refusals(rule: Rule, visit: Visit) -> list[str]:
    """Every condition that the purchase does not meet, in the order of REASONS."""
    meets = {
        "tier": not rule.tiers or visit.tier in rule.tiers,
        "segment": not rule.segment or rule.segment in visit.segments,
        "category": not rule.categories or not visit.categories.isdisjoint(rule.categories),
        "weekday": not rule.weekdays or visit.local.isoweekday() in rule.weekdays,
        "hour": _in_hours(rule, visit.local.hour),
        "min_amount": visit.paid >= rule.min_amount,
        "first_purchase": not rule.first_purchase or rule.purchases_before == 0,
        "away": rule.away_days is None or _was_away(rule, visit),
        "birthday": rule.birthday_days is None or birthday_year(rule, visit) is not None,
        "every_nth": not rule.every_nth or (rule.purchases_before + 1) % rule.every_nth == 0,
    }
    return [name for name, met in meets.items() if not met]


def _in_hours(rule: Rule, hour: int) -> bool:
    if rule.hour_from is None or rule.hour_to is None:
        return True
    if rule.hour_from < rule.hour_to:
        return rule.hour_from <= hour < rule.hour_to
    return hour >= rule.hour_from or hour < rule.hour_to  # over midnight


def _was_away(rule: Rule, visit: Visit) -> bool:
    """She has bought before, and not for so long: a new guest is nobody who comes back."""
    if rule.away_days is None or rule.last_purchase is None:
        return False
    return visit.local - rule.last_purchase >= timedelta(days=rule.away_days)


def birthday_in(year: int, born: date) -> date:
    """Her birthday of a year; who was born on 29 February has it on the 28th in common years."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def birthday_year(rule: Rule, visit: Visit) -> int | None:
    """The year of the birthday that the purchase is near to; None when it is near to none."""
    if visit.birth_date is None or rule.birthday_days is None:
        return None
    day, around = visit.local.date(), timedelta(days=rule.birthday_days)
    for year in (day.year, day.year + 1, day.year - 1):
        if (
            year > visit.birth_date.year
            and abs(birthday_in(year, visit.birth_date) - day) <= around
        ):
            return year
    return None


def key_of(rule: Rule, visit: Visit) -> str | None:
    """The natural key of what an offer gives a member once: for good, or once a year."""
    if rule.birthday_days is not None:
        return f"birthday:{rule.offer}:{visit.member}:{birthday_year(rule, visit)}"
    if rule.first_purchase:
        return f"first:{rule.offer}:{visit.member}"
    return None


# --- how much ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Terms:
    """What is kept of an applied offer, enough to reckon it anew after a return. Kopecks."""

    offer: str
    version: str
    number: int
    name: str
    kind: str
    value: str
    min_amount: int
    funders: list[list[Any]]
    cap: int | None = None
    wanted: int = 0
    granted: int = 0


def terms_of(rule: Rule, *, cap: int | None = None) -> Terms:
    return Terms(
        offer=str(rule.offer),
        version=str(rule.version),
        number=rule.number,
        name=rule.name,
        kind=rule.kind,
        value=str(rule.value),
        min_amount=int(rule.min_amount * 100),
        funders=[[str(business), int(share)] for business, share in rule.funders],
        cap=cap,
    )


@dataclass(frozen=True)
class Part:
    """What one offer gives, whole kopecks: without its caps, and with them."""

    wanted: int
    granted: int


@dataclass(frozen=True)
class Reckoned:
    """A purchase's bonuses in kopecks: all of them, by offer in order of rank, by who pays."""

    total: int
    parts: list[Part] = field(default_factory=list)
    by_funder: dict[str, int] = field(default_factory=dict)


def reckon(*, paid: int, rate_bp: int, issuer: str, terms: Sequence[Terms]) -> Reckoned:
    """Bonuses for `paid` kopecks at a rate, with the offers that apply in order of rank.

    Each offer adds the exact difference it makes, at most its cap; the running sum is rounded
    down, so the total is rounded once and never rises when less is paid. `issuer` pays the
    cashback; an offer's part is split by its funders' shares, the odd kopecks go to the first.
    """
    base = multiplied = Fraction(paid * rate_bp, WHOLE)
    running, total = base, int(base)
    parts, by_funder = [], {issuer: total}
    for one in terms:
        extra = _extra(one, paid=paid, multiplied=multiplied)
        if one.kind == OfferKind.MULTIPLIER:
            multiplied += extra
        trimmed = extra if one.cap is None else min(extra, Fraction(one.cap))
        before, wanted = total, int(running + extra) - total
        running += trimmed
        total = int(running)
        parts.append(Part(wanted, total - before))
        for business, share in split(total - before, one.funders or [[issuer, WHOLE]]):
            by_funder[business] = by_funder.get(business, 0) + share
    return Reckoned(total, parts, by_funder)


def _extra(one: Terms, *, paid: int, multiplied: Fraction) -> Fraction:
    if paid <= 0 or paid < one.min_amount:
        return Fraction(0)
    if one.kind == OfferKind.MULTIPLIER:
        return multiplied * (Fraction(one.value) - 1)
    if one.kind == OfferKind.PERCENT:
        return Fraction(paid) * Fraction(one.value) / 100
    return Fraction(one.value) * 100


BUDGET_ALERT_PERCENT = 80


def nearly_used(used: int, *, most: int) -> bool:
    """Whether so much of a budget is given that somebody should look."""
    return used * 100 >= most * BUDGET_ALERT_PERCENT


def split(amount: int, funders: Sequence[Sequence[Any]]) -> list[tuple[str, int]]:
    """Shares of whole kopecks that sum to the amount; what does not divide goes to the first."""
    shares = [(str(business), amount * int(bp) // WHOLE) for business, bp in funders]
    rest = amount - sum(share for _business, share in shares)
    first, share = shares[0]
    return [(first, share + rest), *shares[1:]]


def take_back(owed: int, lots: Sequence[tuple[int, int, int]]) -> list[int]:
    """Which lots a return takes `owed` kopecks from: (issued, taken before, still due) of each.

    Down to what is still due of each lot; the total alone is exact to the kopeck at every step,
    a lot may be a kopeck ahead until all is returned.
    """
    takes = []
    for issued, taken, due in lots:
        take = min(owed, max(0, issued - taken - due))
        takes.append(take)
        owed -= take
    if owed:
        raise ValueError(f"{owed} kopecks of a return lie in no lot")
    return takes


# --- what makes an offer -------------------------------------------------------------------------
MOST = {OfferKind.MULTIPLIER: 10, OfferKind.PERCENT: 50, OfferKind.FIXED: 100_000}


def faults(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Field → what is wrong with it; empty for terms that make an offer."""
    kind, value = terms["kind"], terms["value"]
    least = 1 if kind == OfferKind.MULTIPLIER else 0
    hours = [terms.get("hour_from"), terms.get("hour_to")]
    nth, around = terms.get("every_nth"), terms.get("birthday_days")
    away = terms.get("away_days")
    days = terms.get("weekdays") or ()
    found = {
        "name": _("Give the offer a name.") if not terms["name"].strip() else "",
        "value": ""
        if least < value <= MOST[kind]
        else _("More than %(least)s and at most %(most)s.") % {"least": least, "most": MOST[kind]},
        "ends_at": ""
        if terms["starts_at"] < terms["ends_at"]
        else _("The end must be later than the beginning."),
        "hour_to": "" if _hours_fit(*hours) else _("Hours are from 0 to 23 and until 1 to 24."),
        "weekdays": "" if all(1 <= day <= 7 for day in days) else _("Days are 1 to 7."),
        "every_nth": "" if nth is None or nth >= 2 else _("At least every second purchase."),
        "birthday_days": "" if around is None or around <= 14 else _("At most 14 days."),
        "away_days": "" if away is None or 7 <= away <= 730 else _("From 7 to 730 days."),
    }
    return {name: words for name, words in found.items() if words}


def _hours_fit(since: int | None, until: int | None) -> bool:
    if since is None or until is None:
        return since is until
    return 0 <= since <= 23 and 1 <= until <= 24 and since != until


def funder_faults(funders: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    """Shares are positive, each payer stands once, together they pay all of it."""
    payers = {business for business, _share in funders}
    whole = sum(share for _business, share in funders) == WHOLE
    if whole and len(payers) == len(funders) and all(share > 0 for _b, share in funders):
        return {}
    return {"funders": _("Each partner once, the shares together exactly 100 percent.")}
