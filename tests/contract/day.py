"""What a member finds on the day of the guide and of the client's script."""

from typing import Any

from apps.accounts.models import User
from apps.coupons.models import Campaign
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign
from tests.factories.events import in_voting, published
from tests.factories.transactions import sale

PHONE = "+79161234567"


def token_of(user: User) -> str:
    return Api().as_(user).headers["Authorization"].removeprefix("Bearer ")


def promo_at(business: Any) -> Campaign:
    return campaign(business, audience="promo", promo_code="OSEN26", quantity=10)


def things() -> dict[str, str]:
    """A restaurant with a campaign, an event to come, a proposal, and 500 bonuses of hers."""
    cafe = BusinessFactory(category="gastro", name="Лисичкино")
    anna = UserFactory(phone=PHONE)
    sale(member=anna, business=cafe, amount="10000.00")
    return {
        "PHONE": PHONE,
        "BUSINESS": str(cafe.pk),
        "PROMO": promo_at(cafe).promo_code or "",
        "EVENT": str(published().pk),
        "PROPOSAL": str(in_voting().pk),
        "STAFF": token_of(staff_of(cafe)),
        "OWNER": token_of(staff_of(cafe, role="business_owner")),
    }
