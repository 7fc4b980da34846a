"""The waiting list: whoever frees a seat promotes the next in the same transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from apps.core import outbox
from apps.core.facts import EventSeatGiven, EventSeatOffered
from apps.events import rules
from apps.events.enums import Place, State, Work
from apps.events.models import Event, EventRegistration, Penalty, Timer
from apps.events.services.books import set_timer, step
from apps.events.services.money import lock_payers, pay
from apps.events.services.seats import free_seats, give_up_seats, take_seats
from apps.loyalty.services import InsufficientBonus

LINE = ("band", "turn", "id")


def points_of(member_id: UUID | None, *, at: datetime) -> int:
    """Penalty points that count today."""
    live = Penalty.objects.filter(member=member_id, removed_at__isnull=True, lapses_at__gt=at)
    return int(live.aggregate(points=Coalesce(Sum("points"), 0))["points"])


def line_of(event: Event, *, at: datetime) -> list[EventRegistration]:
    """Who waits, in order, with `points` on each row. Blocked and erased people do not wait."""
    live = Q(member__isnull=False, member__blocked_at__isnull=True)
    waiting = (
        event.registrations.filter(live, state=Place.WAITLISTED)
        .select_related("member")
        .order_by(*LINE)
    )
    rows = list(waiting)
    counted = Penalty.objects.filter(
        member__in=[row.member_id for row in rows], removed_at__isnull=True, lapses_at__gt=at
    )
    points = dict(counted.values_list("member").annotate(Sum("points")))
    for row in rows:
        row.points = points.get(row.member_id, 0)  # type: ignore[attr-defined]
    return rows


def lock_everybody(event: Event, *members: UUID | None) -> None:
    """The wallets of these and of all who may be confirmed by themselves."""
    if event.price > 0:
        eager = event.registrations.filter(state=Place.WAITLISTED, auto_accept=True)
        lock_payers(event, {*members, *eager.values_list("member", flat=True)})


def promote(event: Event, *, at: datetime) -> int:
    """Offer free seats along the line; how many got one. The caller holds the event's lock and
    has called `lock_everybody`.

    Nobody is promoted after the cut-off. People with three points or more are asked last, and
    only in the last 24 hours. A pair waits for two seats unless she would come alone; a single
    behind goes on.
    """
    if event.state != State.PUBLISHED or at >= event.times.closes_at:
        return 0
    free = free_seats(event)
    if free == 0:
        return 0
    given = 0
    for registration in _in_order(event, at=at):
        if free == 0:
            break
        if registration.seats_wanted > free:
            if not registration.alone_too:
                continue
            registration.guests = 0
            EventRegistration.objects.filter(pk=registration.pk).update(guests=0)
        if _give(event, registration, at=at):
            free -= registration.seats_wanted
            given += 1
    return given


def _in_order(event: Event, *, at: datetime) -> list[EventRegistration]:
    line = line_of(event, at=at)
    good = [row for row in line if not rules.standing(row.points).waitlist_only]  # type: ignore[attr-defined]
    if event.times.starts_at - at > timedelta(hours=rules.LAST_CHANCE_HOURS):
        return good
    return good + [row for row in line if row not in good]


def _give(event: Event, registration: EventRegistration, *, at: datetime) -> bool:
    if registration.auto_accept and confirm_by_itself(event, registration, at=at):
        return True
    if event.times.starts_at - at <= timedelta(hours=rules.AUTO_ACCEPT_HOURS):
        return False  # too late for questions: only who said yes before
    return _offer(event, registration, at=at)


def confirm_by_itself(event: Event, registration: EventRegistration, *, at: datetime) -> bool:
    """Straight to a seat for who ticked it, when her bonuses suffice."""
    try:
        with transaction.atomic():
            seat_and_charge(event, registration, at=at, reason="auto")
    except InsufficientBonus:
        return False
    fact = EventSeatGiven(
        event_id=str(event.pk),
        registration_id=str(registration.pk),
        member_id=str(registration.member_id),
        at=at.isoformat(),
        title=event.title,
    )
    outbox.publish(fact)
    return True


def seat_and_charge(
    event: Event, registration: EventRegistration, *, at: datetime, reason: str = ""
) -> None:
    """Into `confirmed`: seats (an offer has them already), bonuses, a new ticket.
    Raises InsufficientBonus, SeatsGone, WrongState."""
    before = registration.state
    if before != Place.OFFERED:
        take_seats(event, registration)
    fields = pay(event, registration, at=at)
    step(
        registration,
        Place.CONFIRMED,
        at=at,
        reason=reason,
        seated_at=at,
        offer_until=None,
        ticket=registration.ticket + 1,
        **fields,
    )


def _offer(event: Event, registration: EventRegistration, *, at: datetime) -> bool:
    until = rules.offer_deadline(
        now=at,
        starts_at=event.times.starts_at,
        closes_at=event.times.closes_at,
        zone=event.zone,
    )
    if until <= at or not take_seats(event, registration):
        return False
    step(registration, Place.OFFERED, at=at, offer_until=until)
    set_timer(event, Work.OFFER_ENDS, until, registration=registration)
    fact = EventSeatOffered(
        event_id=str(event.pk),
        registration_id=str(registration.pk),
        member_id=str(registration.member_id),
        until=until.isoformat(),
        at=at.isoformat(),
        title=event.title,
    )
    outbox.publish(fact)
    return True


def expire_offers(event: Event, *, at: datetime) -> int:
    """Offers past their deadline end; whoever holds the event's lock may do it."""
    late = list(event.registrations.filter(state=Place.OFFERED, offer_until__lte=at))
    for registration in late:
        step(registration, Place.OFFER_EXPIRED, at=at, ended_at=at)
    give_up_seats(row.pk for row in late)
    Timer.objects.filter(registration__in=late, done_at__isnull=True).update(done_at=at)
    return len(late)
