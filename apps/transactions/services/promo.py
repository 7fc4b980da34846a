"""Where coupons and chains meet a sale: the only functions of this app that know of them.

Each is called inside the sale's transaction, with the member's wallet locked, and is undone with
it; a quote runs the very same calls and rolls them back.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.coupons import services as coupons
from apps.coupons.queries import card_of, coupons_of_sale
from apps.coupons.services import CouponUnknown, Redeemed, guesses_counted
from apps.crosspromo import services as crosspromo
from apps.transactions.models import Transaction

__all__ = [
    "CouponUnknown",
    "Redeemed",
    "coupons_of",
    "give_back",
    "give_new",
    "guesses_counted",
    "may_give_new",
    "new_coupons_of",
    "redeem",
]


def redeem(
    *,
    codes: Sequence[str],
    business: Business,
    member: User,
    amount: Decimal,
    sale_id: UUID,
    by: User | None,
    at: datetime,
) -> Redeemed:
    """Redeem the coupons of a receipt, all or none. Raises what `redeem_for_sale` raises."""
    return coupons.redeem_for_sale(
        codes=codes,
        business=business,
        member=member,
        amount=amount,
        sale_id=sale_id,
        by=by,
        at=at,
    )


def give_new(sale: Transaction) -> int:
    """After the sale is in the books: how many coupons its chains gave. Never fatal to it."""
    return len(crosspromo.evaluate_chain_trigger(sale))


def may_give_new(business: Business, *, latest: datetime, at: datetime) -> bool:
    """Whether any of a batch of sales, the newest of them at `latest`, could bring a coupon."""
    return crosspromo.may_trigger(business, occurred_at=latest, at=at)


def give_back(sale: Transaction, *, by: User | None, at: datetime) -> None:
    """Goods came back and `sale.amount_left` ₽ of the receipt remain: used coupons are good again,
    given ones die."""
    coupons.return_for_sale(sale_id=sale.pk, amount_left=sale.amount_left, by=by, at=at)
    crosspromo.undo_chain_trigger(sale_id=sale.pk, amount_left=sale.amount_left, at=at)


def new_coupons_of(sale: Transaction) -> list[dict[str, Any]]:
    """Coupons that this sale gave, for its answer; the same at a replay."""
    if sale.brought == 0:
        return []
    return [card_of(coupon) for coupon in crosspromo.coupons_of_trigger(sale_id=sale.pk)]


def coupons_of(sale: Transaction) -> list[dict[str, Any]]:
    """Coupons redeemed with this sale."""
    return coupons_of_sale(sale.pk)
