"""Counting a vote once more, row by row, under the event's lock: what members see is what was cast."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import Forbidden, Refused
from apps.events import rules
from apps.events.enums import State
from apps.events.models import Event, VoteRecord
from apps.events.services.books import is_admin, lock_event, move, needs_reason, tell_author
from apps.events.services.proposals import tally


class NothingToCount(Refused):
    code = "WRONG_STATE"
    message = _("There is no vote to count here.")


class NothingToMend(Refused):
    code = "WRONG_STATE"
    message = _("The count and the proposal say the same: there is nothing to mend.")


@dataclass(frozen=True)
class Group:
    """Current votes of one tier: rows and weight of those for it, and of those who said no."""

    tier: str
    yes: int
    yes_weight: int
    no: int
    no_weight: int


@dataclass(frozen=True)
class Recount:
    """The rows added up here, beside what the proposal says. `strange`: rows whose weight is not
    the one that was frozen for their tier. `digest`: SHA-256 of the counted rows, without names:
    two counts with one digest counted the same votes."""

    groups: list[Group]
    points: int
    voters: int
    shown_points: int
    shown_voters: int
    need_points: int
    need_voters: int
    strange: int
    state: str
    digest: str
    at: datetime

    @property
    def is_enough(self) -> bool:
        return rules.is_enough(
            points=self.points,
            voters=self.voters,
            need_points=self.need_points,
            need_voters=self.need_voters,
        )

    @property
    def is_mendable(self) -> bool:
        """Enough votes, and the proposal still waits for them."""
        return self.state == State.VOTING and self.is_enough

    @property
    def is_equal(self) -> bool:
        shown = (self.shown_points, self.shown_voters)
        return (self.points, self.voters) == shown and not self.strange and not self.is_mendable


@transaction.atomic
def recount_votes(*, event: Event, by: User, at: datetime) -> Recount:
    """Add the rows up again while nobody can vote, and note the outcome in the audit log. Nothing
    is changed. Raises NotFound, Forbidden (admins alone), NothingToCount."""
    if not is_admin(by):
        raise Forbidden
    event = lock_event(event.pk)
    counted = _count(event, at=at)
    told = f"{counted.points}/{counted.voters} = {counted.shown_points}/{counted.shown_voters}"
    proof = f"{told}, strange {counted.strange}, sha256 {counted.digest}"
    audit.record(by, "events.recount", "event", event.pk, reason=proof)
    return counted


@transaction.atomic
def mend_count(*, event: Event, by: User, reason: str, at: datetime) -> Recount:
    """A proposal with enough votes that still stands as «voting» (rows were repaired by hand) gets
    its threshold, for the reason given. No vote is ever touched.

    Raises NotFound, Forbidden, ReasonNeeded, NothingToCount, NothingToMend.
    """
    if not is_admin(by):
        raise Forbidden
    reason = needs_reason(reason)
    event = lock_event(event.pk)
    if not _count(event, at=at).is_mendable:
        raise NothingToMend
    move(event, State.THRESHOLD_REACHED, by=by, at=at, reason=reason, supported_at=at)
    audit.record(by, "events.mend_count", "event", event.pk, reason=reason)
    tell_author(event, "supported", at=at)
    return _count(event, at=at)


def _count(event: Event, *, at: datetime) -> Recount:
    if event.need_points is None or event.need_voters is None:
        raise NothingToCount
    rows = list(event.votes.filter(is_current=True).order_by("pk"))
    yes = [row for row in rows if row.value == 1]
    shown_points, shown_voters = tally(event)
    return Recount(
        groups=_groups(rows),
        points=sum(row.weight for row in yes),
        voters=len(yes),
        shown_points=shown_points,
        shown_voters=shown_voters,
        need_points=event.need_points,
        need_voters=event.need_voters,
        strange=sum(row.weight != int(event.weights.get(row.tier, 1)) for row in rows),
        state=event.state,
        digest=_digest(rows),
        at=at,
    )


def _groups(rows: Sequence[VoteRecord]) -> list[Group]:
    by_tier: dict[str, list[VoteRecord]] = defaultdict(list)
    for row in rows:
        by_tier[row.tier].append(row)
    found = []
    for tier, votes in by_tier.items():
        yes = [vote.weight for vote in votes if vote.value == 1]
        no = [vote.weight for vote in votes if vote.value == 0]
        found.append(Group(tier, len(yes), sum(yes), len(no), sum(no)))
    return sorted(found, key=lambda group: (-group.yes_weight, group.tier))


def _digest(rows: Sequence[VoteRecord]) -> str:
    lines = [
        f"{row.pk} {row.value} {row.weight} {row.tier} {row.cast_at.isoformat()}" for row in rows
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
