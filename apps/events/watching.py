"""Reads of those who organise and of those who stand at the door."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Subquery, Sum, Window
from django.db.models.expressions import OuterRef
from django.db.models.functions import Coalesce, RowNumber

from apps.accounts.models import User
from apps.events import rules
from apps.events.enums import ACTIVE, Kind, Place, Scanned, State
from apps.events.models import Event, EventRegistration, Penalty, Scan, Seat, VoteRecord
from apps.events.services.books import is_admin

AHEAD = timedelta(days=14)  # the door opens three hours before; a list of the fortnight to plan by
AFTER = timedelta(hours=24)  # a late look at who came
WITH_DOOR = (State.PUBLISHED, State.COMPLETED)
COMES = (Place.CONFIRMED, Place.ATTENDED)


# --- the organiser -------------------------------------------------------------------------------
def with_numbers(events: QuerySet[Event]) -> QuerySet[Event]:
    """Each with `taken`, `line_length`, `points` and `voters`, in one statement."""
    held = Seat.objects.filter(event=OuterRef("pk"), registration__isnull=False)
    waiting = EventRegistration.objects.filter(event=OuterRef("pk"), state=Place.WAITLISTED)
    yes = VoteRecord.objects.filter(event=OuterRef("pk"), is_current=True, value=1)
    return events.annotate(
        taken=_one(held, Count("pk")),
        line_length=_one(waiting, Count("pk")),
        points=_one(yes, Sum("weight")),
        voters=_one(yes, Count("pk")),
    )


def _one(rows: QuerySet[Any], number: Any) -> Any:
    """A number of each event's rows, 0 when there are none."""
    counted = rows.order_by().values("event").annotate(number=number)
    return Coalesce(Subquery(counted.values("number")), 0)


def in_line(rows: QuerySet[EventRegistration], *, at: datetime) -> QuerySet[EventRegistration]:
    """Who waits, in order, each with `position` and `points_now`."""
    live = (
        Penalty.objects.filter(member=OuterRef("member"), removed_at__isnull=True, lapses_at__gt=at)
        .order_by()
        .values("member")
        .annotate(total=Sum("points"))
    )
    return (
        rows.filter(state=Place.WAITLISTED)
        .annotate(
            position=Window(
                RowNumber(),
                partition_by="event",
                order_by=[F("band").asc(), F("turn").asc(), F("id").asc()],
            ),
            points_now=Coalesce(Subquery(live.values("total")), 0),
        )
        .order_by("band", "turn", "id")
    )


@dataclass(frozen=True)
class Consequences:
    """What cancelling an event does: how many people are told, how many bonuses go back."""

    people: int
    returned: Decimal


def cancelling(event: Event) -> Consequences:
    sums = event.registrations.filter(state__in=ACTIVE).aggregate(
        people=Count("pk"), returned=Sum(F("paid") - F("returned"), default=Decimal(0))
    )
    return Consequences(sums["people"], sums["returned"])


def votes_by_tier(event: Event) -> list[tuple[str, int, int]]:
    """(tier, voters, points) of those who said yes, only groups of five people and more."""
    rows = (
        event.votes.filter(is_current=True, value=1)
        .values("tier")
        .annotate(people=Count("pk"), points=Sum("weight"))
        .order_by("-points")
    )
    least = rules.AUTHOR_SEES_GROUPS_FROM
    return [(row["tier"], row["people"], row["points"]) for row in rows if row["people"] >= least]


def tiers_for_author(event: Event, *, at: datetime) -> list[dict[str, Any]] | None:
    """The same for the author; None while the results are hidden from everybody."""
    is_open = event.state in (State.VOTING, State.THRESHOLD_REACHED)
    if event.results_hidden and is_open and event.voting_until and at < event.voting_until:
        return None
    return [
        {"tier": tier, "voters": people, "points": points}
        for tier, people, points in votes_by_tier(event)
    ]


# What an organiser may decide: the same answer for the admin and the control page.
OPEN = (State.DRAFT, State.SUBMITTED, State.CHANGES_REQUESTED, State.VOTING)
MENDABLE = (Place.ATTENDED, Place.NO_SHOW, Place.EXCUSED)


def acts_on_event(event: Event, *, at: datetime) -> list[str]:
    """What a curator may do with an event now."""
    state, curated = event.state, event.kind == Kind.CURATED
    acts = {
        State.THRESHOLD_REACHED: ["schedule", "decline", "remove"],
        State.SCHEDULED: ["publish", "cancel"],
        State.PUBLISHED: ["guest", "cancel"],
    }.get(State(state), [])
    if state in OPEN:
        acts = ["publish", "cancel"] if curated and state == State.DRAFT else ["remove"]
    if state == State.PUBLISHED and event.starts_at and at >= event.starts_at:
        acts = ["guest", "complete", "cancel"]
    return acts


def acts_on_place(row: EventRegistration) -> list[str]:
    """What an admin may do with a registration now."""
    live = row.event.state == State.PUBLISHED
    acts = []
    if row.state == Place.WAITLISTED and live:
        acts.append("seat")
    if row.state in (Place.CONFIRMED, Place.OFFERED, Place.WAITLISTED) and live:
        acts.append("remove")
    mendable = row.state in MENDABLE or row.state == Place.CONFIRMED
    if mendable and row.event.state == State.COMPLETED:
        acts.append("mend")
    return acts


def phase_of_line(event: Event, *, at: datetime) -> str:
    """The phase of a published event for those who wait; empty for any other."""
    if event.state != State.PUBLISHED:
        return ""
    return rules.phase_of(event.times, free=0, waiting=1, now=at)


