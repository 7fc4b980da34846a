"""Arithmetic of the ledger. Numbers and moments come in, numbers come out.

Sums are Decimal roubles; rates are basis points (500 is 5 %). Sources: product.md, «Decisions on
numbers».
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")
LIFE_DAYS = 90
WINDOW_DAYS = 365  # rolling window of the tiers
HOLD_MINUTES = 15
NETWORK_BONUS_SHARE = 50  # percent of a bill payable with bonuses, at most
SETTLEMENT_RATE_BP = 10_000  # one bonus settles for one rouble


def accrual(*, paid: Decimal, rate_bp: int, factors: Iterable[Decimal] = ()) -> Decimal:
    """Bonuses for a sum actually paid, rounded down once at the end.

    `factors` are multipliers of offers; the best one applies. Example: 1234.55 ₽ at 700 bp is
    86.41 bonuses (86.4185 rounded down).
    """
    best = max(factors, default=Decimal(1))
    bonus = paid * Decimal(rate_bp) / Decimal(10_000) * best
    return bonus.quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def activation(*, occurred_at: datetime, pending_days: int) -> datetime:
    """When a bonus may be spent: at once, or `pending_days` (0–30) later."""
    return occurred_at + timedelta(days=pending_days)


def expiry(*, activates_at: datetime) -> datetime:
    """The first moment at which the bonus can no longer be spent: midnight in Moscow after the
    90th day from activation."""
    last_day = activates_at.astimezone(MOSCOW).date() + timedelta(days=LIFE_DAYS)
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=MOSCOW)
    return midnight + timedelta(days=1)


def most_spendable(*, bill: Decimal, share_percent: int) -> Decimal:
    """How much of a bill may be paid with bonuses, by the stricter of business and network."""
    share = min(share_percent, NETWORK_BONUS_SHARE)
    return (bill * share / 100).quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def earned_tier(
    *, spent: Decimal, partners: int, tiers: Iterable[tuple[int, Decimal | None, int]]
) -> int:
    """Position of the highest tier that money and breadth reach.

    `tiers` are (position, threshold in ₽ or None for "by invitation", least partners).
    """
    reached = [
        position
        for position, threshold, least in tiers
        if threshold is not None and spent >= threshold and partners >= least
    ]
    return max(reached, default=1)


def new_hold_code() -> str:
    """Six random digits that a member reads out at the till; good for one hold of 15 minutes."""
    return f"{secrets.randbelow(1_000_000):06d}"
