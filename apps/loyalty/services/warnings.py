"""What members are told beforehand: bonuses that lapse, a tier that falls. Each once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import StatusTier
from apps.core import outbox
from apps.core.facts import BonusesExpiring, TierAtRisk
from apps.core.money import from_kopecks
from apps.loyalty import moving_sql, settings_queries, tier_queries, tier_rules
from apps.loyalty.tier_queries import Place
from apps.loyalty.tier_rules import Keeping

PAGE = 500  # warnings in one transaction
SAME_FALL = timedelta(days=45)  # a stage comes again only after so long


def warn_of_expiry(*, at: datetime) -> int:
    """Say what lapses within 14 and within 3 days; how many were told. Twice equals once: a row
    for each warning is written with it. A late job warns late, of the stage that is due then."""
    told = 0
    while batch := _warn_of_expiry(at=at):
        told += batch
    return told


@transaction.atomic
def _warn_of_expiry(*, at: datetime) -> int:
    numbers = settings_queries.current()
    more, less = numbers.warn_days, numbers.last_warn_days
    today = tier_rules.day_of(at)
    values: dict[str, Any] = {
        "at": at,
        "more": more,
        "less": less,
        "nearer": tier_rules.midnight(today + timedelta(days=less)),
        "later": tier_rules.midnight(today + timedelta(days=more)),
        "limit": PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.WARN_OF_EXPIRY, values)
        fresh = cursor.fetchall()
    for member_id, expires_at, amount, days in fresh:
        outbox.publish(
            BonusesExpiring(
                member_id=str(member_id),
                amount=f"{from_kopecks(amount):.2f}",
                expires_at=expires_at.isoformat(),
                days_left=days,
                at=at.isoformat(),
            )
        )
    return len(fresh)


def warn_of_tiers(*, at: datetime) -> int:
    """Say whose tier falls within 60, 30 or 7 days and what keeps it; how many were told."""
    codes = dict(StatusTier.objects.values_list("position", "code"))
    told = 0
    for page in tier_queries.pages(at=at, size=PAGE):
        at_stake = [one for one in page if not (one.stays_for_good or one.is_erased)]
        told += _warn_page(at_stake, codes, at=at)
    return told


@transaction.atomic
def _warn_page(places: Sequence[Place], codes: dict[int, str], *, at: datetime) -> int:
    pairs = zip(places, tier_queries.keepings(places, at=at), strict=True)
    return sum(_warn(place, keeping, codes, at=at) for place, keeping in pairs)


def _warn(place: Place, keeping: Keeping, codes: dict[int, str], *, at: datetime) -> bool:
    today = tier_rules.day_of(at)
    falls = tier_rules.falls_on(keeping, today=today)
    stage = tier_rules.stage_of(falls, today=today)
    if stage is None or falls <= today:
        return False
    values: dict[str, Any] = {
        "member": place.member_id,
        "due_at": tier_rules.midnight(falls),
        "days": stage,
        "at": at,
        "lately": at - SAME_FALL,
    }
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.WARN_OF_TIER, values)
        if cursor.fetchone() is None:
            return False
    outbox.publish(
        TierAtRisk(
            member_id=str(place.member_id),
            tier=codes[place.tier.position],
            falls_to=codes[place.tier.position - 1],
            to_keep=f"{from_kopecks(tier_rules.to_keep(keeping, falls=falls)):.2f}",
            falls_at=tier_rules.midnight(falls).isoformat(),
            days_left=(falls - today).days,
            at=at.isoformat(),
        )
    )
    return True
