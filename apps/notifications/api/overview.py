"""What the app's first screen shows of messages."""

from datetime import datetime

from apps.accounts.models import User
from apps.notifications import queries


def unread(member: User, *, at: datetime) -> int:
    """How many messages wait in her inbox."""
    return queries.unread_count(member.pk)
