"""From an idea to enough votes: propose, change, submit, take back, vote."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import StatusTier, User
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused, StatusRequired
from apps.core.facts import EventVoted
from apps.events import rules
from apps.events.enums import Kind, State, Work
from apps.events.models import Case, Event, VoteRecord
from apps.events.services.books import (
    Stale,
    WrongState,
    is_admin,
    lock_event,
    move,
    note,
    set_timer,
    tell_author,
    tell_voters,
)

EDITABLE = (State.DRAFT, State.SUBMITTED, State.CHANGES_REQUESTED)
# What an author writes herself; money, seats and times are the curator's.
TEXTS = ("title", "description", "city", "place", "starts_at", "ends_at", "capacity")


class TooManyProposals(Refused):
    message = _("Three proposals are open already. Finish or withdraw one of them.")


class NotYetSubmittable(Invalid):
    field = "description"
    message = _("A proposal needs a title, a description of at least 40 characters and a city.")


class TickMissing(Invalid):
    field = "noPersonalData"
    message = _("Confirm that the text holds no personal data of other people.")


class NothingChanged(Invalid):
    field = "description"
    message = _("Nothing has changed since the moderator's request.")


class TooEarlyAgain(Refused):
    code = "WRONG_STATE"
    message = _("A proposal may be submitted again once, 30 days after its voting ended.")


class VoteIsFinal(Refused):
    code = "WRONG_STATE"
    message = _("The threshold is reached: support can no longer be taken back.")


@dataclass(frozen=True)
class VoteResult:
    """The tally after a vote. `mine` is her current value, None when she has not voted."""

    points: int
    voters: int
    need_points: int
    need_voters: int
    mine: int | None
    state: str


@transaction.atomic
def create_event(data: dict[str, Any], creator: User, *, at: datetime | None = None) -> Event:
    """A draft. Admins and partners' owners draft a curated event, members from VIP up propose.

    Raises StatusRequired, TooManyProposals, Forbidden (a partner that is not hers).
    """
    at = at or timezone.now()
    groups = rights.held(job=creator.job, tier=creator.tier.code)
    business = data.get("business")
    if business is not None and not creator.has_perm(rights.MANAGE, business):
        raise NotFound
    curated = bool(groups & rights.ADMIN) or business is not None
    if not curated:
        if not groups & rights.VIP:
            raise StatusRequired
        # Her own row is the lock: two drafts at once are counted one after the other.
        User.objects.select_for_update(no_key=True).get(pk=creator.pk)
        if Event.objects.open_proposals_of(creator.pk).count() >= rules.OPEN_PROPOSALS:
            raise TooManyProposals
    event = Event.objects.create(
        kind=Kind.CURATED if curated else Kind.PROPOSAL,
        creator=creator,
        created_at=at,
        updated_at=at,
        **data,
    )
    note(event, before="", by=creator, at=at)
    audit.record(creator, "events.create", "event", event.pk)
    return event


@transaction.atomic
def change_proposal(
    *, event: Event, changes: dict[str, Any], by: User, version: int | None, at: datetime
) -> Event:
    """The author's own text. In voting only a typo may be mended (15 min, or no votes yet); a
    later change sends it back to moderation and clears the votes.

    Raises NotFound (not hers), Stale, WrongState.
    """
    event = lock_event(event.pk)
    if event.creator_id != by.pk or event.kind != Kind.PROPOSAL:
        raise NotFound
    if version is not None and version != event.version:
        raise Stale
    changes = {name: value for name, value in changes.items() if getattr(event, name) != value}
    if not changes:
        return event
    if event.state == State.VOTING:
        _edit_in_voting(event, by=by, at=at)
    elif event.state not in EDITABLE:
        raise WrongState
    snapshot = {name: str(getattr(event, name)) for name in changes}
    Event.objects.filter(pk=event.pk).update(version=F("version") + 1, updated_at=at, **changes)
    event.refresh_from_db()
    note(event, before=event.state, by=by, at=at, snapshot=snapshot)
    return event


def _edit_in_voting(event: Event, *, by: User, at: datetime) -> None:
    votes = event.votes.filter(is_current=True)
    fresh = event.voting_from and at < event.voting_from + timedelta(minutes=rules.TYPO_MINUTES)
    if fresh or not votes.exists():
        return
    tell_voters(event, "votes_cleared", at=at)
    votes.update(is_current=False)
    move(event, State.SUBMITTED, by=by, at=at, reason="changed while voting", submitted_at=at)
    Case.objects.create(event=event, opened_at=at)


@transaction.atomic
def submit_proposal(*, event: Event, by: User, no_personal_data: bool, at: datetime) -> Event:
    """Into the moderators' queue. Also: an answer to a request for changes, one appeal after a
    rejection, one more try 30 days after a vote that fell short.

    Raises NotFound, WrongState, NotYetSubmittable, TickMissing, NothingChanged, TooEarlyAgain.
    """
    event = lock_event(event.pk)
    if event.creator_id != by.pk or event.kind != Kind.PROPOSAL:
        raise NotFound
    _is_whole(event, no_personal_data)
    fields: dict[str, Any] = {"no_personal_data": True}
    if event.state == State.CHANGES_REQUESTED:
        _something_changed(event)
    elif event.state == State.REJECTED:
        if event.appealed or not _within(event.ended_at, rules.APPEAL_DAYS, at):
            raise WrongState
        fields["appealed"] = True
    elif event.state == State.EXPIRED:
        _once_more(event, by=by, at=at)
    # An answer to a request keeps its age in the queue.
    if event.state != State.CHANGES_REQUESTED or event.submitted_at is None:
        fields["submitted_at"] = at
    move(event, State.SUBMITTED, by=by, at=at, **fields)
    Case.objects.create(event=event, opened_at=at)
    audit.record(by, "events.submit", "event", event.pk)
    return event


def _is_whole(event: Event, no_personal_data: bool) -> None:
    if len(event.description.strip()) < 40 or not event.title.strip() or not event.city.strip():
        raise NotYetSubmittable
    if not no_personal_data:
        raise TickMissing


def _once_more(event: Event, *, by: User, at: datetime) -> None:
    if event.resubmitted or _within(event.ended_at, rules.RESUBMIT_DAYS, at):
        raise TooEarlyAgain
    move(event, State.DRAFT, by=by, at=at, resubmitted=True, ended_at=None)
    event.votes.filter(is_current=True).update(is_current=False)


def _within(moment: datetime | None, days: int, at: datetime) -> bool:
    return moment is not None and at < moment + timedelta(days=days)


def _something_changed(event: Event) -> None:
    asked = event.changes.filter(after=State.CHANGES_REQUESTED).exclude(
        before=State.CHANGES_REQUESTED
    )
    last = asked.order_by("-id").first()
    edits = event.changes.filter(before=State.CHANGES_REQUESTED, after=State.CHANGES_REQUESTED)
    if last and not edits.filter(id__gt=last.pk).exists():
        raise NothingChanged


@transaction.atomic
def withdraw_proposal(*, event: Event, by: User, at: datetime) -> Event:
    """Taken back by its author, before the threshold. Votes stay for the record.

    Raises NotFound, WrongState.
    """
    event = lock_event(event.pk)
    if event.creator_id != by.pk or event.kind != Kind.PROPOSAL:
        raise NotFound
    move(event, State.WITHDRAWN, by=by, at=at, ended_at=at)
    tell_voters(event, "withdrawn", at=at)
    event.cases.filter(decided_at__isnull=True).delete()
    audit.record(by, "events.withdraw", "event", event.pk)
    return event


@transaction.atomic
def process_vote(user: User, event: Event, vote: int, *, at: datetime | None = None) -> VoteResult:
    """Her current answer, 1 or 0, with the weight of her tier at this moment, kept as cast.

    The threshold (points and people) is looked at under the event's lock, so it is crossed once.
    Raises NotFound, WrongState, VoteIsFinal.
    """
    at = at or timezone.now()
    event = lock_event(event.pk)
    if event.state not in (State.VOTING, State.THRESHOLD_REACHED):
        raise WrongState
    if event.voting_until is None or at >= event.voting_until:
        raise WrongState
    mine = event.votes.filter(voter=user, is_current=True).first()
    tier = user.tier.code
    weight = int(event.weights.get(tier, 1))
    if mine is None or (mine.value, mine.weight) != (vote, weight):
        if mine and mine.value == 1 and vote == 0 and event.state == State.THRESHOLD_REACHED:
            raise VoteIsFinal
        event.votes.filter(voter=user, is_current=True).update(is_current=False)
        VoteRecord.objects.create(
            event=event, voter=user, value=vote, weight=weight, tier=tier, cast_at=at
        )
        fact = EventVoted(
            event_id=str(event.pk),
            member_id=str(user.pk),
            value=vote,
            weight=weight,
            at=at.isoformat(),
        )
        outbox.publish(fact)
    points, voters = tally(event)
    if event.state == State.VOTING and _is_enough(event, points, voters):
        move(event, State.THRESHOLD_REACHED, by=None, at=at, supported_at=at)
        tell_author(event, "supported", at=at)
    return VoteResult(
        points, voters, event.need_points or 0, event.need_voters or 0, vote, event.state
    )


def _is_enough(event: Event, points: int, voters: int) -> bool:
    return rules.is_enough(
        points=points,
        voters=voters,
        need_points=event.need_points or 0,
        need_voters=event.need_voters or 0,
    )


def tally(event: Event) -> tuple[int, int]:
    """Points and people: a sum over current rows, never a counter."""
    yes = event.votes.filter(is_current=True, value=1)
    points = yes.aggregate(points=Coalesce(Sum("weight"), 0))["points"]
    return int(points), yes.count()


def open_voting(event: Event, *, by: User | None, at: datetime) -> None:
    """The rules of this vote are copied onto the proposal and frozen."""
    weights = dict(StatusTier.objects.values_list("code", "vote_weight"))
    until = at + timedelta(days=rules.VOTING_DAYS)
    move(
        event,
        State.VOTING,
        by=by,
        at=at,
        weights=weights,
        need_points=rules.THRESHOLD_POINTS,
        need_voters=rules.THRESHOLD_VOTERS,
        voting_from=at,
        voting_until=until,
    )
    set_timer(event, Work.VOTING_ENDS, until)


def end_voting(event: Event, *, at: datetime) -> None:
    """The window is over: what did not reach its threshold expires."""
    if event.state == State.VOTING:
        move(event, State.EXPIRED, by=None, at=at, ended_at=at)
        tell_author(event, "fell_short", at=at)


@transaction.atomic
def hide_results(*, event: Event, by: User, at: datetime) -> Event:
    """Until the close nobody sees totals. One way: it is never loosened once voting began."""
    event = lock_event(event.pk)
    if not is_admin(by) and event.creator_id != by.pk:
        raise Forbidden
    if not event.results_hidden:
        Event.objects.filter(pk=event.pk).update(results_hidden=True, version=F("version") + 1)
        note(event, before=event.state, by=by, at=at, reason="results hidden")
    event.refresh_from_db()
    return event
