"""What came of a batch, written down: attempts, states, dead addresses, the next channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.core.gateways.messages import Outcome, Parcel, Verdict
from apps.core.gateways.messages import Provider as Client
from apps.notifications import rules
from apps.notifications.bell import ring_after_commit
from apps.notifications.enums import Barrier, Channel, State, TryState
from apps.notifications.kinds import KINDS
from apps.notifications.models import Attempt, Device, Notification, Provider, Suppression
from apps.notifications.services import pace
from apps.notifications.services.admission import (
    Pass,
    address_index,
    is_advertising,
    waits_for_morning,
)

log = structlog.get_logger(__name__)

TRIED = {
    Outcome.ACCEPTED: TryState.SENT,
    Outcome.UNKNOWN: TryState.UNKNOWN,
    Outcome.LATER: TryState.REFUSED,
    Outcome.NO_ADDRESS: TryState.REFUSED,
    Outcome.REFUSED: TryState.REFUSED,
    Outcome.STOP: TryState.REFUSED,
}
MOST_AT_ONCE = 500
ADVERTS = [code for code, kind in KINDS.items() if kind.is_advertising]


@dataclass(frozen=True)
class Load:
    """A message on its way: its leave and its parcel."""

    message: Notification
    leave: Pass
    parcel: Parcel


# --- before it leaves ------------------------------------------------------------------------
def without_stale(taken: list[Notification], *, at: datetime) -> list[Notification]:
    """Those worth sending now: out-of-date ones end, quiet ones wait for the morning."""
    going = []
    for one in taken:
        morning = waits_for_morning(one, at=at)
        if one.member.erased_at:
            _end(one, State.CANCELLED)
        elif one.expires_at <= at:
            _end(one, State.EXPIRED, trouble=one.trouble)
        elif morning:
            hold_until = max(one.expires_at, morning + timedelta(hours=1))
            _wait(one, until=morning, tries=one.tries - 1, expires_at=hold_until, trying_since=None)
        else:
            going.append(one)
    return going


@transaction.atomic
def bar(
    decided: Sequence[tuple[Notification, Pass | Barrier]], *, channel: Channel, at: datetime
) -> None:
    """Note what did not let them out, and pass them on to the next channel."""
    barred = [(one, why) for one, why in decided if isinstance(why, Barrier)]
    Attempt.objects.bulk_create(
        Attempt(
            notification=one, channel=channel, state=TryState.BARRED, code=why, at=at, moved_at=at
        )
        for one, why in barred
    )
    pass_on([one for one, _why in barred], at=at, otherwise=State.SKIPPED)


def put_back(taken: Sequence[Notification], *, at: datetime) -> None:
    """It was not their turn: nothing was tried."""
    for one in taken:
        _wait(one, until=at, tries=one.tries - 1)


# --- after it left ---------------------------------------------------------------------------
@transaction.atomic
def settle(
    loads: Sequence[Load],
    verdicts: Sequence[Verdict],
    *,
    client: Client,
    row: Provider,
    channel: Channel,
) -> None:
    at = timezone.now()
    pairs = list(zip(loads, verdicts, strict=True))
    Attempt.objects.bulk_create(
        _attempt(load, verdict, client=client, price=row.price, channel=channel, at=at)
        for load, verdict in pairs
    )
    _accepted([pair for pair in pairs if pair[1].outcome == Outcome.ACCEPTED], price=row.price)
    for load, verdict in pairs:
        _forget_dead(load, verdict, channel=channel, at=at)
        if verdict.outcome != Outcome.ACCEPTED:
            _not_accepted(load.message, verdict, client=client, row=row, at=at)
    _note_health(row, [verdict for _load, verdict in pairs], at=at)


def _attempt(
    load: Load, verdict: Verdict, *, client: Client, price: int, channel: Channel, at: datetime
) -> Attempt:
    sent = verdict.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)
    return Attempt(
        id=UUID(load.parcel.attempt),
        notification=load.message,
        channel=channel,
        provider=client.name,
        state=TRIED[verdict.outcome],
        reference=verdict.reference,
        code=verdict.code[:40],
        consent_id=load.leave.consent_id,
        cost=price * verdict.parts if sent else 0,
        at=at,
        moved_at=at,
    )


def _accepted(pairs: Sequence[tuple[Load, Verdict]], *, price: int) -> None:
    """In as few statements as there are different costs."""
    by_cost: dict[int, list[UUID]] = {}
    for load, verdict in pairs:
        cost = load.message.cost + price * verdict.parts
        by_cost.setdefault(cost, []).append(load.message.pk)
    for cost, ids in by_cost.items():
        Notification.objects.filter(pk__in=ids).update(state=State.SENT, cost=cost, trouble="")


def _forget_dead(load: Load, verdict: Verdict, *, channel: Channel, at: datetime) -> None:
    for token, device_id in zip(load.parcel.addresses, load.leave.devices, strict=False):
        if token in verdict.dead:
            Device.objects.filter(pk=device_id).delete()
    if verdict.outcome == Outcome.NO_ADDRESS and channel != Channel.PUSH:
        suppress(load.message, channel=channel, reason=verdict.code or "refused", at=at)


def suppress(message: Notification, *, channel: str, reason: str, at: datetime) -> None:
    """Never again to the address she has now on this channel."""
    index = address_index(message.member, channel)
    if index:
        Suppression.objects.get_or_create(
            channel=channel,
            address_index=index,
            defaults={"member": message.member, "reason": reason[:40], "at": at},
        )


def _not_accepted(
    one: Notification, verdict: Verdict, *, client: Client, row: Provider, at: datetime
) -> None:
    outcome = verdict.outcome
    if outcome == Outcome.UNKNOWN and client.repeatable:
        outcome = Outcome.LATER
    trouble = f"{client.name} {verdict.code}"
    if outcome == Outcome.UNKNOWN:
        _end(one, State.UNKNOWN, trouble=trouble, cost=one.cost + row.price * verdict.parts)
    elif outcome in (Outcome.LATER, Outcome.STOP):
        _again(one, trouble=trouble, retry_after=verdict.retry_after, at=at)
    else:
        pass_on([one], at=at, otherwise=State.FAILED, trouble=trouble)


def _again(one: Notification, *, trouble: str, retry_after: int | None, at: datetime) -> None:
    """The same channel later, or the next one when patience has ended."""
    if one.rest and is_impatient(one, at=at):
        pass_on([one], at=at, otherwise=State.FAILED, trouble=trouble)
        return
    pause = rules.back_off(one.tries)
    if retry_after:
        pause = max(pause, timedelta(seconds=retry_after))
    _wait(one, until=at + pause, trouble=trouble[:80])


def is_impatient(one: Notification, *, at: datetime) -> bool:
    """Whether its channel has been tried for long enough. Advertising has time to its end: a push
    that is down must not become a hundred thousand paid SMS."""
    kind = KINDS[one.kind]
    if is_advertising(one):
        return False
    since = one.trying_since or one.due_at
    return at - since >= timedelta(seconds=kind.patience)


def _note_health(row: Provider, verdicts: Sequence[Verdict], *, at: datetime) -> None:
    bad = {one.outcome: one for one in verdicts}
    if Outcome.STOP in bad:
        pace.stopped(row, code=bad[Outcome.STOP].code, at=at)
    elif (
        Outcome.LATER in bad
        and Outcome.ACCEPTED not in bad
        or Outcome.LATER in bad
        and bad[Outcome.LATER].retry_after
    ):
        later = bad[Outcome.LATER]
        pace.went_wrong(row, code=later.code, retry_after=later.retry_after, at=at)
    else:
        pace.went_well(row)


# --- from channel to channel -----------------------------------------------------------------
def pass_on(
    rows: Sequence[Notification], *, at: datetime, otherwise: str, trouble: str = ""
) -> None:
    """To the next channel at once; without one it ends as `otherwise`. `failed` is a dead letter."""
    for one in rows:
        next_, _comma, rest = one.rest.partition(",")
        if not next_:
            _end(one, otherwise, trouble=trouble)
            continue
        _wait(one, until=at, channel=next_, rest=rest, tries=0, trying_since=None, trouble=trouble)
    moved = [one.priority for one in rows if one.rest]
    if moved:
        ring_after_commit(moved)


@transaction.atomic
def pass_all_on(channel: Channel, why: Barrier, *, at: datetime) -> bool:
    """The channel is switched off: what waits for it goes on, some at a time; whether any."""
    rows = _waiting(channel)[:MOST_AT_ONCE]
    found = list(rows)
    Attempt.objects.bulk_create(
        Attempt(notification=one, channel=channel, state=TryState.BARRED, code=why, at=at)
        for one in found
    )
    pass_on(found, at=at, otherwise=State.SKIPPED)
    return bool(found)


@transaction.atomic
def pass_impatient_on(channel: Channel, *, at: datetime) -> bool:
    """The provider rests: what cannot wait goes on to the next channel; whether any did."""
    waiting = _waiting(channel).filter(broadcast__isnull=True, due_at__lte=at).exclude(rest="")
    rows = waiting.exclude(kind__in=ADVERTS)[:MOST_AT_ONCE]
    hasty = [one for one in rows if is_impatient(one, at=at)]
    pass_on(hasty, at=at, otherwise=State.FAILED)
    return bool(hasty)


def _waiting(channel: Channel):  # type: ignore[no-untyped-def]
    rows = Notification.objects.filter(state=State.WAITING, channel=channel)
    locked = rows.select_for_update(skip_locked=True, of=("self",))
    return locked.select_related("broadcast").order_by("due_at", "pk")


def _wait(one: Notification, *, until: datetime, **changes: object) -> None:
    Notification.objects.filter(pk=one.pk).update(state=State.WAITING, due_at=until, **changes)


def _end(one: Notification, state: str, *, trouble: str = "", **changes: object) -> None:
    Notification.objects.filter(pk=one.pk).update(state=state, trouble=trouble[:80], **changes)
    if state == State.FAILED:
        log.warning("messages.given_up", kind=one.kind, id=str(one.pk), trouble=trouble)


def give_up(one: Notification, *, trouble: str) -> None:
    """A dead letter: something is wrong with the message itself."""
    _end(one, State.FAILED, trouble=trouble)