@dataclass(frozen=True)
class Ledger:
    """Rows of seats: all there are, taken, above the capacity, going when their guest leaves."""

    seats: int
    taken: int
    over_limit: int
    leaving: int

    @property
    def free(self) -> int:
        return self.seats - self.taken


def ledger_of(event: Event) -> Ledger:
    sums = event.seats.aggregate(
        seats=Count("pk"),
        taken=Count("registration"),
        over_limit=Count("pk", filter=Q(over_limit=True)),
        leaving=Count("pk", filter=Q(leaving=True)),
    )
    return Ledger(**sums)


@dataclass(frozen=True)
class Money:
    """Bonuses of an event: paid for seats, given back, of the paid still set aside as deposits,
    given for coming."""

    paid: Decimal
    returned: Decimal
    deposits: Decimal
    for_coming: Decimal

    @property
    def kept(self) -> Decimal:
        return self.paid - self.returned


def money_of(event: Event) -> Money:
    nothing = Decimal(0)
    sums = event.registrations.aggregate(
        all_paid=Sum("paid", default=nothing),
        all_returned=Sum("returned", default=nothing),
        deposits=Sum("paid", filter=Q(hold_id__isnull=False), default=nothing),
        came=Count("pk", filter=Q(bonus_of_visit__isnull=False)),
    )
    for_coming = sums["came"] * event.attendance_bonus
    return Money(sums["all_paid"], sums["all_returned"], sums["deposits"], for_coming)


# --- the door ------------------------------------------------------------------------------------
def doors_of(user: User, businesses: Any, *, at: datetime, hosted: bool = True) -> QuerySet[Event]:
    """Events at whose door she may stand, from yesterday's to those of a fortnight ahead, soonest
    first, each with `inside` and `expected` people. `hosted`: also those she proposed."""
    near = Event.objects.filter(
        state__in=WITH_DOOR,
        starts_at__lt=at + AHEAD,
        ends_at__gt=at - AFTER,
    )
    if not is_admin(user):
        own = Q(business__in=businesses)
        near = near.filter(own | Q(creator=user) if hosted else own)
    people = 1 + F("registrations__guests")
    return (
        near.select_related("business")
        .annotate(
            inside=Coalesce(Sum(people, filter=Q(registrations__state=Place.ATTENDED)), 0),
            expected=Coalesce(Sum(people, filter=Q(registrations__state__in=COMES)), 0),
        )
        .order_by("starts_at", "id")
    )


def has_door(event: Event, *, at: datetime) -> bool:
    """Whether an admin finds its check-in page: the same question that `doors_of` asks."""
    if event.state not in WITH_DOOR or not event.starts_at or not event.ends_at:
        return False
    return event.starts_at < at + AHEAD and event.ends_at > at - AFTER


@dataclass(frozen=True)
class ClockOff:
    """A device whose clock was `minutes` fast or slow when it last sent scans."""

    device: str
    minutes: int
    is_fast: bool


@dataclass(frozen=True)
class Counters:
    """People, guests included: who is in, who is expected in all; scans that want a look: let in
    though the server would have refused, let in twice; devices whose clock is off."""

    inside: int
    expected: int
    conflicts: int
    doubles: int
    clocks: list[ClockOff]

    @property
    def missing(self) -> int:
        return self.expected - self.inside


def counters(event: Event) -> Counters:
    people = 1 + F("guests")
    sums = event.registrations.aggregate(
        inside=Coalesce(Sum(people, filter=Q(state=Place.ATTENDED)), 0),
        expected=Coalesce(Sum(people, filter=Q(state__in=COMES)), 0),
    )
    doubts = event.scans.aggregate(
        conflicts=Count("pk", filter=Q(would_refuse=True)),
        doubles=Count("pk", filter=Q(is_double=True)),
    )
    return Counters(**sums, **doubts, clocks=clocks_off(event))


def clocks_off(event: Event) -> list[ClockOff]:
    """More than two minutes off, by what each device last sent."""
    last = event.scans.filter(clock_offset__isnull=False).order_by("device", "-server_at", "-id")
    measured = last.distinct("device").values_list("device", "clock_offset")
    return [
        ClockOff(name, round(abs(ahead) / 60), ahead > 0)
        for name, ahead in measured
        if ahead is not None and abs(ahead) > rules.CLOCK_OFF_SECONDS
    ]


def last_scans(event: Event, *, limit: int = 12) -> list[Scan]:
    rows = event.scans.select_related("registration__member__tier", "by")
    return list(rows.prefetch_related("registration__seats").order_by("-server_at", "-id")[:limit])


def may_be_annulled(scan: Scan, *, at: datetime) -> bool:
    """The same question that services.annul_scan asks, for a button."""
    fresh = at <= scan.server_at + timedelta(minutes=rules.ANNUL_MINUTES)
    return fresh and scan.result == Scanned.OK and scan.annulled_at is None


def guests_named(event: Event, text: str, *, limit: int = 20) -> list[EventRegistration]:
    """People of this event by the beginning of a name, or the last four digits of the card.

    Cancelled ones are found too: whoever stands at the door hears why she is not let in.
    """
    found = Q()
    for word in text.split():
        if word.isascii() and word.isdigit() and len(word) == 4:
            found &= Q(member__card_number__endswith=word)
        else:
            found &= Q(member__first_name__istartswith=word) | Q(
                member__last_name__istartswith=word
            )
    if not found:
        return []
    rows = event.registrations.filter(found, member__isnull=False)
    rows = rows.select_related("member__tier").prefetch_related("seats")
    return list(rows.order_by("member__first_name", "member__last_name", "pk")[:limit])
