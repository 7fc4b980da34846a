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
from apps.loyalty.services.issuing import issuer_in_place_of, lock_wallet_and_stops, stops
from apps.loyalty.services.jobs import expire_due, time_out_holds, wake_due
from apps.loyalty.services.returns import MoreThanPaid, MoreThanSpent, claw_back, refund_spend
from apps.loyalty.services.settlement import (
    AlreadyLeaving,
    LaterMonthClosed,
    LineAnswered,
    MonthNotOver,
    begin_run_off,
    change_terms,
    close_month,
    confirm_line,
    dispute_line,
    refresh_exposure,
)
from apps.loyalty.services.spending import (
    HoldResolved,
    MoreThanHeld,
    capture_hold,
    hold_bonus,
    release_hold,
    spend_bonus,
)
from apps.loyalty.services.tiers import move_tiers, update_status_tier

__all__ = [
    "AlreadyLeaving",
    "BonusInvalid",
    "HoldResolved",
    "InsufficientBonus",
    "KeyReused",
    "LaterMonthClosed",
    "LineAnswered",
    "MonthNotOver",
    "MoreThanHeld",
    "MoreThanPaid",
    "MoreThanSpent",
    "Posted",
    "begin_run_off",
    "calculate_bonus",
    "capture_hold",
    "change_terms",
    "claw_back",
    "close_month",
    "confirm_line",
    "dispute_line",
    "earn_for_purchase",
    "expire_due",
    "hold_bonus",
    "issuer_in_place_of",
    "lock_wallet",
    "lock_wallet_and_stops",
    "lock_wallets",
    "move_tiers",
    "refresh_exposure",
    "refund_spend",
    "release_hold",
    "spend_bonus",
    "stops",
    "time_out_holds",
    "update_status_tier",
    "wake_due",
]
