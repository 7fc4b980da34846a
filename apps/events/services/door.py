"""Check-in. A scan is a row; the server never rejects what physically happened."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import CheckedIn, EventEntriesDoubtful
from apps.events import rules
from apps.events.enums import Place, Scanned, State
from apps.events.models import Event, EventRegistration, Scan
from apps.events.services import tickets
from apps.events.services.answers import is_unanswered, write_answer
from apps.events.services.books import (
    WrongState,
    lock_event,
    may_check_in,
    may_host,
    needs_reason,
    step,
)
from apps.events.services.money import acceptor, hold_again, lock_payers, pay_back
from apps.events.services.registering import penalise
from apps.events.services.seats import give_up_seats, sit_again
from apps.loyalty.services import grant_bonus, take_back_grant


class NotAtDoor(Forbidden):
    message = _("Guests are checked in by the organiser or the host partner's staff.")


class TooLateToAnnul(Refused):
    code = "WRONG_STATE"
    message = _("A scan can be annulled for 15 minutes. Later the organiser mends the attendance.")


class IdentityUnchecked(Invalid):
    field = "identityChecked"
    message = _("Look at a document first, then tick «identity checked».")


@dataclass(frozen=True)
class Shown:
    """What a device sends: its own nonce and time, the code or a registration found by name (with
    her identity checked), and her answer to the event's question when she was asked there."""

    nonce: str
    at: datetime
    code: str = ""
    registration_id: UUID | None = None
    offline: bool = False
    device: str = ""
    reason: str = ""
    identity_checked: bool = False
    answer: bool | None = None

    @property
    def is_doubtful(self) -> bool:
        """Found by name, and nobody looked at a document."""
        return not self.code and not self.identity_checked


@dataclass(frozen=True)
class Seen:
    """The answer to one scan. `first` is the accepted entry when this was a second one."""

    scan: Scan
    registration: EventRegistration | None
    first: Scan | None = None
    replayed: bool = False


@transaction.atomic
def check_in(
    *, event: Event, shown: list[Shown], by: User, at: datetime, sent_at: datetime | None = None
) -> list[Seen]:
    """Take scans in, oldest first; an answer for each in the order they were sent.

    The same nonce again answers the same. Offline entries are kept even when they would have been
    refused, and say so; the organiser hears of them. `sent_at` is the device's clock at this very
    call. Raises NotFound, NotAtDoor, IdentityUnchecked.
    """
    if any(one.is_doubtful and not one.offline for one in shown):
        raise IdentityUnchecked
    event = lock_event(event.pk)
    if not may_check_in(by, event):
        raise NotFound
    if event.state not in (State.PUBLISHED, State.COMPLETED, State.CANCELLED):
        raise WrongState
    read = {one.nonce: tickets.read(one.code) if one.code else None for one in shown}
    known = {ticket.registration_id for ticket in read.values() if ticket}
    known |= {one.registration_id for one in shown if one.registration_id}
    people = EventRegistration.objects.filter(pk__in=known).select_related("member")
    by_id = {row.pk: row for row in people}
    lock_payers(event, {row.member_id for row in by_id.values()})
    ahead = round((sent_at - at).total_seconds()) if sent_at else None
    answers: dict[str, Seen] = {}
    for one in sorted(shown, key=lambda each: each.at):
        if one.nonce not in answers:
            ticket = read[one.nonce]
            answers[one.nonce] = _one(event, one, ticket, by_id, by=by, at=at, ahead=ahead)
    _tell_doubtful(event, answers.values(), at=at)
    return [answers[one.nonce] for one in shown]


def _tell_doubtful(event: Event, seen: Iterable[Seen], *, at: datetime) -> None:
    """The organiser hears once of a batch: who would have been refused, who came in twice."""
    new = [one.scan for one in seen if not one.replayed]
    doubtful = sum(scan.would_refuse or scan.is_double for scan in new)
    if doubtful:
        fact = EventEntriesDoubtful(
            event_id=str(event.pk),
            member_id=str(event.creator_id) if event.creator_id else None,
            business_id=str(event.business_id) if event.business_id else None,
            scans=doubtful,
            at=at.isoformat(),
            title=event.title,
        )
        outbox.publish(fact)


