"""Messages come into being: one a (source, member, kind), whoever asks twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.notifications.bell import ring_after_commit
from apps.notifications.drafts import Draft
from apps.notifications.enums import State
from apps.notifications.kinds import KINDS
from apps.notifications.models import Notification


@transaction.atomic
def write(*, drafts: Iterable[Draft], source: str, at: datetime) -> int:
    """Write these messages and have them sent; how many were asked for. What stands already under
    the same source stays as it is. Erased people get none."""
    drafts = list(drafts)
    ids = {UUID(one.member_id) for one in drafts}
    living = set(
        User.objects.filter(pk__in=ids, erased_at__isnull=True).values_list("pk", flat=True)
    )
    rows = [_row(one, source=source, at=at) for one in drafts if UUID(one.member_id) in living]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    ring_after_commit(row.priority for row in rows)
    return len(rows)


def _row(draft: Draft, *, source: str, at: datetime) -> Notification:
    kind = KINDS[draft.kind]
    first, *rest = kind.channels
    return Notification(
        member_id=UUID(draft.member_id),
        kind=kind.code,
        source=source,
        business_id=UUID(draft.business_id) if draft.business_id else None,
        values=draft.values,
        priority=kind.priority,
        state=State.WAITING,
        channel=first,
        rest=",".join(rest),
        due_at=at,
        expires_at=at + timedelta(seconds=kind.life),
        in_app=kind.in_app,
        created_at=at,
    )
