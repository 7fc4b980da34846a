"""Writes of notifications; callers import from here."""

from apps.notifications.services.devices import add_device, drop_device
from apps.notifications.services.erasure import forget_member
from apps.notifications.services.inbox import mark_read, set_preferences

__all__ = ["add_device", "drop_device", "forget_member", "mark_read", "set_preferences"]
