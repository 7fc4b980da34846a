"""The nouns of loyalty, one file a subject; `ledger` is the page to read first."""

from apps.loyalty.models.adjustments import Adjustment, AdjustmentState
from apps.loyalty.models.badges import Badge, BadgeAward, BadgeMark
from apps.loyalty.models.gifts import Gift
from apps.loyalty.models.ledger import Debt, Hold, Journal, Lot, Posting, Wallet
from apps.loyalty.models.notices import Notice
from apps.loyalty.models.offers import (
    Counter,
    OfferConstructor,
    OfferFunder,
    OfferSpan,
    OfferUse,
    OfferVersion,
    SegmentEntry,
)
from apps.loyalty.models.referral import Referral, ReferralCode
from apps.loyalty.models.settings import LoyaltySettings
from apps.loyalty.models.settlement import (
    Claim,
    LineKind,
    Mode,
    Settled,
    Statement,
    StatementLine,
    Terms,
    WhenOver,
)

__all__ = [
    "Adjustment",
    "AdjustmentState",
    "Badge",
    "BadgeAward",
    "BadgeMark",
    "Claim",
    "Counter",
    "Debt",
    "Gift",
    "Hold",
    "Journal",
    "LineKind",
    "Lot",
    "LoyaltySettings",
    "Mode",
    "Notice",
    "OfferConstructor",
    "OfferFunder",
    "OfferSpan",
    "OfferUse",
    "OfferVersion",
    "Posting",
    "Referral",
    "ReferralCode",
    "SegmentEntry",
    "Settled",
    "Statement",
    "StatementLine",
    "Terms",
    "Wallet",
    "WhenOver",
]
