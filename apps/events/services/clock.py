"""What the clock does: timers that are due, one transaction each."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import outbox
from apps.core.facts import EventReminder
from apps.events.enums import ACTIVE, Place, State, Work
from apps.events.models import (
    CalendarFeed,
    Event,
    EventRegistration,
    Feedback,
    Penalty,
    Scan,
    Timer,
    VoteRecord,
)
from apps.events.services import waitlist
from apps.events.services.books import lock_event, step
from apps.events.services.door import finalise_attendance
from apps.events.services.money import lock_payers, pay_back
from apps.events.services.planning import complete_event
from apps.events.services.proposals import end_voting
from apps.events.services.registering import leave
from apps.events.services.seats import give_up_seats

HOURS = {Work.REMIND_7D: 168, Work.REMIND_24H: 24, Work.REMIND_3H: 3}


def sweep(*, at: datetime, limit: int = 500) -> int:
    """Do what is due, oldest first; how many timers were done. Twice equals once."""
    due = Timer.objects.filter(done_at__isnull=True, due_at__lte=at).order_by("due_at", "pk")
    return sum(_run(pk, at=at) for pk in list(due.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _run(timer_id: int, *, at: datetime) -> int:
    timer = Timer.objects.select_related("event").filter(pk=timer_id).first()
    if timer is None:
        return 0
    event = lock_event(timer.event_id)
    # Under the event's lock: another sweep that was faster has marked it.
    won = Timer.objects.filter(pk=timer_id, done_at__isnull=True, due_at__lte=at).update(done_at=at)
    if won != 1:
        return 0
    _do(event, Work(timer.work), at=at)
    return 1


def _do(event: Event, work: Work, *, at: datetime) -> None:
    if work == Work.VOTING_ENDS:
        end_voting(event, at=at)
    elif work in (Work.OFFER_ENDS, Work.PROMOTE):
        waitlist.lock_everybody(event)
        waitlist.expire_offers(event, at=at)
        waitlist.promote(event, at=at)
    elif work == Work.COMPLETE:
        if event.state == State.PUBLISHED:
            complete_event(event=event, by=None, at=at)
    elif work == Work.FINALISE:
        finalise_attendance(event=event, at=at)
    else:
        remind(event, HOURS[work], at=at)


def remind(event: Event, hours: int, *, at: datetime) -> None:
    """One fact a person; who waits is told her place by the text of the message."""
    if event.state != State.PUBLISHED:
        return
    for registration in event.registrations.filter(state__in=ACTIVE, member__isnull=False):
        fact = EventReminder(
            event_id=str(event.pk),
            registration_id=str(registration.pk),
            member_id=str(registration.member_id),
            starts_at=event.times.starts_at.isoformat(),
            hours_left=hours,
            at=at.isoformat(),
            title=event.title,
        )
        outbox.publish(fact)


def forget_member(*, member_id: UUID, at: datetime) -> None:
    """She is erased: her places go to the next, her votes stay as weights without a name, her
    feedback loses its words."""
    _give_up_places(member_id, reason="erased", at=at)
    with transaction.atomic():
        hers = list(
            EventRegistration.objects.filter(member_id=member_id).values_list("pk", flat=True)
        )
        EventRegistration.objects.filter(pk__in=hers).update(member=None)
        Event.objects.filter(creator_id=member_id).update(creator=None)
        VoteRecord.objects.filter(voter_id=member_id).update(voter=None)
        Feedback.objects.filter(registration__in=hers).update(
            comment="", answer="", answered_at=None
        )
        Feedback.objects.filter(answered_by_id=member_id).update(answered_by=None)
        Scan.objects.filter(by_id=member_id).update(by=None)
        EventRegistration.objects.filter(answered_by=member_id).update(answered_by=None)
        Penalty.objects.filter(member_id=member_id).delete()
        CalendarFeed.objects.filter(member_id=member_id).delete()


def shut_out_member(*, member_id: UUID, at: datetime) -> None:
    """She is blocked: her seats and her places in line go to the next, with all bonuses back and
    no points. Whoever was let in again meanwhile keeps them. Her votes stay as they were cast, and
    so does what became of her at events that are over."""
    if User.objects.filter(pk=member_id, blocked_at__isnull=False).exists():
        _give_up_places(member_id, reason="suspended", at=at, event__state=State.PUBLISHED)


def _give_up_places(member_id: UUID, *, reason: str, at: datetime, **where: str) -> None:
    """Event by event, each in its own transaction where the caller has none."""
    rows = EventRegistration.objects.filter(member_id=member_id, state__in=ACTIVE, **where)
    for event_id in list(rows.order_by("event_id").values_list("event_id", flat=True)):
        _give_up_place(event_id, member_id, reason=reason, at=at)


@transaction.atomic
def _give_up_place(event_id: UUID, member_id: UUID, *, reason: str, at: datetime) -> None:
    event = lock_event(event_id)
    registration = event.registrations.filter(member_id=member_id, state__in=ACTIVE).first()
    if registration is None or registration.state == Place.ATTENDED:
        return
    waitlist.lock_everybody(event, member_id)
    lock_payers(event, {member_id})
    back = pay_back(registration, registration.paid, at=at)
    step(
        registration,
        Place.REMOVED,
        at=at,
        reason=reason,
        ended_at=at,
        returned=registration.returned + back,
    )
    if event.state == State.PUBLISHED:
        leave(event, registration, reason=reason, at=at)
    else:  # over, and attendance is not final yet: nobody is asked any more
        give_up_seats([registration.pk])
