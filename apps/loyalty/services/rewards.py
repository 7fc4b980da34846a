"""Bonuses that the network gives outside of a purchase: for friends, for badges."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.businesses.queries import network
from apps.core.money import to_kopecks
from apps.loyalty.enums import Kind
from apps.loyalty.models import Lot
from apps.loyalty.services.books import Posted, lock_wallet, lock_wallet_of, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.earning import bear_lots
from apps.loyalty.services.returns import post_clawback, taken_before


@transaction.atomic(savepoint=False)
def give_reward(
    *,
    member_id: UUID,
    amount: Decimal,
    key: str,
    because: dict[str, Any],
    pending_days: int = 0,
    at: datetime,
) -> Posted:
    """Give a member bonuses at the network's expense, once for a key."""
    debt = lock_wallet(member_id)
    payer = network().pk
    journal_id, is_new = write_journal(
        kind=Kind.REWARD,
        member_id=member_id,
        business_id=payer,
        scope="reward",
        key=key,
        amount=to_kopecks(amount),
        rule=because,
        occurred_at=at,
        posted_at=at,
    )
    if is_new and amount:
        wakes = at + timedelta(days=pending_days)
        shares = {str(payer): to_kopecks(amount)}
        bear_lots(member_id, journal_id, shares, activates_at=wakes, posted_at=at)
        if debt and not pending_days:
            repay(member_id=member_id, because=journal_id, at=at)
    return Posted(journal_id, amount, not is_new)


@transaction.atomic(savepoint=False)
def take_reward_back(*, journal_id: UUID, at: datetime) -> Posted:
    """Take a reward back, whole and once: pending first; what was spent becomes a debt.
    Raises NotFound."""
    given = lock_wallet_of(journal_id, Kind.REWARD)
    takes = {lot: lot.amount for lot in Lot.objects.filter(journal=journal_id)}
    before = taken_before(journal_id)
    return post_clawback(given, takes, key=f"reward:{journal_id}", before=before, at=at)
