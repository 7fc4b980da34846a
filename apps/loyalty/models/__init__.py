"""The nouns of loyalty, one file a subject; `ledger` is the page to read first."""

from apps.loyalty.models.ledger import Debt, Hold, Journal, Lot, Posting, Wallet

__all__ = ["Debt", "Hold", "Journal", "Lot", "Posting", "Wallet"]
