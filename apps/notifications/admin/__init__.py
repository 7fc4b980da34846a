"""The admin of messages: importing a module registers its pages."""

from apps.notifications.admin import broadcasts, messages, settings

__all__ = ["broadcasts", "messages", "settings"]
