"""Tiers: loyalty decides, accounts stores."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import StatusTier, User
from apps.accounts.services import change_tier
from apps.loyalty import tier_queries, tier_rules
from apps.loyalty.services.books import lock_wallet
from apps.loyalty.tier_queries import Place

PAGE = 1000  # people looked at in one statement


def update_status_tier(user: User, *, at: datetime | None = None) -> StatusTier:
    """Move a member to the tier that money and breadth of the last 12 months give her.

    Up at once, as far as it reaches, after the purchase was booked: the crossing purchase itself
    earned at the old rate. Down one step, 30 days after she fell short. A tier set by hand stays
    until its lock ends; Inner Circle is by invitation, money leads neither there nor out of it.
    The same answer whenever it is asked: at a purchase, at a return, at night, late.
    """
    at = at or timezone.now()
    place = tier_queries.place_of(user.pk, at=at)
    wanted = _wanted(place, at=at)
    if wanted != place.tier.position:
        tier = StatusTier.objects.get(position=wanted)
        reason = "reached" if wanted > place.tier.position else "fell_short"
        change_tier(member_id=user.pk, tier=tier, reason=reason, at=at)
        user.tier, user.tier_since = tier, at
    elif user.tier_id != place.tier.pk:  # somebody moved her since `user` was read
        user.tier = StatusTier.objects.get(pk=place.tier.pk)
        user.tier_since = place.since
    return user.tier


def _wanted(place: Place, *, at: datetime) -> int:
    """The position where she belongs now."""
    if place.may_rise():
        return place.reached()
    if place.may_fall():
        [keeping] = tier_queries.keepings([place], at=at)
        today = tier_rules.day_of(at)
        return place.tier.position - (tier_rules.falls_on(keeping, today=today) <= today)
    return place.tier.position


def raise_tiers(members: Sequence[User], *, at: datetime) -> None:
    """`update_status_tier` for those of these members who rose. One look for all of them; the
    caller holds their wallets' locks."""
    by_id = {member.pk: member for member in members}
    for place in tier_queries.places_of(by_id, at=at):
        if place.may_rise():
            update_status_tier(by_id[place.member_id], at=at)


def move_tiers(*, at: datetime) -> int:
    """Evaluate everybody; how many moved. Twice equals once: each is decided by
    `update_status_tier` under her own lock, whoever was moved stands where she belongs."""
    return sum(_move(member_id, at=at) for member_id in _due_to_move(at=at))


@transaction.atomic
def _move(member_id: UUID, *, at: datetime) -> bool:
    lock_wallet(member_id)
    person = User.objects.select_related("tier").get(pk=member_id)
    before = person.tier_id
    return update_status_tier(person, at=at).pk != before


def _due_to_move(*, at: datetime) -> Iterator[UUID]:
    """Members who, as far as one look at a page tells, do not stand where they belong."""
    today = tier_rules.day_of(at)
    for page in tier_queries.pages(at=at, size=PAGE):
        yield from [place.member_id for place in page if place.may_rise()]
        resting = [place for place in page if place.may_fall()]
        for place, keeping in zip(resting, tier_queries.keepings(resting, at=at), strict=True):
            if tier_rules.falls_on(keeping, today=today) <= today:
                yield place.member_id
