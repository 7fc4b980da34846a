"""Reads of offers: what is in force for a purchase, what it would give, what was given."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.accounts.queries import terms_of as terms_of_member
from apps.businesses.models import Business, State
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import offer_sql
from apps.loyalty.models import (
    Counter,
    OfferConstructor,
    OfferUse,
    OfferVersion,
    SegmentEntry,
)
from apps.loyalty.offer_rules import (
    Reckoned,
    Rule,
    Terms,
    Verdict,
    Visit,
    decide,
    key_of,
    rank,
    reckon,
    refusals,
    terms_of,
)

# Counters of capped offers: (scope, period) → kopecks used.
Used = dict[tuple[str, str], int]
IssuerOf = Callable[[UUID], UUID | None]


def in_force(*, member_id: UUID, business: Business | None, at: datetime) -> list[Rule]:
    """The offers that a purchase of this moment is judged by, in one statement, in no order; all
    of the circle's without a business."""
    business_id = business.pk if business else None
    values: dict[str, Any] = {"member": member_id, "business": business_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(offer_sql.IN_FORCE, values)
        return [Rule(*row) for row in cursor.fetchall()]


def segments_of(member_id: UUID) -> frozenset[str]:
    """The segments a member is in, from every source of settings.SEGMENT_SOURCES."""
    found: set[str] = set()
    for dotted in settings.SEGMENT_SOURCES:
        source: Callable[[UUID], Iterable[str]] = import_string(dotted)
        found.update(source(member_id))
    return frozenset(found)


def named_segments(member_id: UUID) -> list[str]:
    """Lists of members kept by hand."""
    return list(SegmentEntry.objects.filter(member_id=member_id).values_list("code", flat=True))


def visit_of(
    *,
    member: User,
    business: Business,
    paid: Decimal,
    at: datetime,
    categories: Collection[str],
    tier: str,
    rules: Collection[Rule],
) -> Visit:
    """The purchase as the rules see it. Her birth date and segments are opened only when some
    rule asks."""
    asks_birthday = any(rule.birthday_days is not None for rule in rules)
    return Visit(
        member=member.pk,
        paid=paid,
        local=at.astimezone(ZoneInfo(business.zone)),
        tier=tier,
        categories=frozenset([business.category, *categories]),
        segments=segments_of(member.pk) if any(rule.segment for rule in rules) else frozenset(),
        birth_date=member.birth_date if asks_birthday else None,
    )


# --- caps ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Limit:
    """One limit of an offer and the counter that keeps it."""

    offer: str
    scope: str
    period: str
    most: int  # kopecks
    is_budget: bool = False


def limits_of(rule: Rule, visit: Visit) -> list[Limit]:
    """Every cap of an offer for this purchase. Counters belong to the offer, not to a version: an
    edit does not fill the budget anew."""
    offer = str(rule.offer)
    day = visit.local.date().isoformat()
    caps = [
        (rule.budget, f"offer:{offer}", ""),
        (rule.cap_day, f"offer:{offer}:day", day),
        (rule.cap_member, f"offer:{offer}:member:{visit.member}", ""),
    ]
    return [
        Limit(offer, scope, period, to_kopecks(most), is_budget=scope == f"offer:{offer}")
        for most, scope, period in caps
        if most is not None
    ]


def read_counters(limits: Collection[Limit], *, lock: bool) -> Used:
    """How much of each is used; `lock` keeps them ours until the transaction ends."""
    if not limits:
        return {}
    statement = offer_sql.TAKE_COUNTERS if lock else offer_sql.READ_COUNTERS
    values = {"scopes": [one.scope for one in limits], "periods": [one.period for one in limits]}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {(scope, period): used for scope, period, used in cursor.fetchall()}


def left_of(limits: Iterable[Limit], used: Used) -> int | None:
    """What an offer may still give, by the strictest of its limits; None without any."""
    left = [max(0, one.most - used.get((one.scope, one.period), 0)) for one in limits]
    return min(left, default=None)


# --- what a purchase would give ------------------------------------------------------------------
@dataclass(frozen=True)
class Outlook:
    """A purchase's bonuses and how they come about: verdicts on all offers in force, the terms of
    those that apply with what each gives, the limits they count against. `issuer` pays for the
    cashback; `rate_bp` is 0 when nobody does."""

    paid: Decimal
    tier: str
    rate_bp: int
    issuer: str
    reckoned: Reckoned
    verdicts: list[Verdict]
    terms: list[Terms]
    limits: list[Limit]
    categories: frozenset[str] = frozenset()

    @property
    def bonus(self) -> Decimal:
        return from_kopecks(self.reckoned.total)


def outlook(
    *,
    member: User,
    business: Business,
    paid: Decimal,
    at: datetime,
    issuer_of: IssuerOf,
    categories: Collection[str] = (),
    lock: bool = False,
) -> Outlook:
    """What `paid` ₽ earn at a moment, by the tier of that moment: the live path itself, a quote
    without `lock`. One statement when nothing is in force.

    `issuer_of` says who issues in place of a funder, or None: an offer one of whose funders may
    not issue does not apply, and the cashback is nothing when the business may not.
    """
    standing = terms_of_member(member, at=at)
    issuer = issuer_of(business.pk)
    rate_bp = standing.rate_bp if issuer else 0  # a return of nothing takes nothing back
    verdicts, limits = _judge(
        in_force(member_id=member.pk, business=business, at=at),
        issuer_of,
        member=member,
        business=business,
        paid=paid,
        at=at,
        categories=categories,
        tier=standing.code,
    )
    flat = [limit for several in limits.values() for limit in several]
    used = read_counters(flat, lock=lock)
    applied = [one.rule for one in verdicts if not one.why]
    terms = [terms_of(rule, cap=left_of(limits[str(rule.offer)], used)) for rule in applied]
    payer = str(issuer or business.pk)
    reckoned = reckon(paid=to_kopecks(paid), rate_bp=rate_bp, issuer=payer, terms=terms)
    both = zip(terms, reckoned.parts, strict=True)
    given = [replace(one, wanted=part.wanted, granted=part.granted) for one, part in both]
    said = frozenset(category for category in categories if category)
    return Outlook(paid, standing.code, rate_bp, payer, reckoned, verdicts, given, flat, said)


def _judge(
    rules: list[Rule], issuer_of: IssuerOf, **purchase: Any
) -> tuple[list[Verdict], dict[str, list[Limit]]]:
    """Verdicts with funders as they can pay now, and the limits of the offers that apply."""
    if not rules:
        return [], {}
    visit = visit_of(**purchase, rules=rules)
    paying = [_as_it_is_paid(rule, issuer_of) for rule in rules]
    verdicts = decide([rule for rule in paying if rule], visit)
    applied = [one.rule for one in verdicts if not one.why]
    return verdicts, {str(rule.offer): limits_of(rule, visit) for rule in applied}


def _as_it_is_paid(rule: Rule, issuer_of: IssuerOf) -> Rule | None:
    payers = [(issuer_of(UUID(funder)), share) for funder, share in rule.funders]
    if any(payer is None for payer, _share in payers):
        return None
    return replace(rule, funders=payers)


# --- what she is offered -------------------------------------------------------------------------
@dataclass(frozen=True)
class Offered:
    """An offer that a member can use; `why` names what the present moment lacks (a weekday, an
    hour), "" when it would apply to a purchase now."""

    rule: Rule
    business: Business
    until: datetime
    why: str


# What does not depend on the bill or on the moment: an offer she does not meet so is not hers.
OF_THE_PERSON = {"tier", "segment", "first_purchase", "away", "birthday"}
OF_THE_BILL = {"min_amount", "category", "every_nth"}


def offered_to(member: User, *, at: datetime) -> list[Offered]:
    """The offers of all working partners that are open to her, the highest priority first. Three
    statements for any number of offers, and one more when segments matter."""
    rules = in_force(member_id=member.pk, business=None, at=at)
    if not rules:
        return []
    places = Business.objects.filter(state=State.ACTIVE).in_bulk({one.programme for one in rules})
    versions = OfferVersion.objects.filter(pk__in=[rule.version for rule in rules])
    ends = dict(versions.values_list("pk", "ends_at"))
    open_ones = [rule for rule in sorted(rules, key=rank) if rule.programme in places]
    visits = _visits(member, places, open_ones, at=at)
    shown = []
    for rule in open_ones:
        visit = visits[rule.programme]
        lacks = [one for one in refusals(rule, visit) if one not in OF_THE_BILL]
        used = key_of(rule, visit) in rule.used_keys
        if not used and OF_THE_PERSON.isdisjoint(lacks):
            business = places[rule.programme]
            shown.append(Offered(rule, business, ends[rule.version], "".join(lacks[:1])))
    return shown


def _visits(
    member: User, places: dict[UUID, Business], rules: list[Rule], *, at: datetime
) -> dict[UUID, Visit]:
    """How each place sees her now, with no bill yet."""
    tier = terms_of_member(member, at=at).code
    said: dict[str, Any] = {
        "member": member,
        "paid": Decimal(0),
        "at": at,
        "categories": (),
        "tier": tier,
    }
    first = next(iter(places.values()), None)
    if first is None:
        return {}
    seen = visit_of(**said, business=first, rules=rules)
    return {
        pk: replace(
            seen,
            local=at.astimezone(ZoneInfo(place.zone)),
            categories=frozenset([place.category]),
        )
        for pk, place in places.items()
    }


# --- for the constructor -------------------------------------------------------------------------
def offers_of(business: Business) -> QuerySet[OfferConstructor]:
    """Offers of a programme with their newest versions."""
    offers = OfferConstructor.objects.filter(business=business)
    return offers.select_related("business", "current__edited_by").prefetch_related(
        "current__funders__business"
    )


def known_segments() -> list[str]:
    """Names of the lists of members that an offer may address."""
    codes = SegmentEntry.objects.order_by("code").values_list("code", flat=True)
    return list(codes.distinct())


def audience_of(business: Business, terms: Mapping[str, Any], *, at: datetime) -> int:
    """How many guests of the last year an offer speaks to, by what is known of them beforehand:
    status, list, how long they stayed away. One statement."""
    values: dict[str, Any] = {
        "business": business.pk,
        "at": at,
        "since": at - timedelta(days=365),
        "tiers": list(terms.get("tiers") or ()),
        "segment": terms.get("segment") or "",
        "away": terms.get("away_days"),
    }
    with connection.cursor() as cursor:
        cursor.execute(offer_sql.AUDIENCE, values)
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class Given:
    """What an offer has given so far: bonuses in ₽, to how many guests, for how many purchases."""

    bonuses: Decimal = Decimal("0.00")
    guests: int = 0
    uses: int = 0


def given_by(offers: Collection[UUID]) -> dict[UUID, Given]:
    """Offer → what it has given; one that gave nothing is absent. One statement."""
    uses = OfferUse.objects.filter(offer__in=offers, granted__gt=0).values_list("offer")
    rows = uses.annotate(sum=Sum("granted"), guests=Count("wallet", distinct=True), n=Count("pk"))
    return {offer: Given(from_kopecks(total), guests, n) for offer, total, guests, n in rows}


def budget_used(offers: Collection[UUID]) -> dict[UUID, Decimal]:
    """Offer → how much of its budget counts as used, ₽. One statement."""
    scopes = {f"offer:{offer}": offer for offer in offers}
    rows = Counter.objects.filter(scope__in=scopes, period="").values_list("scope", "used")
    return {scopes[scope]: from_kopecks(used) for scope, used in rows}
