"""Reads of events: pages with everything that a card shows, in a fixed number of statements."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, Q, QuerySet, Sum

from apps.accounts import rights
from apps.accounts.models import User
from apps.events import rules
from apps.events.enums import ACTIVE, SEATED, Kind, Place, State
from apps.events.models import Event, EventRegistration, Feedback, Penalty, VoteRecord


@dataclass(frozen=True)
class Facts:
    """What one event looks like to one member."""

    event: Event
    free: int
    waiting: int
    points: int
    voters: int
    my_vote: VoteRecord | None
    mine: EventRegistration | None
    position: int | None
    phase: str | None
    actions: list[str] = field(default_factory=list)
    rating: Decimal | None = None
    results_shown: bool = False


def events_for(user: User, *, at: datetime) -> QuerySet[Event]:
    """What she may see: what all see, her own, and where she is or was registered."""
    own = Q(creator=user) | Q(pk__in=EventRegistration.objects.filter(member=user).values("event"))
    if rights.held(job=user.job, tier=user.tier.code) & rights.ADMIN:
        return Event.objects.select_related("business")
    shown = Event.objects.shown_to_members(at=at).values("pk")
    return Event.objects.filter(Q(pk__in=shown) | own).select_related("business")


# Whether the caller `u` has no part in any event, for the statement of her session.
PARTLESS = """
NOT EXISTS (SELECT 1 FROM events_eventregistration WHERE member_id = u.id)
AND NOT EXISTS (SELECT 1 FROM events_event WHERE creator_id = u.id)
AND NOT EXISTS (SELECT 1 FROM events_voterecord WHERE voter_id = u.id)
"""


def is_stranger(user: User, *, is_partless: bool) -> bool:
    """She has no part in any event, and no job that shows more: she sees what all others see."""
    return is_partless and not rights.held(job=user.job, tier=user.tier.code) & rights.ADMIN


def facts_of(events: Iterable[Event], user: User, *, at: datetime) -> list[Facts]:
    """A card for each event; six statements for any number of them."""
    events = list(events)
    ids = [event.pk for event in events]
    seats = _seats(ids)
    votes = _votes(ids)
    mine_votes = {
        vote.event_id: vote
        for vote in VoteRecord.objects.filter(event__in=ids, voter=user, is_current=True)
    }
    mine = _mine(ids, user)
    positions = _positions([row for row in mine.values() if row.state == Place.WAITLISTED])
    ratings = _ratings(ids)
    found = []
    for event in events:
        free, waiting = seats.get(event.pk, (0, 0))
        points, voters = votes.get(event.pk, (0, 0))
        planned = event.state == State.PUBLISHED
        facts = Facts(
            event=event,
            free=free,
            waiting=waiting,
            points=points,
            voters=voters,
            my_vote=mine_votes.get(event.pk),
            mine=mine.get(event.pk),
            position=positions.get(mine[event.pk].pk) if event.pk in mine else None,
            phase=rules.phase_of(event.times, free=free, waiting=waiting, now=at)
            if planned
            else None,
            rating=ratings.get(event.pk),
            results_shown=_results_shown(event, mine_votes.get(event.pk)),
        )
        facts.actions.extend(_actions(facts, user, at=at))
        found.append(facts)
    return found


def _results_shown(event: Event, mine: VoteRecord | None) -> bool:
    """Totals are for those who have voted, and for all after the close."""
    if event.state not in (State.VOTING, State.THRESHOLD_REACHED):
        return True
    return mine is not None and not event.results_hidden


def _seats(ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    free = Count("seats", filter=Q(seats__registration__isnull=True), distinct=True)
    line = Count("registrations", filter=Q(registrations__state=Place.WAITLISTED), distinct=True)
    rows = Event.objects.filter(pk__in=ids).annotate(free=free, line=line)
    return {pk: (free, line) for pk, free, line in rows.values_list("pk", "free", "line")}


def _votes(ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    rows = (
        VoteRecord.objects.filter(event__in=ids, is_current=True, value=1)
        .values("event")
        .annotate(points=Sum("weight"), voters=Count("pk"))
    )
    return {row["event"]: (row["points"], row["voters"]) for row in rows}


def _mine(ids: list[UUID], user: User) -> dict[UUID, EventRegistration]:
    """Her active registration, else the newest."""
    found: dict[UUID, EventRegistration] = {}
    rows = EventRegistration.objects.filter(event__in=ids, member=user).order_by("joined_at", "id")
    for row in rows.select_related("feedback").prefetch_related("seats"):
        if row.event_id not in found or found[row.event_id].state not in ACTIVE:
            found[row.event_id] = row
    return found


def _positions(rows: list[EventRegistration]) -> dict[UUID, int]:
    """Places in line are derived: how many wait ahead, and one."""
    if not rows:
        return {}
    ahead = Q(pk__in=[])
    for row in rows:
        before = Q(band__lt=row.band) | Q(band=row.band, turn__lt=row.turn)
        before |= Q(band=row.band, turn=row.turn, pk__lte=row.pk)
        ahead |= Q(before, event=row.event_id)
    counted = (
        EventRegistration.objects.filter(ahead, state=Place.WAITLISTED)
        .values("event")
        .annotate(n=Count("pk"))
    )
    by_event = {row["event"]: row["n"] for row in counted}
    return {row.pk: by_event.get(row.event_id, 1) for row in rows}


def _ratings(ids: list[UUID]) -> dict[UUID, Decimal]:
    rows = (
        Feedback.objects.filter(registration__event__in=ids)
        .values(event=F("registration__event"))
        .annotate(n=Count("pk"), mean=Avg("rating"))
    )
    return {
        row["event"]: Decimal(f"{row['mean']:.1f}")
        for row in rows
        if row["n"] >= rules.FEEDBACK_SHOWN_FROM
    }


def _actions(facts: Facts, user: User, *, at: datetime) -> list[str]:
    """What she may do now, so that the app need not guess."""
    return [
        *_author_actions(facts.event, user),
        *_vote_actions(facts, at=at),
        *_place_actions(facts, at=at),
    ]


def _author_actions(event: Event, user: User) -> list[str]:
    if event.creator_id != user.pk:
        return []
    actions = []
    if event.kind == Kind.PROPOSAL:
        if event.state in (State.DRAFT, State.CHANGES_REQUESTED):
            actions += ["change", "submit"]
        if event.state in (State.REJECTED, State.EXPIRED) and not (
            event.appealed or event.resubmitted
        ):
            actions.append("submit")
        if event.state in (
            State.DRAFT,
            State.SUBMITTED,
            State.CHANGES_REQUESTED,
            State.VOTING,
        ):
            actions.append("withdraw")
    if event.state in (State.PUBLISHED, State.SCHEDULED):
        actions.append("cancelEvent")
    return actions


def _vote_actions(facts: Facts, *, at: datetime) -> list[str]:
    event = facts.event
    if event.state not in (State.VOTING, State.THRESHOLD_REACHED):
        return []
    if event.voting_until is None or at >= event.voting_until:
        return []
    mine = facts.my_vote
    if mine is None or mine.value == 0:
        return ["vote"]
    return [] if event.state == State.THRESHOLD_REACHED else ["unvote"]


def _place_actions(facts: Facts, *, at: datetime) -> list[str]:
    asked = facts.event.question and facts.phase not in (None, "over")
    open_ = asked and facts.mine and facts.mine.state in ACTIVE and facts.mine.answer is None
    return [*_seat_actions(facts, at=at), *(["answer"] if open_ else [])]


def _seat_actions(facts: Facts, *, at: datetime) -> list[str]:
    event, mine = facts.event, facts.mine
    state = mine.state if mine else ""
    if state == Place.OFFERED:
        return ["accept", "decline"]
    if state == Place.WAITLISTED:
        return ["leave"]
    if state == Place.CONFIRMED and facts.phase in ("not_open", "early", "open", "full", "closed"):
        return ["cancel", "ticket"]
    if state == Place.ATTENDED and event.ends_at and at >= event.ends_at:
        return ["feedback"]
    if state not in ACTIVE and facts.phase in ("early", "open", "full"):
        return [] if state == Place.CANCELLED_LATE else ["register"]
    return []


def why_not_me(event: Event, mine: EventRegistration, *, position: int, at: datetime) -> str:
    """Why she waits, as a code that the app puts into words: what must happen for an offer."""
    points = Penalty.objects.filter(
        member=mine.member_id, removed_at__isnull=True, lapses_at__gt=at
    ).aggregate(points=Sum("points"))["points"]
    return why_waiting(mine, points=points or 0, position=position)


def why_waiting(mine: EventRegistration, *, points: int, position: int) -> str:
    """The same for a list, whose points and positions were asked in one statement."""
    if mine.seats_wanted > 1 and not mine.alone_too:
        return "pair_needs_two"
    if rules.standing(points).waitlist_only:
        return "after_all_others"
    return "next" if position == 1 else "others_ahead"


def roster(event: Event, *, since: datetime | None) -> list[EventRegistration]:
    """For a scanner without a network: who may come in, and whose ticket was taken back."""
    rows = event.registrations.filter(member__isnull=False).select_related("member__tier")
    if since:
        rows = rows.filter(changes__at__gte=since).distinct()
    else:
        rows = rows.exclude(state=Place.WAITLISTED)
    return list(rows.prefetch_related("seats").order_by("seated_at", "pk"))


def attendees(event: Event) -> QuerySet[EventRegistration]:
    """Everybody who has or had a seat or waits, in order of arrival."""
    return (
        event.registrations.select_related("member__tier")
        .prefetch_related("seats")
        .order_by("-joined_at", "-pk")
    )


@dataclass(frozen=True)
class Forecast:
    """How many are likely to come, and a safe number of guests over capacity (off by default)."""

    confirmed: int
    expected: float
    over_invite: int


def forecast(event: Event) -> Forecast:
    """No-shows to be expected, from what these people did before."""
    people = list(event.registrations.filter(state__in=SEATED).values_list("member", flat=True))
    past = dict.fromkeys(people, (0, 0))
    rows = (
        EventRegistration.objects.filter(
            member__in=[one for one in people if one],
            state__in=[Place.ATTENDED, Place.NO_SHOW],
        )
        .exclude(event=event)
        .values("member")
        .annotate(
            came=Count("pk", filter=Q(state=Place.ATTENDED)),
            missed=Count("pk", filter=Q(state=Place.NO_SHOW)),
        )
    )
    past |= {row["member"]: (row["came"], row["missed"]) for row in rows}
    chances = [
        rules.expected_share(came=past[one][0], did_not=past[one][1]) if one else 0.0
        for one in people
    ]
    return Forecast(
        confirmed=len(people),
        expected=round(sum(chances), 1),
        over_invite=rules.over_invite(chances, capacity=event.capacity),
    )


def queue(user: User, *, at: datetime) -> QuerySet[Event]:
    """What waits for a moderator, oldest first; never what she wrote herself."""
    return (
        Event.objects.filter(state=State.SUBMITTED)
        .exclude(creator=user)
        .exclude(co_authors=user)
        .select_related("business")
    )


def overdue(*, at: datetime) -> QuerySet[Event]:
    """Supported proposals that wait for the curator longer than promised."""
    limit = at - timedelta(days=rules.DECIDE_DAYS)
    return Event.objects.filter(state=State.THRESHOLD_REACHED, supported_at__lt=limit)


def next_event_of(user: User, *, at: datetime) -> dict[str, Any] | None:
    """For the first screen of the app: the next event she has a seat for."""
    mine = (
        EventRegistration.objects.filter(
            member=user,
            state__in=[Place.CONFIRMED, Place.OFFERED],
            event__state=State.PUBLISHED,
            event__ends_at__gt=at,
        )
        .select_related("event")
        .order_by("event__starts_at")
        .first()
    )
    if mine is None:
        return None
    return {
        "id": str(mine.event_id),
        "title": mine.event.title,
        "starts_at": mine.event.starts_at,
        "state": mine.state,
    }


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """Everything that events hold about her."""
    registrations = EventRegistration.objects.filter(member=member).order_by("joined_at")
    votes = VoteRecord.objects.filter(voter=member).order_by("cast_at")
    feedback = Feedback.objects.filter(registration__member=member).order_by("given_at")
    penalties = Penalty.objects.filter(member=member).order_by("given_at")
    return {
        "proposals": list(
            Event.objects.filter(creator=member).values("title", "description", "state")
        ),
        "registrations": list(
            registrations.values(
                *("state", "guests", "paid", "returned", "joined_at", "answer"),
                title=F("event__title"),
            )
        ),
        "votes": list(votes.values("value", "weight", "cast_at", title=F("event__title"))),
        "feedback": list(feedback.values("rating", "comment", "given_at", "answer")),
        "penalties": list(penalties.values("points", "cause", "given_at", "lapses_at")),
    }
