"""Offers through the real services."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.businesses.models import Business
from apps.loyalty import services
from apps.loyalty.models import OfferConstructor
from tests.factories.accounts import UserFactory

_names = itertools.count(1)


def draft_of(business: Business, *, by: Any = None, funders: Any = (), **terms: Any) -> Any:
    """A draft: cashback × 2 for a month, budget within the limit, unless `terms` say otherwise."""
    now = timezone.now()
    given = {
        "name": f"Предложение {next(_names)}",
        "kind": "multiplier",
        "value": Decimal("2.00"),
        "starts_at": now - timedelta(days=1),
        "ends_at": now + timedelta(days=30),
        "budget": Decimal("100000.00"),
    }
    return services.create_offer(
        business=business, terms=given | terms, funders=funders, by=by, at=now - timedelta(days=2)
    )


def offer_of(business: Business, **given: Any) -> OfferConstructor:
    """An offer in force since yesterday, whatever it may cost and whoever pays."""
    offer = draft_of(business, **given)
    since = offer.current.starts_at
    services.submit_offer(offer_id=offer.pk, by=None, at=since)
    offer.refresh_from_db()
    if offer.state == "review":
        services.approve_offer(offer_id=offer.pk, by=UserFactory(job="admin"), at=since)
        offer.refresh_from_db()
    return offer
