"""Every write of sales. One file per noun; callers import from here."""

from apps.transactions.services.bulk import Recorded, SaleRow, record_purchases
from apps.transactions.services.sales import (
    AmountOverLimit,
    BusinessClosed,
    Item,
    MomentInvalid,
    NotAtOwnTill,
    Quote,
    SaleKeyReused,
    find_sale,
    quote_purchase,
    record_purchase,
)

__all__ = [
    "AmountOverLimit",
    "BusinessClosed",
    "Item",
    "MomentInvalid",
    "NotAtOwnTill",
    "Quote",
    "Recorded",
    "SaleKeyReused",
    "SaleRow",
    "find_sale",
    "quote_purchase",
    "record_purchase",
    "record_purchases",
]
