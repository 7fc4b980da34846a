"""The app's first screen in one call: each app that has something to show adds its part.

A part is a function `(member, *, at) -> JSON of its own shape`, named here as the answer names it;
`EMPTY` stands for a part whose app shows nothing yet. At most one or two statements a part: this
is the most asked address of the API, and a test counts.
"""

from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string

from apps.accounts.models import User

EMPTY: dict[str, Any] = {
    "balance": None,
    "status": None,
    "next_event": None,
    "newest_coupons": [],
    "unread_count": 0,
}
PARTS = {
    "next_event": "apps.events.queries.next_event_of",
    "newest_coupons": "apps.coupons.api.overview.newest",
    "balance": "apps.loyalty.api.overview.balance",
    "status": "apps.loyalty.api.overview.tier",
    "unread_count": "apps.notifications.api.overview.unread",
}


def compose(member: User, *, at: datetime) -> dict[str, Any]:
    """Balance, tier with progress, next event, newest coupons, unread count."""
    return EMPTY | {name: import_string(part)(member, at=at) for name, part in PARTS.items()}
