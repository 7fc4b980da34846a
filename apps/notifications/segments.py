"""Whom a broadcast is for: a filter of people, and how many of them each channel reaches now."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.module_loading import import_string

from apps.accounts.enums import ConsentPurpose
from apps.accounts.models import Consent, User
from apps.notifications.enums import Channel
from apps.notifications.models import Device, Mute, Suppression

CONSENTS = {
    Channel.PUSH: ConsentPurpose.MARKETING_PUSH,
    Channel.SMS: ConsentPurpose.MARKETING_SMS,
    Channel.EMAIL: ConsentPurpose.MARKETING_EMAIL,
}


# Word of a segment → where it is looked for; days are the calendar's of the network.
PATHS = {
    "tiers": "tier__code__in",
    "city": "city",
    "locale": "locale",
    "joined_from": "joined_at__date__gte",
    "joined_to": "joined_at__date__lte",
}


def people(segment: dict[str, Any]) -> QuerySet[User]:
    """Living, not blocked people who fit all the words of the segment: tiers, city, locale,
    joined_from, joined_to, has_app; words of other apps stand in MESSAGE_SEGMENTS."""
    found = User.objects.filter(erased_at__isnull=True, blocked_at__isnull=True)
    for word, path in PATHS.items():
        if segment.get(word):
            found = found.filter(**{path: segment[word]})
    if segment.get("has_app") is not None:
        phones = Device.objects.filter(member=OuterRef("pk"))
        found = found.filter(Exists(phones) if segment["has_app"] else ~Exists(phones))
    for word, narrow in import_string(settings.MESSAGE_SEGMENTS).items():
        if segment.get(word):
            found = narrow(found, segment[word])
    return found


@dataclass(frozen=True)
class Reach:
    """How many people are in the segment, and how many of them each channel reaches now."""

    people: int
    by_channel: dict[str, int]


def reach(segment: dict[str, Any], *, channels: list[str], advertising: bool) -> Reach:
    """Nothing is written. Consent, mutes, addresses and refusals as they stand now; they are asked
    again when each message leaves."""
    everybody = people(segment)
    counts = {
        channel: _reached(everybody, Channel(channel), advertising=advertising)
        for channel in channels
    }
    return Reach(everybody.count(), counts)


def _reached(everybody: QuerySet[User], channel: Channel, *, advertising: bool) -> int:
    muted = Mute.objects.filter(member=OuterRef("pk"), channel=channel, topic="news")
    found = everybody
    if channel == Channel.PUSH:
        found = found.filter(Exists(Device.objects.filter(member=OuterRef("pk"))))
    else:
        index = "phone_index" if channel == Channel.SMS else "email_index"
        barred = Suppression.objects.filter(channel=channel, address_index=OuterRef(index))
        found = found.filter(~Exists(barred), **{f"{index}__isnull": False})
    if advertising:
        said = Consent.objects.filter(purpose=CONSENTS[channel]).order_by("member", "-id")
        newest = said.distinct("member").values("pk")
        agreed = Consent.objects.filter(pk__in=newest, given=True, member=OuterRef("pk"))
        found = found.filter(Exists(agreed), ~Exists(muted))
    return found.count()