def _one(
    event: Event,
    one: Shown,
    ticket: tickets.Ticket | None,
    people: dict[UUID, EventRegistration],
    *,
    by: User,
    at: datetime,
    ahead: int | None,
) -> Seen:
    stored = Scan.objects.filter(event=event, nonce=one.nonce).first()
    if stored:
        same = people.get(stored.registration_id) if stored.registration_id else None
        return Seen(stored, same, _first_of(same, but=stored), replayed=True)
    person_id = ticket.registration_id if ticket else one.registration_id
    registration = people.get(person_id) if person_id else None
    result = _result(event, one, ticket, registration, by=by)
    first = _first_of(registration)
    refused = result not in (Scanned.OK, Scanned.ALREADY)
    entered = result == Scanned.OK or _is_inside(one, registration, result, by=by)
    marks = {
        "would_refuse": entered and (refused or one.is_doubtful),
        "is_double": entered and first is not None and _is_double(one, first),
        "clock_offset": ahead,
    }
    if entered and first:
        # Two devices without a network: the earlier one is the entry, the other the second scan.
        if one.offline and one.at < first.device_at:
            Scan.objects.filter(pk=first.pk).update(result=Scanned.ALREADY)
            result = Scanned.OK
        else:
            result = Scanned.ALREADY
    elif entered:
        result = Scanned.OK
    scan = _store(event, one, registration, result, by=by, at=at, marks=marks)
    if entered and registration and one.answer is not None and is_unanswered(event, registration):
        write_answer(registration, one.answer, by=by, at=one.at)
    if result == Scanned.OK and registration and registration.state == Place.CONFIRMED:
        _came(event, registration, by=by, at=at)
    return Seen(scan, registration, first)


def _is_double(one: Shown, first: Scan) -> bool:
    """Both let the same ticket in without a network, and they are not one device."""
    return one.offline and first.was_offline and (one.device != first.device or not one.device)


def _store(
    event: Event,
    one: Shown,
    registration: EventRegistration | None,
    result: str,
    *,
    by: User,
    at: datetime,
    marks: dict[str, Any],
) -> Scan:
    return Scan.objects.create(
        event=event,
        registration=registration,
        nonce=one.nonce,
        code_hash=hashlib.sha256(one.code.encode()).hexdigest() if one.code else "",
        result=result,
        device=one.device[:60],
        device_at=one.at,
        server_at=at,
        by=by,
        manual=not one.code,
        was_offline=one.offline,
        reason=one.reason[:300],
        **marks,
    )


def _is_inside(
    one: Shown, registration: EventRegistration | None, result: str, *, by: User
) -> bool:
    """Without a network the device let a person of this event in: it happened. But nobody lets
    herself in."""
    kept = (Scanned.NEEDS_ANSWER, Scanned.NOT_CONFIRMED, Scanned.REVOKED, Scanned.WRONG_TIME)
    other = registration is not None and registration.member_id != by.pk
    return one.offline and other and result in kept


def _result(
    event: Event,
    one: Shown,
    ticket: tickets.Ticket | None,
    registration: EventRegistration | None,
    *,
    by: User,
) -> str:
    if one.code and ticket is None:
        return Scanned.INVALID
    if registration is None and ticket is None:
        return Scanned.UNKNOWN
    if event.pk not in {ticket and ticket.event_id, registration and registration.event_id}:
        return Scanned.WRONG_EVENT
    if registration is None:
        return Scanned.UNKNOWN
    if registration.member_id == by.pk:
        return Scanned.NOT_CONFIRMED  # nobody checks herself in
    return _result_here(event, one, ticket, registration)


def _result_here(
    event: Event, one: Shown, ticket: tickets.Ticket | None, registration: EventRegistration
) -> str:
    if ticket and ticket.turn != registration.ticket:
        return Scanned.REVOKED
    if registration.state not in (Place.CONFIRMED, Place.ATTENDED):
        waits = registration.state in (Place.WAITLISTED, Place.OFFERED)
        return Scanned.NOT_CONFIRMED if waits else Scanned.REVOKED
    since, until = tickets.window(event)
    if not since <= one.at <= until:
        return Scanned.WRONG_TIME
    asked = registration.state == Place.ATTENDED or one.answer is not None
    return Scanned.OK if asked or not is_unanswered(event, registration) else Scanned.NEEDS_ANSWER


def _first_of(registration: EventRegistration | None, *, but: Scan | None = None) -> Scan | None:
    if registration is None:
        return None
    entry = registration.scans.filter(result=Scanned.OK, annulled_at__isnull=True).first()
    return entry if entry and (but is None or entry.pk != but.pk) else None


def _came(event: Event, registration: EventRegistration, *, by: User | None, at: datetime) -> None:
    """She is here: a deposit is hers again, the bonus for coming waits until attendance is
    final."""
    fields: dict[str, Any] = _deposit_back(event, registration, at=at)
    if event.attendance_bonus > 0 and registration.member:
        visit = registration.changes.filter(after=Place.ATTENDED).count() + 1
        grant_bonus(
            member_id=registration.member.pk,
            business_id=acceptor(event).pk,
            parts=[(acceptor(event).pk, event.attendance_bonus)],
            scope="event.attend",
            key=f"{registration.pk}:{visit}",
            at=at,
            activates_at=event.final_at,
        )
        fields["bonus_of_visit"] = visit
    step(registration, Place.ATTENDED, by=by, at=at, **fields)
    if registration.member_id:
        fact = CheckedIn(
            event_id=str(event.pk),
            registration_id=str(registration.pk),
            member_id=str(registration.member_id),
            business_id=str(event.business_id) if event.business_id else None,
            at=at.isoformat(),
        )
        outbox.publish(fact)


