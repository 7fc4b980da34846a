"""The nouns of loyalty, one file a subject; `ledger` is the page to read first."""

from apps.loyalty.models.adjustments import Adjustment, AdjustmentState
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
from apps.loyalty.models.settlement import (
    Mode,
    Settled,
    Statement,
    StatementLine,
    Terms,
    WhenOver,
)

__all__ = [
    "Counter",
    "Adjustment",
    "AdjustmentState",
    "Debt",
    "Gift",
    "Hold",
    "Journal",
    "Lot",
    "Mode",
    "OfferConstructor",
    "OfferFunder",
    "OfferSpan",
    "OfferUse",
    "OfferVersion",
    "Notice",
    "Posting",
    "SegmentEntry",
    "Settled",
    "Statement",
    "StatementLine",
    "Terms",
    "Wallet",
    "WhenOver",
]
