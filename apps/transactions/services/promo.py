"""Where coupons and chains meet a sale: the only functions of this app that know of them.

Each is called inside the sale's transaction, with the member's wallet locked, and is undone with
it; a quote runs the very same calls and rolls them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import NotFound
from apps.transactions.models import Transaction

ZERO = Decimal("0.00")


class CouponUnknown(NotFound):
    message = _("There is no such coupon.")


@dataclass(frozen=True)
class Redeemed:
    """What coupons did to a receipt: ₽ off, bonuses on top, and the coupons as people see them."""

    discount: Decimal = ZERO
    bonus: Decimal = ZERO
    coupons: Sequence[Any] = field(default_factory=tuple)


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
    """Redeem the coupons of a receipt. No coupon was ever issued yet: any code is unknown."""
    if codes:
        raise CouponUnknown
    return Redeemed()


def give_new(sale: Transaction) -> None:
    """After the sale is in the books: coupons that its chains give."""


def give_back(sale: Transaction, *, by: User | None, at: datetime) -> None:
    """Goods came back and `sale.amount_left` ₽ of the receipt remain."""


def new_coupons_of(sale: Transaction) -> list[dict[str, Any]]:
    """Coupons that this sale gave, for its answer; the same at a replay."""
    return []


def coupons_of(sale: Transaction) -> list[dict[str, Any]]:
    """Coupons redeemed with this sale."""
    return []
