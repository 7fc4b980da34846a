"""Coming, waiting, answering an offer, leaving."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.facts import EventLeft, EventRegistered
from apps.events import rules
from apps.events.enums import ACTIVE, Kind, Phase, Place, State
from apps.events.models import Event, EventRegistration, Penalty, Timer
from apps.events.services import waitlist
from apps.events.services.books import (
    WrongState,
    lock_event,
    needs_reason,
    step,
    trace,
)
from apps.events.services.money import pay, pay_back
from apps.events.services.seats import add_extra_seat, free_seats, give_up_seats, take_seats


class NotOpenYet(Refused):
    code = "WRONG_STATE"
    message = _("Registration opens later: %(opens)s.")


class RegistrationClosed(Refused):
    code = "WRONG_STATE"
    message = _("Registration is closed.")


class SecondTry(Refused):
    code = "WRONG_STATE"
    message = _("After a late cancelling there is no second registration for this event.")


class TwiceLapsed(Refused):
    code = "WRONG_STATE"
    message = _("Two offers of this event lapsed already: the waiting ends.")


class NoGuests(Invalid):
    field = "guests"
    message = _("Guests cannot be brought to this event.")


class OfferGone(Refused):
    code = "WRONG_STATE"
    message = _("The offer has lapsed. You may join the waiting list again.")


class NothingOffered(Refused):
    code = "WRONG_STATE"
    message = _("There is no offered seat to answer.")


class OutcomeChanged(Refused):
    message = _("The conditions have changed. Look at them again before cancelling.")


@dataclass(frozen=True)
class Wish:
    """How she wants to come: with a guest, alone too, confirmed by itself when a seat is free; and
    her answer to the event's question."""

    guests: int = 0
    alone_too: bool = False
    auto_accept: bool = False
    answer: bool | None = None


@transaction.atomic
def register_for_event(
    user: User, event: Event, *, at: datetime | None = None, wish: Wish | None = None
) -> EventRegistration:
    """A confirmed seat, paid at once, or a place in the line. A second tap answers the same.

    Raises NotFound, NotOpenYet, RegistrationClosed, SecondTry, TwiceLapsed, NoGuests,
    InsufficientBonus (no registration is made).
    """
    wish, at = wish or Wish(), at or timezone.now()
    event = lock_event(event.pk)
    if event.state not in (State.PUBLISHED, State.COMPLETED, State.CANCELLED):
        raise NotFound
    mine = event.registrations.filter(member=user)
    active = mine.filter(state__in=ACTIVE).first()
    if active:
        return active
    if event.state != State.PUBLISHED:
        raise RegistrationClosed
    if wish.guests and not event.guests_allowed:
        raise NoGuests
    _may_try_again(event, user)
    waitlist.lock_everybody(event, user.pk)
    waitlist.expire_offers(event, at=at)
    waitlist.promote(event, at=at)
    standing = rules.standing(waitlist.points_of(user.pk, at=at))
    supporter = is_supporter(event, user)
    _is_open(event, standing, supporter, at=at)
    registration = EventRegistration(
        event=event,
        member=user,
        guests=wish.guests,
        alone_too=wish.alone_too,
        auto_accept=wish.auto_accept,
        band=0 if supporter else 1,
        joined_at=at,
    )
    if event.question and wish.answer is not None:
        registration.answer, registration.answered_at = wish.answer, at
        registration.answered_by = user
    return _place(event, registration, standing, at=at)


def _place(
    event: Event, registration: EventRegistration, standing: rules.Standing, *, at: datetime
) -> EventRegistration:
    """A seat when one is free and nobody waits ahead, else the line."""
    waiting = event.registrations.filter(state=Place.WAITLISTED).exists()
    registration.state = Place.WAITLISTED
    seated = not waiting and not standing.waitlist_only
    if seated and free_seats(event) >= registration.seats_wanted:
        registration.state, registration.seated_at = Place.CONFIRMED, at
        registration.ticket = 1
    registration.save(force_insert=True)
    if registration.state == Place.CONFIRMED:
        take_seats(event, registration)
        paid = pay(event, registration, at=at)
        if paid:
            EventRegistration.objects.filter(pk=registration.pk).update(**paid)
            registration.refresh_from_db()
    trace(registration, before="", by=registration.member, at=at)
    fact = EventRegistered(
        event_id=str(event.pk),
        registration_id=str(registration.pk),
        member_id=str(registration.member_id),
        state=registration.state,
        starts_at=event.times.starts_at.isoformat(),
        at=at.isoformat(),
        title=event.title,
    )
    outbox.publish(fact)
    # A single may fit where the pair ahead of her does not; people with points come last.
    if registration.state == Place.WAITLISTED and waitlist.promote(event, at=at):
        registration.refresh_from_db()
    return registration


