"""Reads about messages that several callers need."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from apps.accounts.models import User
from apps.notifications.models import Attempt, Device, Mute, Notification
from apps.notifications.words import Library

EXPORT_MOST = 10_000


def inbox_of(member_id: UUID) -> QuerySet[Notification]:
    """What stands in her inbox, with what its words need."""
    mine = Notification.objects.filter(member_id=member_id, in_app=True)
    return mine.select_related("business", "broadcast")


def unread_count(member_id: UUID) -> int:
    """How many messages of her inbox she has not opened."""
    return Notification.objects.filter(
        member_id=member_id, in_app=True, read_at__isnull=True
    ).count()


def mutes_of(member_id: UUID) -> set[tuple[str, str]]:
    """(topic, channel) pairs she does not want."""
    return set(Mute.objects.filter(member_id=member_id).values_list("topic", "channel"))


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """Her phones, what she muted and every message written to her; no tokens."""
    words, mine = Library(), Notification.objects.filter(member=member)
    messages = mine.select_related("business", "broadcast").order_by("created_at")[:EXPORT_MOST]
    tries = Attempt.objects.filter(notification__member=member).order_by("at")[:EXPORT_MOST]
    return {
        "devices": list(Device.objects.filter(member=member).values("platform", "created_at")),
        "muted": list(Mute.objects.filter(member=member).values("topic", "channel")),
        "messages": [
            {
                "kind": one.kind,
                "title": words.of(one, language=member.locale).title,
                "body": words.of(one, language=member.locale).body,
                "state": one.state,
                "written_at": one.created_at,
                "read_at": one.read_at,
            }
            for one in messages
        ],
        "sendings": list(tries.values("channel", "state", "at", "consent_id")),
    }


def progress_of(broadcast_ids: list[UUID]) -> dict[UUID, dict[str, int]]:
    """Broadcast → how many of its messages are in each state, and what they cost in kopecks."""
    rows = (
        Notification.objects.filter(broadcast__in=broadcast_ids)
        .order_by()
        .values("broadcast_id", "state")
        .annotate(count=Count("pk"), paid=Sum("cost"))
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        one = found.setdefault(row["broadcast_id"], {"cost": 0})
        one[row["state"]] = row["count"]
        one["cost"] += row["paid"] or 0
    return found
