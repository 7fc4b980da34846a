"""What she does with her messages."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import outbox
from apps.core.facts import MessageMoved
from apps.notifications.enums import State
from apps.notifications.models import Mute, Notification

SEEN_BY_HER = (State.SENT, State.DELIVERED, State.UNKNOWN)


@transaction.atomic
def mark_read(*, member: User, ids: Collection[UUID] | None, at: datetime) -> int:
    """Mark these messages of hers, or all (`ids` None), as read; how many were not before. Ids of
    others are passed over in silence. The first reading of one that was sent is its opening."""
    unread = Notification.objects.select_for_update().filter(
        member=member, in_app=True, read_at__isnull=True
    )
    if ids is not None:
        unread = unread.filter(pk__in=ids)
    rows = list(unread.order_by("pk").only("id", "kind", "channel", "state"))
    marked = Notification.objects.filter(pk__in=[row.pk for row in rows])
    marked.update(read_at=at)
    opened = [row for row in rows if row.state in SEEN_BY_HER] if ids is not None else []
    Notification.objects.filter(pk__in=[row.pk for row in opened]).update(state=State.OPENED)
    for row in opened:
        tell_moved(row, member_id=member.pk, state=State.OPENED, at=at)
    return len(rows)


def tell_moved(row: Notification, *, member_id: UUID, state: str, at: datetime) -> None:
    outbox.publish(
        MessageMoved(
            message_id=str(row.pk),
            member_id=str(member_id),
            kind=row.kind,
            channel=row.channel,
            state=state,
            at=at.isoformat(),
        )
    )


@transaction.atomic
def set_preferences(*, member: User, wanted: dict[tuple[str, str], bool]) -> None:
    """(topic, channel) → whether she wants it there; pairs that are not named stay."""
    for (topic, channel), wants in wanted.items():
        mine = Mute.objects.filter(member=member, topic=topic, channel=channel)
        if wants:
            mine.delete()
        else:
            Mute.objects.get_or_create(member=member, topic=topic, channel=channel)
