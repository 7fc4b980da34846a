"""Arithmetic of the ledger. Numbers and moments come in, numbers come out.

Sums are Decimal roubles; rates are basis points (500 is 5 %). Sources: product.md, «Decisions on
numbers».
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")
# Defaults of LoyaltySettings, the row that an admin may change.
LIFE_DAYS = 90
HOLD_MINUTES = 15
GIFT_A_DAY = Decimal(3000)  # bonuses that one member may give
ADJUST_ALONE = Decimal(5000)  # bonuses that one admin moves in a wallet a day without another
NEW_DEVICE_CAP = 500  # bonuses in the first day of a device she had not used before
EXPIRY_WARN_DAYS = (14, 3)
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


def expiry(*, activates_at: datetime, life_days: int = LIFE_DAYS) -> datetime:
    """The first moment at which the bonus can no longer be spent: midnight in Moscow after the
    90th day from activation (`life_days`)."""
    last_day = activates_at.astimezone(MOSCOW).date() + timedelta(days=life_days)
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=MOSCOW)
    return midnight + timedelta(days=1)


def most_spendable(*, bill: Decimal, share_percent: int) -> Decimal:
    """How much of a bill may be paid with bonuses, by the stricter of business and network."""
    share = min(share_percent, NETWORK_BONUS_SHARE)
    return (bill * share / 100).quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def apportion(exact: Sequence[int], *, unit: int) -> list[int]:
    """Whole kopecks of sums given in parts of a kopeck (`unit` parts are one), so that they add up
    to the rounded total: the largest remainders are rounded up. Sums may be negative.

    Example: three thirds of a kopeck are 1, 0, 0.
    """
    whole = [part // unit for part in exact]
    total = (2 * sum(exact) + unit) // (2 * unit)
    by_remainder = sorted(range(len(exact)), key=lambda n: (-(exact[n] % unit), n))
    for n in by_remainder[: total - sum(whole)]:
        whole[n] += 1
    return whole


def month_bounds(first_day: date) -> tuple[datetime, datetime]:
    """A calendar month in Moscow: its first moment, and the first one after it."""
    following = (first_day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (
        datetime(first_day.year, first_day.month, 1, tzinfo=MOSCOW),
        datetime(following.year, following.month, 1, tzinfo=MOSCOW),
    )


def month_before(at: datetime) -> date:
    """The first day of the last month that is over in Moscow."""
    return (at.astimezone(MOSCOW).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def new_hold_code() -> str:
    """Six random digits that a member reads out at the till; good for one hold of 15 minutes."""
    return f"{secrets.randbelow(1_000_000):06d}"