def _may_try_again(event: Event, user: User) -> None:
    ended = list(event.registrations.filter(member=user).values_list("state", flat=True))
    if Place.CANCELLED_LATE in ended:
        raise SecondTry
    if ended.count(Place.OFFER_EXPIRED) >= 2:
        raise TwiceLapsed


def is_supporter(event: Event, user: User) -> bool:
    """She voted for the proposal that this event was: a day earlier, and ahead in the line."""
    if event.kind != Kind.PROPOSAL:
        return False
    return event.votes.filter(voter=user, value=1, is_current=True).exists()


def _is_open(event: Event, standing: rules.Standing, supporter: bool, *, at: datetime) -> None:
    phase = rules.phase_of(event.times, free=1, waiting=0, now=at)
    if phase in (Phase.CLOSED, Phase.LIVE, Phase.OVER):
        raise RegistrationClosed
    opens = event.times.opens_at
    if supporter and event.times.early_from:
        opens = event.times.early_from
    opens += standing.delay
    if at < opens:
        raise NotOpenYet(opens=opens.isoformat())


@transaction.atomic
def answer_offer(*, user: User, event: Event, accept: bool, at: datetime) -> EventRegistration:
    """Take the offered seat (paid now) or leave it to the next. The same answer again is fine.

    Raises NothingOffered, OfferGone, InsufficientBonus (the offer stands until its deadline).
    """
    event = lock_event(event.pk)
    mine = event.registrations.filter(member=user).order_by("-joined_at", "-id")
    registration = mine.filter(state__in=ACTIVE).first() or mine.first()
    if registration is None:
        raise NothingOffered
    done = Place.CONFIRMED if accept else Place.OFFER_DECLINED
    if registration.state == done:
        return registration
    if registration.state == Place.OFFER_EXPIRED:
        raise OfferGone
    if registration.state != Place.OFFERED or registration.offer_until is None:
        raise NothingOffered
    if at >= registration.offer_until:
        raise OfferGone
    waitlist.lock_everybody(event, user.pk)
    if accept:
        waitlist.seat_and_charge(event, registration, at=at, reason="accepted")
    else:
        step(registration, Place.OFFER_DECLINED, by=user, at=at, ended_at=at)
        give_up_seats([registration.pk])
        waitlist.promote(event, at=at)
    Timer.objects.filter(registration=registration, done_at__isnull=True).update(done_at=at)
    return registration


@transaction.atomic
def cancel_registration(
    *, user: User, event: Event, at: datetime, expected: str | None = None
) -> EventRegistration:
    """She does not come: the consequences are those of the preview, the seat goes to the next.

    `expected` is the outcome that the preview promised. Raises NotFound, OutcomeChanged,
    WrongState (it has begun). Cancelling twice answers the first.
    """
    event = lock_event(event.pk)
    mine = event.registrations.filter(member=user).order_by("-joined_at", "-id")
    registration = mine.filter(state__in=ACTIVE).first()
    if registration is None:
        last = mine.first()
        if last is None:
            raise NotFound
        return last
    if registration.state == Place.ATTENDED:
        raise WrongState
    if registration.state == Place.CONFIRMED and at >= event.times.starts_at:
        raise WrongState
    preview = preview_of(event, registration, at=at)
    if expected and expected != preview.outcome:
        raise OutcomeChanged(expected=expected, outcome=preview.outcome)
    waitlist.lock_everybody(event, user.pk)
    back = pay_back(registration, preview.returned, at=at)
    step(
        registration,
        preview.outcome,
        by=user,
        at=at,
        ended_at=at,
        returned=registration.returned + back,
    )
    if preview.points:
        penalise(registration, preview.points, at=at)
    leave(event, registration, reason=preview.outcome, at=at)
    return registration


