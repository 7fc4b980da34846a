"""Events in the Django admin: curating, seats and the line, votes, scans, moderation."""

from apps.events.admin import events, records

__all__ = ["events", "records"]
