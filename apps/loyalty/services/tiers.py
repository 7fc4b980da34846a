"""Tiers: loyalty decides, accounts stores."""

from datetime import datetime, timedelta

from django.db import connection

from apps.accounts.models import StatusTier, User
from apps.accounts.services import change_tier
from apps.core.money import from_kopecks
from apps.loyalty import rules, sql


def update_status_tier(user: User, *, at: datetime) -> StatusTier:
    """Promote a member whose rolling 12 months of paid money and breadth reach a higher tier.

    Called after the purchase was booked: the crossing purchase itself earned at the old rate.
    Inner Circle is by invitation, so money alone never leads there and never out of it.
    """
    since = at - timedelta(days=rules.WINDOW_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(sql.TIER_WINDOW, {"member": user.pk, "since": since, "at": at})
        rows = cursor.fetchall()
    spent, partners = rows[0][:2]
    reached = rules.earned_tier(
        spent=from_kopecks(spent), partners=partners, tiers=[row[2:] for row in rows]
    )
    if reached > user.tier.position:
        tier = StatusTier.objects.get(position=reached)
        change_tier(member_id=user.pk, tier=tier, reason="reached", at=at)
        user.tier, user.tier_since = tier, at
    return user.tier
