"""May this leave now, and where to? Asked for a whole batch, right before it leaves."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.core.sealing import SealBroken
from apps.notifications.enums import Barrier, Channel, Purpose
from apps.notifications.kinds import KINDS
from apps.notifications.models import Device, Mute, Notification, Suppression
from apps.notifications.rules import morning_after, quiet_hours
from apps.notifications.segments import CONSENTS


@dataclass(frozen=True)
class Pass:
    """Leave to go: addresses in clear, and the consent an advert relies on."""

    addresses: tuple[str, ...]
    consent_id: int | None = None
    devices: tuple[UUID, ...] = ()


@dataclass
class Admission:
    """What was asked once for a batch of one channel."""

    channel: Channel
    consents: dict[UUID, int] = field(default_factory=dict)
    mutes: set[tuple[UUID, str]] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)
    devices: dict[UUID, list[Device]] = field(default_factory=dict)

    def of(self, message: Notification) -> Pass | Barrier:
        """Leave for one message, or what bars it. Consent first: no look at an address without."""
        kind = KINDS[message.kind]
        consent = None
        if is_advertising(message):
            consent = self.consents.get(message.member_id)
            if consent is None or message.member.blocked_at:
                return Barrier.NO_CONSENT
        if kind.can_be_muted and (message.member_id, kind.topic.value) in self.mutes:
            return Barrier.MUTED
        return self._addressed(message.member, consent)

    def _addressed(self, member: User, consent: int | None) -> Pass | Barrier:
        if self.channel == Channel.PUSH:
            mine = self.devices.get(member.pk, [])
            tokens = tuple(member.open_own("push", one.token_sealed) for one in mine)
            if not tokens:
                return Barrier.NO_ADDRESS
            return Pass(tokens, consent, tuple(one.pk for one in mine))
        index = address_index(member, self.channel)
        if not index:
            return Barrier.NO_ADDRESS
        if index in self.barred:
            return Barrier.SUPPRESSED
        try:
            address = member.phone if self.channel == Channel.SMS else member.email
        except SealBroken:
            return Barrier.NO_ADDRESS
        return Pass((address,), consent)


def is_advertising(message: Notification) -> bool:
    if message.broadcast:
        return message.broadcast.purpose == Purpose.ADVERTISING
    return KINDS[message.kind].is_advertising


def address_index(member: User, channel: str) -> str:
    """The digest of her phone or e-mail; empty when she has none."""
    return (member.phone_index if channel == Channel.SMS else member.email_index) or ""


def ask(messages: list[Notification], channel: Channel) -> Admission:
    """Consents, mutes, barred addresses and phones as they stand now, in four statements."""
    members = [one.member_id for one in messages]
    adverts = [one.member_id for one in messages if is_advertising(one)]
    admission = Admission(channel)
    if adverts:
        admission.consents = accounts.standing_consents(adverts, CONSENTS[channel])
    admission.mutes = set(
        Mute.objects.filter(member__in=members, channel=channel).values_list("member", "topic")
    )
    if channel == Channel.PUSH:
        live = Device.objects.filter(member__in=members, session__revoked_at__isnull=True)
        for device in live.order_by("pk"):
            admission.devices.setdefault(device.member_id, []).append(device)
        return admission
    indexes = [address_index(one.member, channel) for one in messages]
    barred = Suppression.objects.filter(channel=channel, address_index__in=indexes)
    admission.barred = set(barred.values_list("address_index", flat=True))
    return admission


def waits_for_morning(message: Notification, *, at: datetime) -> datetime | None:
    """Until when a quiet message is held; None when it may go now."""
    quiet = True if message.broadcast else KINDS[message.kind].quiet
    return morning_after(at, quiet_hours(settings.QUIET_HOURS)) if quiet else None
