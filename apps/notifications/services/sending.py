"""Sending: take a batch, ask whether it may leave, hand it over outside of any transaction, write
down what came of it.

A row that was taken belongs to its worker for five minutes. What it never gave back was perhaps
sent: such messages go again only where the receiver can tell a repeat by its id.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from apps.core.gateways import messages
from apps.core.gateways.messages import Parcel
from apps.core.gateways.messages import Provider as Client
from apps.core.ids import new_id
from apps.notifications import mailing
from apps.notifications.enums import Barrier, Channel, Priority, State
from apps.notifications.models import Notification, Provider
from apps.notifications.rules import LEASE
from apps.notifications.services import admission, pace, settling
from apps.notifications.services.admission import Pass
from apps.notifications.services.leaving import stop_codes
from apps.notifications.words import Library


def deliver(*, priority: int, seconds: float) -> bool:
    """Send what is due at this priority, channel by channel, for so long at most; whether there
    is more."""
    until, more = time.monotonic() + seconds, True
    while more and time.monotonic() < until:
        more = False
        for channel in Channel:
            more = send_batch(priority=priority, channel=channel) or more
    return more


def send_batch(*, priority: int, channel: Channel) -> bool:
    """One batch of one channel; whether anything was done."""
    at, client = timezone.now(), messages.of_channel(channel)
    if client is None:
        return settling.pass_all_on(channel, Barrier.OFF, at=at)
    row = pace.row_of(client, channel)
    if not pace.is_open(row, at=at):
        return settling.pass_impatient_on(channel, at=at)
    taken = take(priority=priority, channel=channel, limit=client.batch, at=at)
    if taken:
        _send(taken, client, row, channel=channel, at=at)
    return bool(taken)


@transaction.atomic
def take(*, priority: int, channel: str, limit: int, at: datetime) -> list[Notification]:
    """The first due messages, ours until the lease ends."""
    due = Notification.objects.filter(
        state=State.WAITING, priority=priority, channel=channel, due_at__lte=at
    ).order_by("due_at", "pk")
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    ours = Notification.objects.filter(pk__in=ids)
    ours.update(
        state=State.SENDING,
        due_at=at + timedelta(seconds=LEASE),
        tries=F("tries") + 1,
        trying_since=Coalesce("trying_since", at),
    )
    return list(ours.select_related("member", "business", "broadcast").order_by("pk"))


def _send(
    taken: list[Notification], client: Client, row: Provider, *, channel: Channel, at: datetime
) -> None:
    fresh = settling.without_stale(taken, at=at)
    asked = admission.ask(fresh, channel)
    leave = {one.pk: asked.of(one) for one in fresh}
    settling.bar([(one, leave[one.pk]) for one in fresh], channel=channel, at=at)
    going = [one for one in fresh if isinstance(leave[one.pk], Pass)]
    if not going or not _turn(going, client, row):
        return
    loads = _loads(going, leave, channel=channel, at=at)
    verdicts = client.send([load.parcel for load in loads])
    settling.settle(loads, verdicts, client=client, row=row, channel=channel)


def _loads(
    going: Sequence[Notification],
    leave: Mapping[UUID, Pass | Barrier],
    *,
    channel: Channel,
    at: datetime,
) -> list[settling.Load]:
    """Parcels of a batch. One whose words cannot be made is a dead letter; the rest go."""
    words, loads = Library(), []
    adverts = [one.member_id for one in going if admission.is_advertising(one)]
    stops = stop_codes(adverts) if channel == Channel.SMS and adverts else {}
    for one in going:
        passed = leave[one.pk]
        try:
            if isinstance(passed, Pass):
                parcel = _parcel(one, passed, channel=channel, words=words, at=at)
                if one.member_id in stops and admission.is_advertising(one):
                    parcel = replace(parcel, text=_with_stop(one, parcel.text, stops))
                loads.append(settling.Load(one, passed, parcel))
        except Exception as failure:  # noqa: BLE001 - one bad row must not hold a thousand others
            settling.give_up(one, trouble=type(failure).__name__)
    return loads


def _with_stop(message: Notification, text: str, stops: Mapping[UUID, str]) -> str:
    """The law wants a way to say no in every advert (38-FZ art. 18)."""
    with translation.override(message.member.locale):
        return f"{text}\n{_('No more')}: {mailing.stop_url(stops[message.member_id])}"


def _turn(going: Sequence[Notification], client: Client, row: Provider) -> bool:
    """Wait for our turn before the provider; critical messages do not queue."""
    if going[0].priority == Priority.CRITICAL:
        return True
    wait = pace.take_turn(row.name, len(going))
    if wait is None:
        settling.put_back(going, at=timezone.now() + timedelta(seconds=1))
        return False
    if wait:
        time.sleep(wait)
    return True


def _parcel(
    message: Notification, leave: Pass, *, channel: Channel, words: Library, at: datetime
) -> Parcel:
    life = max(int((message.expires_at - at).total_seconds()), 60)
    attempt, urgent = str(new_id()), message.priority != Priority.MEDIUM
    if channel == Channel.PUSH:  # an id and a kind, no words
        return Parcel(
            id=str(message.pk), attempt=attempt, addresses=leave.addresses, kind=message.kind,
            urgent=urgent, life=life,
        )  # fmt: skip
    text = words.of(message, language=message.member.locale, outside=True)
    if channel == Channel.SMS:
        return Parcel(
            id=str(message.pk), attempt=attempt, addresses=leave.addresses, kind=message.kind,
            text=text.sms, urgent=urgent, life=life,
        )  # fmt: skip
    letter = mailing.letter(message, text, advert=admission.is_advertising(message))
    return Parcel(
        id=str(message.pk), attempt=attempt, addresses=leave.addresses, kind=message.kind,
        title=letter.subject, body=letter.plain, html=letter.html, headers=letter.headers,
        urgent=urgent, life=life,
    )  # fmt: skip
