"""Bonuses that the network gives outside of a purchase: for friends, for badges."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.businesses.queries import network
from apps.core.errors import NotFound
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty.enums import Kind
from apps.loyalty.models import Journal, Lot
from apps.loyalty.services.books import Posted, lock_wallet, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.earning import bear_lots
from apps.loyalty.services.returns import take_from_lots


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
    """Take a reward back, whole and once: pending first; what was spent becomes a debt."""
    given = Journal.objects.filter(pk=journal_id, kind=Kind.REWARD).first()
    if given is None or given.wallet_id is None:
        raise NotFound
    lock_wallet(given.wallet_id)
    takes = {lot: lot.amount for lot in Lot.objects.filter(journal=given)}
    claw_id, is_new = write_journal(
        kind=Kind.CLAWBACK,
        member_id=given.wallet_id,
        business_id=given.business_id,
        scope="clawback",
        key=f"reward:{journal_id}",
        amount=given.amount,
        rule={"lots": {str(lot.pk): amount for lot, amount in takes.items()}},
        occurred_at=at,
        posted_at=at,
        ref=given.pk,
    )
    if is_new:
        take_from_lots(takes, claw_id, taken={}, at=at)
    return Posted(claw_id, from_kopecks(given.amount), not is_new)
