"""Writes of notifications; callers import from here."""

from apps.notifications.services.broadcasts import (
    Text,
    approve_broadcast,
    ask_broadcast,
    cancel_broadcast,
    expand,
)
from apps.notifications.services.devices import add_device, drop_device
from apps.notifications.services.erasure import forget_member
from apps.notifications.services.inbox import mark_read, set_preferences
from apps.notifications.services.leaving import leave, leaving_of, stop_codes
from apps.notifications.services.news import hear
from apps.notifications.services.pace import watch_balances
from apps.notifications.services.sending import deliver, send_batch
from apps.notifications.services.settings import change_provider, change_words
from apps.notifications.services.upkeep import (
    ask_after_silent,
    forget_old,
    release_stuck,
    retry_failed,
    write_digests,
)
from apps.notifications.services.writing import write

__all__ = [
    "Text",
    "add_device",
    "approve_broadcast",
    "ask_after_silent",
    "ask_broadcast",
    "cancel_broadcast",
    "change_provider",
    "change_words",
    "deliver",
    "drop_device",
    "expand",
    "forget_member",
    "forget_old",
    "hear",
    "leave",
    "leaving_of",
    "mark_read",
    "release_stuck",
    "retry_failed",
    "send_batch",
    "set_preferences",
    "stop_codes",
    "watch_balances",
    "write",
    "write_digests",
]
