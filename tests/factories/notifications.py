import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.models import ChurnRisk
from apps.notifications.models import Broadcast, Device, Notification
from apps.notifications.services import add_device

_count = itertools.count(1)


def device_of(member: User, token: str = "", **given: Any) -> Device:
    return add_device(
        member=member,
        token=token or f"token-{next(_count):06d}",
        platform="android",
        at=timezone.now(),
        session_id=given.get("session_id"),
    )


def message_to(member: User, kind: str = "gift_received", **given: Any) -> Notification:
    """A message that stands in her inbox and travels no more."""
    now = timezone.now()
    row = {
        "values": {"amount": "300.00"},
        "priority": 2,
        "state": "sent",
        "channel": "push",
        "due_at": now,
        "expires_at": now + timedelta(days=1),
        "source": f"test-{next(_count)}",
    }
    return Notification.objects.create(member=member, kind=kind, **(row | given))


def broadcast_of(by: User, **given: Any) -> Broadcast:
    """Waits for a second person, or as `given` says."""
    row = {
        "name": "Осень",
        "channels": "push,email",
        "title_ru": "Осень в круге",
        "body_ru": "Двойные бонусы до воскресенья.",
        "state": "asked",
        "people": 5_000,
    }
    return Broadcast.objects.create(asked_by=by, **(row | given))


def risk_of(member: User, **given: Any) -> ChurnRisk:
    """What the newest night says of her leaving the network."""
    row = {
        "rank": next(_count),
        "day": timezone.localdate(),
        "probability": "0.70000",
        "band": "high",
        "recency": 60,
        "visits": 3,
        "monthly": "900.00",
        "held_out": False,
    }
    return ChurnRisk.objects.create(member=member, **(row | given))
