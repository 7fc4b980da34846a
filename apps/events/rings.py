"""Rings of voters (events.md part 3): a proposal carried by accounts that look like one hand.

A suspicion is a sentence for an admin. No vote is taken back by it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import F, Q

from apps.accounts.models import Session
from apps.events.enums import State
from apps.events.models import Event, VoteRecord
from apps.loyalty.models import Referral

TOGETHER = timedelta(minutes=10)  # votes of one device or address so close to each other
YOUNG = timedelta(days=7)
YOUNG_LEAST = 3  # so many young accounts for one proposal
REFERRER_SHARE = 30  # % of the points that one inviter's people may bring
REFERRER_LEAST = 3  # people; two friends are no ring


class Pattern(StrEnum):
    SHARED = "shared"  # a device or an address
    YOUNG = "young"
    REFERRER = "referrer"


@dataclass(frozen=True)
class Suspicion:
    """`people` voters and `points` of the proposal that fit the pattern; `share` of it in %."""

    event: Event
    pattern: Pattern
    people: int
    points: int
    share: int


@dataclass(frozen=True)
class _Vote:
    event_id: UUID
    voter_id: UUID
    weight: int
    cast_at: datetime
    joined_at: datetime


def suspicions(*, at: datetime, event: Event | None = None) -> list[Suspicion]:
    """Of all proposals whose votes still decide something, or of one; four statements for any
    number of them."""
    events = Event.objects.filter(state__in=[State.VOTING, State.THRESHOLD_REACHED])
    if event is not None:
        events = Event.objects.filter(pk=event.pk)
    by_id = {one.pk: one for one in events}
    votes = _votes(list(by_id))
    voters = [vote.voter_id for each in votes.values() for vote in each]
    traces, inviters = _traces(voters), _inviters(voters)
    found = []
    for pk, cast in votes.items():
        total = sum(vote.weight for vote in cast)
        for pattern, ring in (
            (Pattern.SHARED, _shared(cast, traces)),
            (Pattern.YOUNG, _young(cast)),
            (Pattern.REFERRER, _referred(cast, inviters, total)),
        ):
            points = sum(vote.weight for vote in ring)
            if ring:
                share = round(points * 100 / total)
                found.append(Suspicion(by_id[pk], pattern, len(ring), points, share))
    return sorted(found, key=lambda one: -one.share)


def _votes(events: Sequence[UUID]) -> dict[UUID, list[_Vote]]:
    rows = VoteRecord.objects.filter(
        event__in=events, is_current=True, value=1, voter__isnull=False
    ).order_by("cast_at")
    names = ("event_id", "voter_id", "weight", "cast_at", "joined_at")
    found: dict[UUID, list[_Vote]] = defaultdict(list)
    for row in rows.annotate(joined_at=F("voter__joined_at")).values_list(*names):
        found[row[0]].append(_Vote(*row))
    return found


def _traces(voters: Sequence[UUID]) -> dict[UUID, set[str]]:
    """Digests of devices and addresses that each was signed in from."""
    known = Q(address__isnull=False) | ~Q(device_key="")
    rows = Session.objects.filter(known, user__in=voters)
    found: dict[UUID, set[str]] = defaultdict(set)
    for user_id, device, address in rows.values_list("user_id", "device_key", "address"):
        found[user_id] |= {f"device {device}" if device else "", f"address {address or ''}"}
    return {user_id: traces - {"", "address "} for user_id, traces in found.items()}


def _inviters(voters: Sequence[UUID]) -> dict[UUID, UUID]:
    rows = Referral.objects.filter(invited__in=voters)
    return dict(rows.values_list("invited_id", "inviter_id"))


def _shared(votes: Sequence[_Vote], traces: dict[UUID, set[str]]) -> list[_Vote]:
    """Cast within minutes of another voter from the same device or address."""
    by_trace: dict[str, list[_Vote]] = defaultdict(list)
    for vote in votes:  # in the order of casting
        for trace in traces.get(vote.voter_id, ()):
            by_trace[trace].append(vote)
    ring = set()
    for same in by_trace.values():
        for one, other in zip(same, same[1:], strict=False):
            if other.cast_at - one.cast_at <= TOGETHER:
                ring |= {one, other}
    return [vote for vote in votes if vote in ring]


def _young(votes: Sequence[_Vote]) -> list[_Vote]:
    """By accounts that were younger than a week when they voted."""
    ring = [vote for vote in votes if vote.cast_at - vote.joined_at < YOUNG]
    return ring if len(ring) >= YOUNG_LEAST else []


def _referred(votes: Sequence[_Vote], inviters: dict[UUID, UUID], total: int) -> list[_Vote]:
    """The people of the one inviter who brings the largest share, when it is too large."""
    by_inviter: dict[UUID, list[_Vote]] = defaultdict(list)
    for vote in votes:
        if vote.voter_id in inviters:
            by_inviter[inviters[vote.voter_id]].append(vote)
    ring = max(by_inviter.values(), key=lambda each: sum(v.weight for v in each), default=[])
    points = sum(vote.weight for vote in ring)
    is_large = len(ring) >= REFERRER_LEAST and points * 100 > total * REFERRER_SHARE
    return ring if is_large else []