def preview_of(
    event: Event, registration: EventRegistration, *, at: datetime
) -> rules.CancelPreview:
    """What cancelling now would do."""
    return rules.cancel_preview(
        state=registration.state,
        paid=registration.paid - registration.returned,
        late_return_percent=event.late_return_percent,
        free_until=event.free_until,
        now=at,
    )


def leave(event: Event, registration: EventRegistration, *, reason: str, at: datetime) -> None:
    """Her seats are free, her timers over, the next are asked."""
    give_up_seats([registration.pk])
    Timer.objects.filter(registration=registration, done_at__isnull=True).update(done_at=at)
    fact = EventLeft(
        event_id=str(event.pk),
        registration_id=str(registration.pk),
        member_id=str(registration.member_id),
        reason=reason,
        at=at.isoformat(),
        title=event.title,
    )
    outbox.publish(fact)
    waitlist.promote(event, at=at)


def penalise(registration: EventRegistration, points: int, *, at: datetime) -> None:
    """Points for 60 days; one event causes two at most."""
    given = sum(row.points for row in registration.penalties.filter(removed_at__isnull=True))
    points = min(points, rules.MOST_POINTS_OF_EVENT - given)
    if points > 0 and registration.member_id:
        Penalty.objects.create(
            registration=registration,
            member_id=registration.member_id,
            points=points,
            cause=registration.state,
            given_at=at,
            lapses_at=at + timedelta(days=rules.POINTS_LAPSE_DAYS),
        )


@transaction.atomic
def remove_registration(
    *, registration: EventRegistration, by: User | None, reason: str, at: datetime
) -> EventRegistration:
    """The organiser takes somebody off the list: all bonuses back, no points, the reason is shown
    to her. Raises WrongState, ReasonNeeded."""
    event = lock_event(registration.event_id)
    registration = EventRegistration.objects.select_related("member").get(pk=registration.pk)
    reason = needs_reason(reason)
    waitlist.lock_everybody(event, registration.member_id)
    back = pay_back(registration, registration.paid, at=at)
    step(
        registration,
        Place.REMOVED,
        by=by,
        at=at,
        reason=reason,
        ended_at=at,
        returned=registration.returned + back,
    )
    EventRegistration.objects.filter(pk=registration.pk).update(reason=reason)
    if by:
        audit.record(by, "events.remove_guest", "registration", registration.pk, reason=reason)
    leave(event, registration, reason="removed", at=at)
    return registration


@transaction.atomic
def seat_by_hand(
    *, event: Event, member: User, by: User, reason: str, at: datetime, over_limit: bool = False
) -> EventRegistration:
    """An admin seats somebody, also from the middle of the line, above the capacity only when she
    says so. Nothing is charged.

    Raises WrongState, ReasonNeeded, SeatsGone.
    """
    event = lock_event(event.pk)
    reason = needs_reason(reason)
    if event.state != State.PUBLISHED:
        raise WrongState
    active = event.registrations.filter(member=member, state__in=ACTIVE).first()
    if active and active.state != Place.WAITLISTED:
        return active
    registration = active or EventRegistration(event=event, member=member, joined_at=at)
    if not over_limit and free_seats(event) < registration.seats_wanted:
        raise WrongState
    if active:
        turn = active.ticket + 1
        step(active, Place.CONFIRMED, by=by, at=at, reason=reason, seated_at=at, ticket=turn)
        EventRegistration.objects.filter(pk=active.pk).update(reason=reason)
    else:
        registration.state, registration.seated_at = Place.CONFIRMED, at
        registration.ticket, registration.reason = 1, reason
        registration.save(force_insert=True)
        trace(registration, before="", by=by, at=at, reason=reason)
    if over_limit:
        add_extra_seat(event, registration)
    else:
        take_seats(event, registration)
    audit.record(by, "events.seat_by_hand", "registration", registration.pk, reason=reason)
    return registration