def _deposit_back(event: Event, registration: EventRegistration, *, at: datetime) -> dict[str, Any]:
    """What is still kept of a deposit goes back; nothing of a price."""
    if not event.deposit:
        return {}
    back = pay_back(registration, registration.paid, at=at)
    return {"returned": registration.returned + back}


def _keep_deposit(registration: EventRegistration, *, at: datetime) -> dict[str, Any]:
    """She did not come: what is still set aside is the host's. Nothing beyond what was held."""
    if registration.hold_id is None:
        return {}
    back = pay_back(registration, Decimal(0), at=at)
    return {"returned": registration.returned + back}


def _take_bonus_back(registration: EventRegistration, *, at: datetime) -> None:
    if registration.bonus_of_visit:
        key = f"{registration.pk}:{registration.bonus_of_visit}"
        take_back_grant(scope="event.attend", key=key, keep=Decimal(0), back_key=key, at=at)


@transaction.atomic
def annul_scan(*, scan: Scan, by: User, reason: str, at: datetime) -> Scan:
    """A wrong scan, for 15 minutes: she is outside again and the bonus is gone.

    Raises NotFound, TooLateToAnnul, ReasonNeeded, WrongState.
    """
    event = lock_event(scan.event_id)
    if not may_check_in(by, event):
        raise NotFound
    reason = needs_reason(reason)
    if at > scan.server_at + timedelta(minutes=rules.ANNUL_MINUTES):
        raise TooLateToAnnul
    entry = {"result": Scanned.OK, "annulled_at__isnull": True}
    if Scan.objects.filter(pk=scan.pk, **entry).update(annulled_at=at, reason=reason[:300]) != 1:
        raise WrongState
    people = EventRegistration.objects.select_related("member")
    registration = people.filter(scans=scan).first()
    if registration and registration.state == Place.ATTENDED:
        lock_payers(event, {registration.member_id})
        _take_bonus_back(registration, at=at)
        fields = hold_again(event, registration, at=at)
        step(
            registration,
            Place.CONFIRMED,
            by=by,
            at=at,
            reason=reason,
            bonus_of_visit=None,
            **fields,
        )
    audit.record(by, "events.annul_scan", "scan", scan.pk, reason=reason)
    scan.refresh_from_db()
    return scan


@transaction.atomic
def correct_attendance(
    *, registration: EventRegistration, to: str, by: User, reason: str, at: datetime
) -> EventRegistration:
    """The organiser mends a mark, for 14 days: came, did not come, excused. Exactly the points and
    the bonus that the old mark caused are taken back.

    Raises NotFound, WrongState, ReasonNeeded.
    """
    event = lock_event(registration.event_id)
    registration = EventRegistration.objects.select_related("member").get(pk=registration.pk)
    if not may_host(by, event):
        raise NotFound
    reason = needs_reason(reason)
    if event.state != State.COMPLETED or at > event.times.ends_at + timedelta(
        days=rules.CORRECT_DAYS
    ):
        raise WrongState
    lock_payers(event, {registration.member_id})
    if registration.state == Place.ATTENDED:
        _take_bonus_back(registration, at=at)
    registration.penalties.filter(removed_at__isnull=True).update(removed_at=at)
    if to == Place.ATTENDED:
        if registration.state not in (Place.CONFIRMED, Place.ATTENDED):
            sit_again(event, registration)
        _came(event, registration, by=by, at=at)
    else:
        if to == Place.NO_SHOW:
            fields = _keep_deposit(registration, at=at)
        else:
            fields = _deposit_back(event, registration, at=at)
        step(registration, to, by=by, at=at, reason=reason, bonus_of_visit=None, **fields)
        give_up_seats([registration.pk])
    if to == Place.NO_SHOW:
        penalise(registration, rules.NO_SHOW_POINTS, at=at)
    audit.record(by, "events.attendance", "registration", registration.pk, reason=reason)
    return registration


@transaction.atomic
def finalise_attendance(*, event: Event, at: datetime) -> int:
    """After the day of grace: who was confirmed and never came gets her points and loses her
    deposit. How many."""
    event = lock_event(event.pk)
    if event.state != State.COMPLETED or event.finalised_at:
        return 0
    missing = list(event.registrations.filter(state=Place.CONFIRMED).order_by("pk"))
    lock_payers(event, {row.member_id for row in missing})
    for registration in missing:
        fields = _keep_deposit(registration, at=at)
        step(registration, Place.NO_SHOW, at=at, ended_at=at, **fields)
        penalise(registration, rules.NO_SHOW_POINTS, at=at)
    give_up_seats(row.pk for row in missing)
    Event.objects.filter(pk=event.pk).update(finalised_at=at)
    return len(missing)
