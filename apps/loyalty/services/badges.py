"""Badges are given, and taken back after a return, by what a member has reached."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import outbox
from apps.core.facts import BadgeEarned
from apps.loyalty import badge_queries
from apps.loyalty.models import Badge, BadgeAward, BadgeMark
from apps.loyalty.services.books import lock_wallet
from apps.loyalty.services.rewards import give_reward, take_reward_back


@transaction.atomic
def judge_badges(*, member_id: UUID, at: datetime) -> tuple[int, int]:
    """Give what was reached, take back what no longer holds: (given, taken back). Reads rows
    alone, so at any time and any number of times it leaves the same."""
    lock_wallet(member_id)
    member = User.objects.get(pk=member_id)
    if member.erased_at:
        return 0, 0
    reached = badge_queries.reached_by(member)
    badges = {badge.code: badge for badge in Badge.objects.all()}
    awards = {(one.badge_id, one.period): one for one in BadgeAward.objects.filter(member=member)}
    given = taken = 0
    for (code, period), count in sorted(reached.items()):
        badge, award = badges.get(code), awards.get((code, period))
        if badge is None or not badge.is_active or count < badge.target:
            continue
        if award is None or award.revoked_at:
            _give(badge, award or BadgeAward(member=member, badge=badge, period=period), at=at)
            given += 1
    for key, award in awards.items():
        badge = badges[award.badge_id]
        if badge.rolls_back and not award.revoked_at and reached.get(key, 0) < badge.target:
            _take_back(award, at=at)
            taken += 1
    return given, taken


def _give(badge: Badge, award: BadgeAward, *, at: datetime) -> None:
    if award.revoked_at:  # its bonus was taken back, so it is paid again
        award.revoked_at, award.times = None, award.times + 1
    award.at, award.journal_id = at, None
    award.save()
    if badge.bonus:
        posted = give_reward(
            member_id=award.member_id,
            amount=badge.bonus,
            key=f"badge:{award.pk}:{award.times}",
            because={"badge": badge.code, "period": award.period},
            at=at,
        )
        award.journal_id = posted.journal_id
        award.save(update_fields=["journal"])
    outbox.publish(
        BadgeEarned(
            award_id=str(award.pk),
            member_id=str(award.member_id),
            badge=badge.code,
            at=at.isoformat(),
        )
    )


def _take_back(award: BadgeAward, *, at: datetime) -> None:
    award.revoked_at = at
    award.save(update_fields=["revoked_at"])
    if award.journal_id:
        take_reward_back(journal_id=award.journal_id, at=at)


@transaction.atomic
def mark_badge(*, member_id: UUID, badge: str, key: str, at: datetime) -> None:
    """Note a fact that counts towards a badge, once, and judge."""
    BadgeMark.objects.bulk_create(
        [BadgeMark(member_id=member_id, badge_id=badge, key=key, at=at)], ignore_conflicts=True
    )
    judge_badges(member_id=member_id, at=at)
