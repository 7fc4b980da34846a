"""Reads about tiers: where members stand, what they paid, when they would fall."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import StatusTier, TierVersion, User
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import settings_queries, tier_rules, tier_sql
from apps.loyalty.tier_rules import Demand, Keeping, Payment

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Step:
    """One tier as a step: what it asks for, in kopecks; None by invitation."""

    pk: int
    position: int
    threshold: int | None
    partners: int
    by_invitation: bool


@dataclass(frozen=True)
class Place:
    """Where a member stands: kopecks paid in the window (`spent`), at how many partners."""

    member_id: UUID
    spent: int
    partners: int
    tier: Step
    since: datetime
    locked_until: datetime | None
    steps: Sequence[Step]
    is_erased: bool
    is_free: bool  # neither erased nor locked by hand

    @property
    def stays_for_good(self) -> bool:
        """Invited without an end, or where everybody starts."""
        return self.tier.position == 1 or (self.tier.by_invitation and not self.locked_until)

    def reached(self) -> int:
        """Position of the highest tier that her money and breadth reach."""
        return max(
            (
                step.position
                for step in self.steps
                if step.threshold is not None
                and not step.by_invitation
                and self.spent >= step.threshold
                and self.partners >= step.partners
            ),
            default=1,
        )

    def may_rise(self) -> bool:
        return self.is_free and self.reached() > self.tier.position

    def may_fall(self) -> bool:
        return self.is_free and not self.stays_for_good and self.reached() < self.tier.position


def rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _step(pk: int, position: int, threshold: Decimal | None, least: int, invited: bool) -> Step:
    return Step(pk, position, None if threshold is None else to_kopecks(threshold), least, invited)


def place_of(member_id: UUID, *, at: datetime) -> Place:
    """Where a member stands now, read anew in one statement."""
    since = tier_rules.window_start(at)
    found = rows(tier_sql.STANDING, {"member": member_id, "since": since, "at": at})
    steps = [_step(*row[7:]) for row in found]
    return _place(member_id, *found[0][:7], steps=steps, at=at)


def pages(*, at: datetime, size: int) -> Iterator[list[Place]]:
    """Everybody in the order of their ids, a page a statement."""
    steps = _all_steps()
    values = {"since": tier_rules.window_start(at), "at": at, "limit": size}
    after = UUID(int=0)
    while found := rows(tier_sql.CANDIDATES, values | {"after": after}):
        yield [_place(*row, steps=steps, at=at) for row in found]
        after = found[-1][0]


def places_of(member_ids: Iterable[UUID], *, at: datetime) -> list[Place]:
    """Where these members stand now, in the order of their ids; one statement for any number."""
    values = {"since": tier_rules.window_start(at), "at": at, "members": list(member_ids)}
    steps = _all_steps()
    return [_place(*row, steps=steps, at=at) for row in rows(tier_sql.OF_BATCH, values)]


def _all_steps() -> list[Step]:
    return [
        _step(tier.pk, tier.position, tier.threshold, tier.min_partners, tier.by_invitation)
        for tier in StatusTier.objects.all()
    ]


def _place(  # noqa: PLR0913 - the columns of two statements
    member_id: UUID,
    spent: int,
    partners: int,
    tier_id: int,
    since: datetime | None,
    locked: datetime | None,
    joined: datetime,
    erased: datetime | None,
    *,
    steps: Sequence[Step],
    at: datetime,
) -> Place:
    return Place(
        member_id=member_id,
        spent=spent,
        partners=partners,
        tier=next(step for step in steps if step.pk == tier_id),
        since=since or joined,
        locked_until=locked,
        steps=steps,
        is_erased=erased is not None,
        is_free=erased is None and (locked is None or locked <= at),
    )


def payments_of(member_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, list[Payment]]:
    """What members paid, as far back as a decision about a tier looks; one statement."""
    since = tier_rules.memory_start(at, grace_days=settings_queries.current().tier_grace_days)
    values = {"members": list(member_ids), "since": since, "at": at}
    of_journal: dict[UUID, tuple[UUID, Payment]] = {}
    for member, journal, moment, business, paid, back_at, back in rows(tier_sql.PAYMENTS, values):
        _m, payment = of_journal.get(journal, (member, Payment(moment, business, paid)))
        if back:
            returns = (*payment.returns, (tier_rules.day_of(back_at), back))
            payment = Payment(moment, business, paid, returns)
        of_journal[journal] = (member, payment)
    found: dict[UUID, list[Payment]] = {member: [] for member in member_ids}
    for member, payment in of_journal.values():
        found[member].append(payment)
    return found


def _demands(steps: Sequence[Step]) -> dict[int, list[Demand]]:
    """Tier → what it asks for now, and what it asked for before."""
    asked: dict[int, list[Demand]] = {step.pk: [] for step in steps}
    for step in steps:
        if step.threshold is not None and not step.by_invitation:
            asked[step.pk].append(Demand(step.threshold, step.partners))
    for old in TierVersion.objects.filter(tier_id__in=asked, threshold__isnull=False):
        if asked[old.tier_id] and old.threshold is not None:
            demand = Demand(to_kopecks(old.threshold), old.min_partners, old.until)
            asked[old.tier_id].append(demand)
    return asked


def keepings(places: Sequence[Place], *, at: datetime) -> list[Keeping]:
    """What the tiers of these members rest on; two statements for any number."""
    if not places:
        return []
    payments = payments_of([place.member_id for place in places], at=at)
    demands = _demands(places[0].steps)
    grace_days = settings_queries.current().tier_grace_days
    return [
        Keeping(
            since=place.since,
            locked_until=place.locked_until,
            payments=payments[place.member_id],
            demands=demands[place.tier.pk],
            grace_days=grace_days,
        )
        for place in places
    ]


@dataclass(frozen=True)
class Standing:
    """A member among the tiers: money paid in the rolling 12 months and what is missing, ₽.

    `keep_until` is the first moment of the tier below if she pays nothing more, `to_keep` what she
    would have to pay before; both None where there is nothing to lose.
    """

    tier: StatusTier
    spent: Decimal
    partners: int
    next_tier: StatusTier | None
    to_next: Decimal | None
    keep_until: datetime | None
    to_keep: Decimal | None


def standing_of(member: User, *, at: datetime) -> Standing:
    """Where a member stands now, how far the next tier by money is, how long hers lasts."""
    place = place_of(member.pk, at=at)
    tiers = {tier.pk: tier for tier in StatusTier.objects.all()}
    tier = tiers[place.tier.pk]
    spent = from_kopecks(place.spent)
    above = [one for one in tiers.values() if one.position > tier.position]
    next_tier = next((one for one in above if not one.by_invitation), None)
    to_next = None
    if next_tier and next_tier.threshold is not None:
        to_next = max(ZERO, next_tier.threshold - spent)
    keep_until, to_keep = _kept(place, at=at)
    return Standing(tier, spent, place.partners, next_tier, to_next, keep_until, to_keep)


def _kept(place: Place, *, at: datetime) -> tuple[datetime | None, Decimal | None]:
    if place.stays_for_good:
        return None, None
    [keeping] = keepings([place], at=at)
    falls = tier_rules.falls_on(keeping, today=tier_rules.day_of(at))
    return tier_rules.midnight(falls).astimezone(UTC), from_kopecks(
        tier_rules.to_keep(keeping, falls=falls)
    )
