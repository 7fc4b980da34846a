"""Every write of the ledger. One file per noun; callers import from here."""

from apps.loyalty.services.books import (
    BonusInvalid,
    InsufficientBonus,
    KeyReused,
    Posted,
    lock_wallet,
    lock_wallets,
)
from apps.loyalty.services.earning import calculate_bonus, earn_for_purchase
from apps.loyalty.services.jobs import expire_due, time_out_holds, wake_due
from apps.loyalty.services.returns import MoreThanPaid, MoreThanSpent, claw_back, refund_spend
from apps.loyalty.services.spending import (
    HoldResolved,
    MoreThanHeld,
    capture_hold,
    hold_bonus,
    release_hold,
    spend_bonus,
)
from apps.loyalty.services.tiers import update_status_tier

__all__ = [
    "BonusInvalid",
    "HoldResolved",
    "InsufficientBonus",
    "KeyReused",
    "MoreThanHeld",
    "MoreThanPaid",
    "MoreThanSpent",
    "Posted",
    "calculate_bonus",
    "capture_hold",
    "claw_back",
    "earn_for_purchase",
    "expire_due",
    "hold_bonus",
    "lock_wallet",
    "lock_wallets",
    "refund_spend",
    "release_hold",
    "spend_bonus",
    "time_out_holds",
    "update_status_tier",
    "wake_due",
]
