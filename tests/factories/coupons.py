from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.businesses.models import Business
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services import Draft, create_campaign
from apps.coupons.services.issuing import issue
from apps.crosspromo.models import Chain
from apps.crosspromo.services import ChainDraft, StepDraft, create_chain
from tests.factories.businesses import BusinessFactory


def campaign(business: Business | None = None, **given: Any) -> Campaign:
    """A campaign through the real service; 500 ₽ off, one code, everything has a default."""
    at = given.pop("at", None) or timezone.now()
    terms = {
        "name": "Осень",
        "benefit": "fixed",
        "value": Decimal(500) if given.get("benefit", "fixed") == "fixed" else Decimal(0),
        "audience": "anyone",
        "quantity": 1,
        "valid_from": at - timedelta(days=1),
        "valid_to": at + timedelta(days=30),
    } | given
    return create_campaign(
        business=business or BusinessFactory(), draft=Draft(**terms), by=None, at=at
    )


def code_of(made: Campaign) -> str:
    return Coupon.objects.filter(campaign=made).order_by("pk").first().code


def personal(member: Any, business: Business | None = None, **given: Any) -> Coupon:
    """A coupon bound to a member."""
    made = campaign(business, audience="promo", promo_code=given.pop("word", "WORD1"), **given)
    return issue(made, member_id=member.pk, at=timezone.now())


def step(start: Business, end: Business, **given: Any) -> StepDraft:
    terms = {"benefit": "fixed", "value": Decimal(500), "valid_days": 30} | given
    return StepDraft(from_id=start.pk, to_id=end.pk, **terms)


def chain(*steps: StepDraft, topology: str = "pair", by: Any = None, **given: Any) -> Chain:
    """A chain that every partner has accepted; nobody is held out unless said so."""
    at = given.pop("at", None) or timezone.now()
    terms = {
        "name": "Цепочка",
        "starts_at": at - timedelta(days=1),
        "ends_at": at + timedelta(days=90),
        "holdout_percent": 0,
    } | given
    draft = ChainDraft(topology=topology, steps=steps, **terms)
    return create_chain(draft=draft, by=by, at=at)
