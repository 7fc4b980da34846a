"""Reads of badges: five statements for a member, however much she did."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count

from apps.accounts.models import User
from apps.loyalty import badge_rules, rules
from apps.loyalty.enums import ReferralState
from apps.loyalty.models import Badge, BadgeAward, BadgeMark, Referral

# Purchases of which something was kept, by the calendar of Moscow.
BOUGHT = """
SELECT j.business_id::text, (j.occurred_at AT TIME ZONE 'Europe/Moscow')::date
FROM loyalty_journal j
WHERE j.wallet_id = %s AND j.kind = 'earn' AND j.scope = 'earn' AND j.paid > (
    SELECT coalesce(sum(c.paid), 0) FROM loyalty_journal c
    WHERE c.ref_id = j.id AND c.kind = 'clawback'
)
"""


def reached_by(member: User) -> badge_rules.Reached:
    """How far she is with every badge and period, from rows alone."""
    marks = BadgeMark.objects.filter(member=member).values_list("badge_id")
    friends = Referral.objects.filter(inviter=member, state=ReferralState.REWARDED)
    return badge_rules.reached(
        purchases=_bought(member.pk),
        marks=dict(marks.annotate(count=Count("pk"))),
        friends=friends.count(),
        born=member.birth_date,
    )


def _bought(member_id: UUID) -> list[tuple[str, date]]:
    with connection.cursor() as cursor:
        cursor.execute(BOUGHT, [member_id])
        return list(cursor.fetchall())


@dataclass(frozen=True)
class Progress:
    """A badge as a member sees it: how far she is in the present period, when she earned it."""

    badge: Badge
    period: str
    progress: int
    earned_at: datetime | None
    times: int


def progress_of(member: User, *, at: datetime) -> list[Progress]:
    """All badges that can be earned, in their order."""
    reached, today = reached_by(member), at.astimezone(rules.MOSCOW).date()
    awards: dict[str, list[BadgeAward]] = {}
    for award in BadgeAward.objects.filter(member=member, revoked_at__isnull=True):
        awards.setdefault(award.badge_id, []).append(award)
    shown = []
    for badge in Badge.objects.filter(is_active=True):
        period = badge_rules.current_period(badge.period, today)
        mine = awards.get(badge.code, [])
        now = next((one.at for one in mine if one.period == period), None)
        count = min(badge.target, reached.get((badge.code, period), 0))
        shown.append(Progress(badge, period, count, now, len(mine)))
    return shown


def export_of(member: User) -> dict[str, Any]:
    """Her badges and invitations, for the copy of everything held about her."""
    awards = BadgeAward.objects.filter(member=member)
    invited_by = Referral.objects.filter(invited=member).values("state", "accepted_at").first()
    return {
        "badges": list(awards.values("badge_id", "period", "at", "revoked_at")),
        "invited_by": invited_by,
        "invited": Referral.objects.filter(inviter=member).count(),
    }
