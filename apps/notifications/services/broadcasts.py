"""Broadcasts: counted first, above 1,000 people allowed by a second person, written out in slices."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit, bells
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.notifications import segments
from apps.notifications.bell import ring_after_commit
from apps.notifications.enums import BroadcastState, Purpose, State
from apps.notifications.kinds import KINDS
from apps.notifications.models import Broadcast, Notification
from apps.notifications.rules import SECOND_PERSON_ABOVE

SLICE = 1_000
LIVE = (BroadcastState.ASKED, BroadcastState.RUNNING)


class NobodyToTell(Invalid):
    field = "segment"
    message = _("Nobody is in this segment.")


class SecondPersonNeeded(Forbidden):
    message = _("Somebody else must allow this broadcast: whoever asked for it may not.")


class NotWaiting(Refused):
    code = "WRONG_STATE"
    message = _("The broadcast is not in this state any more.")


class SameText(Refused):
    message = _("The same text left less than an hour ago.")


@dataclass(frozen=True)
class Text:
    title_ru: str
    body_ru: str
    title_en: str = ""
    body_en: str = ""


@transaction.atomic
def ask_broadcast(
    *,
    name: str,
    text: Text,
    channels: Sequence[str],
    segment: dict[str, Any],
    purpose: str,
    by: User,
    at: datetime,
) -> Broadcast:
    """Begin a broadcast; above 1,000 people it waits for a second person. Raises NobodyToTell, and
    SameText for a repeat within an hour: two taps are one broadcast."""
    User.objects.select_for_update(of=("self",)).get(pk=by.pk)  # two taps stand in line here
    _refuse_repeat(text, at=at)
    people = segments.people(segment).count()
    if not people:
        raise NobodyToTell
    alone = people <= SECOND_PERSON_ABOVE
    broadcast = Broadcast.objects.create(
        name=name,
        purpose=purpose,
        channels=",".join(channels),
        segment=segment,
        **asdict(text),
        state=BroadcastState.RUNNING if alone else BroadcastState.ASKED,
        people=people,
        asked_by=by,
        created_at=at,
        started_at=at if alone else None,
    )
    audit.record(
        by, "notifications.broadcast", "broadcast", broadcast.pk, changed={"people": people}
    )
    if alone:
        _expand_soon(broadcast.pk)
    return broadcast


def _refuse_repeat(text: Text, *, at: datetime) -> None:
    same = Broadcast.objects.filter(title_ru=text.title_ru, body_ru=text.body_ru)
    recent = same.filter(created_at__gte=at - timedelta(hours=1))
    if recent.exclude(state=BroadcastState.CANCELLED).exists():
        raise SameText


@transaction.atomic
def approve_broadcast(*, broadcast_id: UUID, by: User, at: datetime) -> Broadcast:
    """The second person lets it go. Raises NotFound, NotWaiting, SecondPersonNeeded."""
    broadcast = _locked(broadcast_id)
    if broadcast.state != BroadcastState.ASKED:
        raise NotWaiting
    if broadcast.asked_by_id == by.pk:
        raise SecondPersonNeeded
    broadcast.state, broadcast.approved_by = BroadcastState.RUNNING, by
    broadcast.started_at = at
    broadcast.save(update_fields=["state", "approved_by", "started_at"])
    audit.record(by, "notifications.broadcast_approved", "broadcast", broadcast.pk)
    _expand_soon(broadcast.pk)
    return broadcast


@transaction.atomic
def cancel_broadcast(*, broadcast_id: UUID, by: User, at: datetime) -> Broadcast:
    """Stop it: what has not left does not leave. Raises NotFound, NotWaiting."""
    broadcast = _locked(broadcast_id)
    if broadcast.state not in LIVE:
        raise NotWaiting
    broadcast.state, broadcast.ended_at = BroadcastState.CANCELLED, at
    broadcast.save(update_fields=["state", "ended_at"])
    waiting = Notification.objects.filter(broadcast=broadcast, state=State.WAITING)
    waiting.update(state=State.CANCELLED)
    audit.record(by, "notifications.broadcast_cancelled", "broadcast", broadcast.pk)
    return broadcast


@transaction.atomic
def expand(*, broadcast_id: UUID, at: datetime) -> bool:
    """Write the messages of the next slice of people; whether there are more. Stands being run
    twice: the place it has come to and the messages commit together."""
    broadcast = _locked(broadcast_id)
    if broadcast.state != BroadcastState.RUNNING:
        return False
    people = segments.people(broadcast.segment).order_by("pk")
    if broadcast.made_for:
        people = people.filter(pk__gt=broadcast.made_for)
    ids = list(people.values_list("pk", flat=True)[:SLICE])
    Notification.objects.bulk_create(
        [_message(broadcast, member_id, at=at) for member_id in ids], ignore_conflicts=True
    )
    if len(ids) < SLICE:
        broadcast.state, broadcast.ended_at = BroadcastState.DONE, at
    if ids:
        broadcast.made_for = ids[-1]
        ring_after_commit([kind_of(broadcast).priority])
    broadcast.save(update_fields=["state", "ended_at", "made_for"])
    return len(ids) == SLICE


def kind_of(broadcast: Broadcast):  # type: ignore[no-untyped-def]
    """Advertising, or an announcement that everybody must know."""
    return KINDS["broadcast" if broadcast.purpose == Purpose.ADVERTISING else "announcement"]


def _message(broadcast: Broadcast, member_id: UUID, *, at: datetime) -> Notification:
    kind = kind_of(broadcast)
    first, _comma, rest = broadcast.channels.partition(",")
    return Notification(
        member_id=member_id,
        kind=kind.code,
        source=str(broadcast.pk),
        broadcast=broadcast,
        priority=kind.priority,
        state=State.WAITING,
        channel=first,
        rest=rest,
        due_at=at,
        expires_at=at + timedelta(seconds=kind.life),
        created_at=at,
    )


def _locked(broadcast_id: UUID) -> Broadcast:
    rows = Broadcast.objects.select_for_update(of=("self",)).filter(pk=broadcast_id)
    broadcast = rows.first()
    if broadcast is None:
        raise NotFound
    return broadcast


def _expand_soon(broadcast_id: UUID) -> None:
    name = "apps.notifications.tasks.expand_broadcast"
    bells.ring_after_commit(name, queue="medium", broadcast_id=str(broadcast_id))
