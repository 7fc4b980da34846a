"""What a guest has at this till today, as far as the staff may know it.

Left out on purpose: offers for a birthday or a list of members, since they tell who she is;
anything of other partners; codes of coupons, which are hers to show.
"""

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.coupons.queries import wallet_of
from apps.loyalty.offer_queries import Offered, offered_to

MOST = 3  # of each


@dataclass(frozen=True)
class Treat:
    """An offer that counts by itself; not `now` when it waits for its weekday or hour."""

    name: str
    until: datetime
    now: bool


@dataclass(frozen=True)
class Held:
    """A coupon of hers for this place."""

    title: str
    until: datetime


def treats_of(member: User, business: Business, *, at: datetime) -> list[Treat]:
    """Offers of this partner and of the circle that are open to her."""
    shown = [one for one in offered_to(member, at=at) if _may_be_told(one, business)]
    return [Treat(one.rule.name, one.until, not one.why) for one in shown[:MOST]]


def _may_be_told(one: Offered, business: Business) -> bool:
    here = one.rule.is_network or one.business.pk == business.pk
    return here and one.rule.birthday_days is None and not one.rule.segment


def coupons_held(member: User, business: Business, *, at: datetime) -> list[Held]:
    """Her coupons that can be redeemed here now, the first to lapse first. A chain's gift does not
    name the partner who sent it: where else she buys is not this partner's matter."""
    usable = wallet_of(member).usable(at=at).filter(campaign__business=business)
    rows = usable.exclude(campaign__audience="chain").order_by("valid_to", "pk")[:MOST]
    return [Held(one.campaign.title, one.valid_to) for one in rows]
