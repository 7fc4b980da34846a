"""Coupons.

* Campaign: terms that never change, and whom they are for. A step of a cross-promo chain has a
  campaign of its own.
* Funder: who pays which percent of what its coupons cost; the percents of a campaign sum to 100.
* Budget: a cap in ₽ that one or several campaigns share: reserved + charged never exceed it.
* Coupon: one code, perhaps bound to one member. active → redeemed | expired | cancelled; back to
  active only when the whole sale is returned. Of a `fork` at most one is redeemed.
* Redemption: a coupon used; unique per coupon while it stands.
* Charge: who owes whom for a discount given; the shares of a redemption sum to its discount.
* HeldOut: guests whom a campaign passed over by hash, so that its effect can be told.
"""

from apps.coupons.models.campaigns import Budget, Campaign, Funder, HeldOut
from apps.coupons.models.coupons import Charge, Coupon, CouponQuerySet, Redemption

__all__ = [
    "Budget",
    "Campaign",
    "Charge",
    "Coupon",
    "CouponQuerySet",
    "Funder",
    "HeldOut",
    "Redemption",
]
