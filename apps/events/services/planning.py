"""What organisers and admins do with an event: plan, publish, change, cancel."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.facts import EventCancelled, EventChanged
from apps.events import rules
from apps.events.enums import ACTIVE, Place, State, Work
from apps.events.models import Event, EventRegistration, Seat, Timer
from apps.events.services import waitlist
from apps.events.services.books import (
    NotHost,
    Stale,
    is_admin,
    lock_event,
    may_host,
    move,
    needs_reason,
    note,
    set_timer,
    step,
    tell_author,
)
from apps.events.services.money import console, lock_payers, pay_back
from apps.events.services.seats import give_up_seats, make_seats

PLAN = (
    "title",
    "description",
    "city",
    "business",
    "zone",
    "starts_at",
    "ends_at",
    "place",
    "address",
    "opens_at",
    "closes_at",
    "capacity",
    "guests_allowed",
    "price",
    "free_cancel_hours",
    "late_return_percent",
    "attendance_bonus",
    "deposit",
    "question",
    "contact",
    "notes",
)
NOTHING = Decimal(0)
FELT = ("starts_at", "ends_at", "place", "address", "zone")  # what registrants must be told
FIXED = ("price", "deposit", "late_return_percent", "business")  # promised to those who registered


class NotReady(Invalid):
    field = "state"
    message = _("Not everything is filled in yet: %(missing)s.")


class TermsFixed(Refused):
    code = "WRONG_STATE"
    message = _("People have registered on these terms: price and returns stay as they are.")


class CapacityTooLow(Refused):
    code = "WRONG_STATE"
    message = _(
        "%(held)s seats are taken. Choose «as people leave», or a number that is not smaller."
    )


class AlreadyOver(Refused):
    code = "WRONG_STATE"
    message = _("The event is over: it can no longer be changed.")


class NotBegun(Refused):
    code = "WRONG_STATE"
    message = _("The event has not begun yet.")


def checklist(event: Event) -> list[tuple[str, bool]]:
    """What must be there before going live: (what, is it)."""
    starts, ends = event.starts_at, event.ends_at
    opens, closes = event.opens_at, event.closes_at
    return [
        ("title", bool(event.title and event.description)),
        ("times", bool(starts and ends and starts < ends and event.zone)),
        ("registration", bool(opens and closes and starts and opens < closes <= starts)),
        ("capacity", event.capacity >= 1),
        ("place", bool(event.place and event.address)),
        ("contact", bool(event.contact)),
        ("notes", bool(event.notes)),
    ]


@transaction.atomic
def schedule_event(*, event: Event, plan: dict[str, Any], by: User, at: datetime) -> Event:
    """The curator takes a supported proposal on: it gets its date, place and terms.

    Raises WrongState.
    """
    event = lock_event(event.pk)
    move(event, State.SCHEDULED, by=by, at=at, **_planned(plan))
    audit.record(by, "events.schedule", "event", event.pk)
    tell_author(event, "taken_on", at=at)
    return event


def _planned(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plan.items() if name in PLAN}


@transaction.atomic
def publish_event(*, event: Event, by: User, at: datetime) -> Event:
    """Live: seats become rows, reminders and the end become timers.

    Raises WrongState, NotReady (with what is missing).
    """
    event = lock_event(event.pk)
    missing = [name for name, done in checklist(event) if not done]
    if missing:
        raise NotReady(missing=", ".join(missing))
    move(event, State.PUBLISHED, by=by, at=at, published_at=at)
    make_seats(event, upto=event.capacity)
    _set_timers(event, at=at)
    audit.record(by, "events.publish", "event", event.pk)
    return event


def _set_timers(event: Event, *, at: datetime) -> None:
    times = event.times
    due = {
        Work.COMPLETE: times.ends_at + timedelta(hours=rules.OVER_HOURS),
        Work.PROMOTE: times.starts_at - timedelta(hours=rules.LAST_CHANCE_HOURS),
        Work.REMIND_7D: times.starts_at - timedelta(days=7),
        Work.REMIND_24H: times.starts_at - timedelta(hours=24),
        Work.REMIND_3H: times.starts_at - timedelta(hours=3),
    }
    for work, moment in due.items():
        if moment > at or work == Work.COMPLETE:
            set_timer(event, work, moment)
        else:
            event.timers.filter(work=work, done_at__isnull=True).update(done_at=at)


@transaction.atomic
def change_event(
    *,
    event: Event,
    changes: dict[str, Any],
    by: User,
    at: datetime,
    version: int | None = None,
    reason: str = "",
) -> Event:
    """Edit a draft freely; a published event with a reason. Another time or place raises the
    calendar's SEQUENCE and tells every registrant, who may then leave without loss for 48 h.

    Raises NotFound, NotHost, Stale, AlreadyOver, TermsFixed, CapacityTooLow, ReasonNeeded.
    """
    event = lock_event(event.pk)
    _may_change(event, by, version, at=at)
    changes = {n: v for n, v in _planned(changes).items() if getattr(event, n) != v}
    live = event.state == State.PUBLISHED
    capacity = changes.pop("capacity", None) if live else None
    felt = live and bool(set(changes) & set(FELT))
    if felt:
        reason = needs_reason(reason)
    if live and set(changes) & set(FIXED) and event.registrations.exists():
        raise TermsFixed
    if changes:
        _write(event, changes, felt=felt, by=by, at=at, reason=reason)
    if felt:
        _set_timers(event, at=at)
        _tell_changed(event, at=at)
    if capacity is not None:
        set_capacity(event=event, capacity=capacity, by=by, at=at)
        event.refresh_from_db()
    return event


def _write(
    event: Event, changes: dict[str, Any], *, felt: bool, by: User, at: datetime, reason: str
) -> None:
    snapshot = {name: str(getattr(event, name)) for name in changes}
    Event.objects.filter(pk=event.pk).update(
        version=F("version") + 1,
        revision=F("revision") + (1 if felt else 0),
        felt_at=at if felt else event.felt_at,
        updated_at=at,
        **changes,
    )
    event.refresh_from_db()
    if "question" in changes:  # yes to one question is no yes to another
        event.registrations.update(answer=None, answered_at=None, answered_by=None)
    note(event, before=event.state, by=by, at=at, reason=reason, snapshot=snapshot)
    audit.record(by, "events.change", "event", event.pk, reason=reason)


def _may_change(event: Event, by: User, version: int | None, *, at: datetime) -> None:
    if not may_host(by, event):
        raise NotFound
    if event.state not in (State.DRAFT, State.SCHEDULED, State.PUBLISHED):
        raise AlreadyOver
    if event.state == State.SCHEDULED and not is_admin(by):
        raise NotHost
    if event.state == State.PUBLISHED and at >= event.times.ends_at:
        raise AlreadyOver
    if version is not None and version != event.version:
        raise Stale


def _tell_changed(event: Event, *, at: datetime) -> None:
    for registration in event.registrations.filter(state__in=ACTIVE, member__isnull=False):
        fact = EventChanged(
            event_id=str(event.pk),
            registration_id=str(registration.pk),
            member_id=str(registration.member_id),
            starts_at=event.times.starts_at.isoformat(),
            at=at.isoformat(),
            title=event.title,
        )
        outbox.publish(fact)


@transaction.atomic
def set_capacity(
    *, event: Event, capacity: int, by: User, at: datetime, as_people_leave: bool = False
) -> Event:
    """More seats are offered along the line at once. Fewer than are taken: refused, or with
    `as_people_leave` nobody is removed and nobody promoted until enough have left.

    Raises CapacityTooLow, NotFound.
    """
    event = lock_event(event.pk)
    if not may_host(by, event):
        raise NotFound
    waitlist.lock_everybody(event)
    own = event.seats.filter(over_limit=False)
    held = own.filter(registration__isnull=False).count()
    if capacity < held and not as_people_leave:
        raise CapacityTooLow(held=held)
    own.filter(registration__isnull=True).delete()
    # The highest numbers go first; who sits there keeps the seat until she leaves.
    keep = own.order_by("number").values_list("pk", flat=True)
    rows = list(keep)
    Seat.objects.filter(pk__in=rows[:capacity]).update(leaving=False)
    Seat.objects.filter(pk__in=rows[capacity:]).update(leaving=True)
    _fill(event, capacity - len(rows))
    Event.objects.filter(pk=event.pk).update(
        capacity=capacity, version=F("version") + 1, updated_at=at
    )
    event.refresh_from_db()
    note(event, before=event.state, by=by, at=at, reason=f"capacity {capacity}")
    audit.record(by, "events.capacity", "event", event.pk, changed={"capacity": capacity})
    waitlist.promote(event, at=at)
    return event


def _fill(event: Event, missing: int) -> None:
    """New free rows at the lowest numbers that nobody has."""
    used = set(event.seats.values_list("number", flat=True))
    number = 0
    while missing > 0:
        number += 1
        if number not in used:
            Seat.objects.create(event=event, number=number)
            missing -= 1


@transaction.atomic
def cancel_event(
    *, event: Event, by: User, reason: str, at: datetime, comfort: Decimal = NOTHING
) -> Event:
    """It does not take place: everybody is told, all bonuses come back, no points. `comfort`:
    bonuses from the host partner to each who had a seat; admins alone give them.

    Raises NotFound, NotHost, WrongState, ReasonNeeded.
    """
    event = lock_event(event.pk)
    if not may_host(by, event):
        raise NotFound
    if comfort > 0 and not is_admin(by):
        raise NotHost
    reason = needs_reason(reason)
    active = list(
        event.registrations.filter(state__in=ACTIVE).select_related("member").order_by("pk")
    )
    lock_payers(event, {row.member_id for row in active}, always=comfort > 0)
    seated = [row for row in active if row.state != Place.WAITLISTED]
    move(
        event,
        State.CANCELLED,
        by=by,
        at=at,
        reason=reason,
        ended_at=at,
        end_reason=reason,
        revision=F("revision") + 1,
    )
    for registration in active:
        _cancel_one(event, registration, reason=reason, at=at)
    if comfort > 0:
        console(event, seated, comfort, at=at)
    give_up_seats(row.pk for row in active)
    Timer.objects.filter(event=event, done_at__isnull=True).update(done_at=at)
    audit.record(by, "events.cancel", "event", event.pk, reason=reason)
    return event


def _cancel_one(
    event: Event, registration: EventRegistration, *, reason: str, at: datetime
) -> None:
    back = pay_back(registration, registration.paid, at=at)
    step(
        registration,
        Place.EVENT_CANCELLED,
        at=at,
        reason=reason,
        ended_at=at,
        returned=registration.returned + back,
    )
    if registration.member_id is None:
        return
    fact = EventCancelled(
        event_id=str(event.pk),
        registration_id=str(registration.pk),
        member_id=str(registration.member_id),
        reason=reason,
        at=at.isoformat(),
        title=event.title,
    )
    outbox.publish(fact)


@transaction.atomic
def complete_event(*, event: Event, by: User | None, at: datetime) -> Event:
    """Over: the day of grace begins, in which attendance may be mended. Who still waits is told
    nothing more. Raises WrongState."""
    event = lock_event(event.pk)
    if by is not None and not may_host(by, event):
        raise NotFound
    if at < event.times.starts_at:
        raise NotBegun
    move(event, State.COMPLETED, by=by, at=at, ended_at=at)
    waiting = list(event.registrations.filter(state__in=[Place.WAITLISTED, Place.OFFERED]))
    for registration in waiting:
        after = (
            Place.LEFT_WAITLIST if registration.state == Place.WAITLISTED else Place.OFFER_EXPIRED
        )
        step(registration, after, at=at, ended_at=at, reason="over")
    give_up_seats(row.pk for row in waiting)
    set_timer(event, Work.FINALISE, at + timedelta(hours=rules.GRACE_HOURS))
    return event
