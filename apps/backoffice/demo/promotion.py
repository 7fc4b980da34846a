"""Campaigns and one live chain of the made-up world, through the services."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services import Draft, create_campaign, redeem_at_till
from apps.crosspromo.models import Chain
from apps.crosspromo.services import ChainDraft, StepDraft, create_chain

CHAIN = "Салон и ужин"
USED_EVERY = 3  # of the codes on leaflets every third is used


def open_chain(places: Mapping[str, Business], *, at: datetime) -> None:
    """Before the sales: those of the last two days set it off."""
    if Chain.objects.filter(name=CHAIN).exists():
        return
    salon, kitchen = places["mindal"], places["lisichkino"]
    draft = ChainDraft(
        name=CHAIN,
        topology="mutual",
        steps=(
            StepDraft(
                from_id=salon.pk,
                to_id=kitchen.pk,
                benefit="percent",
                value=Decimal(15),
                max_discount=Decimal(700),
                min_amount=Decimal(2000),
                valid_days=30,
                funders=((salon.pk, 40), (kitchen.pk, 60)),
                fee=Decimal(50),
            ),
            StepDraft(
                from_id=kitchen.pk,
                to_id=salon.pk,
                benefit="fixed",
                value=Decimal(500),
                min_bill=Decimal(2500),
                min_amount=Decimal(1500),
                valid_days=30,
            ),
        ),
        starts_at=at - timedelta(days=7),
        ends_at=at + timedelta(days=83),
        budget=Decimal(200_000),
    )
    create_chain(draft=draft, by=None, at=at - timedelta(days=7))


def open_campaigns(
    places: Mapping[str, Business], staff: Mapping[str, User], *, at: datetime
) -> None:
    """After the sales: a promo code, codes on leaflets, bonuses for the guests of a shop."""
    for slug, draft in _drafts(at).items():
        if Campaign.objects.filter(business=places[slug], name=draft.name).exists():
            continue
        made = create_campaign(business=places[slug], draft=draft, by=None, at=at)
        if draft.audience == "anyone":
            _use_some(made, places[slug], staff[slug])


def _drafts(at: datetime) -> dict[str, Draft]:
    until = at + timedelta(days=60)
    return {
        "mindal": Draft(
            name="Первый снег",
            benefit="percent",
            value=Decimal(15),
            max_discount=Decimal(900),
            audience="promo",
            promo_code="SNEG2026",
            quantity=500,
            valid_from=at - timedelta(days=1),
            valid_to=until,
            min_amount=Decimal(2000),
        ),
        "lisichkino": Draft(
            name="Листовки у метро",
            benefit="gift",
            gift="Десерт дня",
            audience="anyone",
            quantity=60,
            valid_from=at - timedelta(days=1),
            valid_to=until,
        ),
        "skinerica": Draft(
            name="Своим гостям",
            benefit="bonus",
            value=Decimal(300),
            audience="guests",
            quantity=80,
            holdout_percent=20,
            budget=Decimal(24_000),
            valid_from=at - timedelta(days=1),
            valid_to=until,
            min_amount=Decimal(3000),
        ),
    }


def _use_some(made: Campaign, business: Business, by: User) -> None:
    codes = Coupon.objects.filter(campaign=made).order_by("pk").values_list("code", flat=True)
    for code in codes[::USED_EVERY]:
        try:
            redeem_at_till(business=business, code=code, by=by, at=timezone.now())
        except Refused:  # an older world: its campaign is over by now
            return
