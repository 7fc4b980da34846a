"""What every write of events begins and ends with: the event's lock, a checked move, a history row.

Locks in one order: the event first, then wallets in ascending id.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.core import outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import EventModerated
from apps.events import rules
from apps.events.enums import Work
from apps.events.models import (
    Event,
    EventChange,
    EventRegistration,
    RegistrationChange,
    Timer,
)


class WrongState(Refused):
    code = "WRONG_STATE"
    message = _("This is not possible now: the event is in another state.")


class Stale(Refused):
    code = "STALE"
    message = _("Somebody has changed it meanwhile. Read it again; your text was not saved.")


class NotHost(Forbidden):
    message = _("Only the organiser of this event or an admin may do this.")


class ReasonNeeded(Invalid):
    field = "reason"
    message = _("Say why, in at least 10 characters: people will read it.")


def lock_event(event_id: UUID) -> Event:
    """The event with its lock until the transaction ends. Raises NotFound, RuntimeError."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A lock lives as long as its transaction: open one first.")
    found = Event.objects.select_for_update(no_key=True, of=("self",)).filter(pk=event_id).first()
    if found is None:
        raise NotFound
    return found


def move(
    event: Event, after: str, *, by: User | None, at: datetime, reason: str = "", **fields: Any
) -> None:
    """Another state, by one conditional update. Raises WrongState when it is not a legal move or
    somebody was faster."""
    before = event.state
    if not rules.may_move(before, after):
        raise WrongState
    won = Event.objects.filter(pk=event.pk, state=before).update(
        state=after, version=F("version") + 1, updated_at=at, **fields
    )
    if won != 1:
        raise WrongState
    event.refresh_from_db()
    note(event, before=before, by=by, at=at, reason=reason)


def note(
    event: Event,
    *,
    before: str,
    by: User | None,
    at: datetime,
    reason: str = "",
    snapshot: dict[str, Any] | None = None,
) -> None:
    EventChange.objects.create(
        event=event,
        before=before,
        after=event.state,
        by=by,
        at=at,
        reason=reason[:500],
        snapshot=snapshot or {},
    )


def step(
    registration: EventRegistration,
    after: str,
    *,
    at: datetime,
    by: User | None = None,
    reason: str = "",
    **fields: Any,
) -> None:
    """Another state of a registration, by one conditional update on the state that was seen.
    Raises WrongState when it is not a legal step or somebody was faster."""
    before = registration.state
    if not rules.may_step(before, after):
        raise WrongState
    won = EventRegistration.objects.filter(pk=registration.pk, state=before).update(
        state=after, **fields
    )
    if won != 1:
        raise WrongState
    registration.state = after
    for name, value in fields.items():
        setattr(registration, name, value)
    trace(registration, before=before, by=by, at=at, reason=reason)


def trace(
    registration: EventRegistration,
    *,
    before: str,
    at: datetime,
    by: User | None = None,
    reason: str = "",
) -> None:
    RegistrationChange.objects.create(
        registration=registration,
        before=before,
        after=registration.state,
        by=by,
        reason=reason[:300],
        at=at,
    )


def set_timer(
    event: Event, work: Work, due_at: datetime, *, registration: EventRegistration | None = None
) -> None:
    """Work to be done then; the one that still waits is moved."""
    moved = Timer.objects.filter(
        event=event, registration=registration, work=work, done_at__isnull=True
    ).update(due_at=due_at)
    if not moved:
        Timer.objects.create(event=event, registration=registration, work=work, due_at=due_at)


def is_admin(user: User) -> bool:
    return bool(rights.held(job=user.job, tier=user.tier.code) & rights.ADMIN)


def may_host(user: User, event: Event) -> bool:
    """The organiser: who proposed it, who manages the host partner, an admin."""
    if is_admin(user) or event.creator_id == user.pk:
        return True
    return event.business is not None and user.has_perm(rights.MANAGE, event.business)


def may_check_in(user: User, event: Event) -> bool:
    """Organisers and the staff of the host partner stand at the door."""
    if may_host(user, event):
        return True
    return event.business is not None and user.has_perm(rights.SELL, event.business)


def needs_reason(text: str) -> str:
    """The reason, trimmed. Raises ReasonNeeded."""
    if len(text.strip()) < rights.REASON_LEAST:
        raise ReasonNeeded
    return text.strip()


def tell_author(event: Event, decision: str, *, at: datetime) -> None:
    """What became of her proposal; nobody is told when she was erased."""
    if event.creator_id:
        _tell(event, decision, [event.creator_id], at=at)


def tell_voters(event: Event, decision: str, *, at: datetime) -> None:
    """To everybody whose vote stands for it now."""
    yes = event.votes.filter(is_current=True, value=1, voter__isnull=False)
    _tell(event, decision, list(yes.values_list("voter", flat=True)), at=at)


def _tell(event: Event, decision: str, people: list[UUID], *, at: datetime) -> None:
    moment = at.isoformat()
    outbox.publish_many(
        [
            EventModerated(
                event_id=str(event.pk),
                member_id=str(person),
                decision=decision,
                at=moment,
                title=event.title,
            )
            for person in people
        ]
    )
