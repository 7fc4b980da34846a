"""The nouns of loyalty, one file a subject; `ledger` is the page to read first."""

from apps.loyalty.models.ledger import Debt, Hold, Journal, Lot, Posting, Wallet
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
    "Debt",
    "Hold",
    "Journal",
    "Lot",
    "Mode",
    "OfferConstructor",
    "OfferFunder",
    "OfferSpan",
    "OfferUse",
    "OfferVersion",
    "Posting",
    "SegmentEntry",
    "Settled",
    "Statement",
    "StatementLine",
    "Terms",
    "Wallet",
    "WhenOver",
]
