"""Loyalty's parts of the app's first screen (`svoykrug/overview.py`)."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.loyalty import queries, tier_queries
from apps.loyalty.api.serializers import balance_data, standing_data


def balance(member: User, *, at: datetime) -> dict[str, Any]:
    """As `GET /loyalty/balance`."""
    return balance_data(queries.shown_balance_of(member.pk, at=at))


def tier(member: User, *, at: datetime) -> dict[str, Any]:
    """Her tier and the way to the next one, as `GET /loyalty/status`."""
    return standing_data(tier_queries.standing_of(member, at=at))
