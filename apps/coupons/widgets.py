"""What a dashboard takes of coupons from PostgreSQL: steps between issue and use, cost, effect."""

from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.businesses.models import Business
from apps.coupons import queries
from apps.coupons.models import Campaign


def steps(business: Business | None, since: date, until: date) -> dict[UUID, dict[str, Any]]:
    """Campaign → of the coupons that members got in these days: shown (she saw it in the app),
    activated (she opened it by itself, or used it), cost = discounts + bonuses given by them, ₽;
    and of the campaign as a whole up to now the incremental revenue = paid by those who got it −
    what they would have paid, ₽: with a hold-out the held-out guests' mean × people, with the
    bounds of 95 %; without one what the redeemers paid in as many days before, without bounds."""
    found = queries.steps_of(business, since, until)
    campaigns = Campaign.objects.filter(pk__in=found)
    effects = queries.effects_of(campaigns, at=timezone.now())
    return {
        pk: {
            "shown": one.shown,
            "activated": one.opened,
            "cost": f"{one.cost:.2f}",
            "incremental": f"{effects[pk].incremental:.2f}",
            "low": _money(effects[pk].low),
            "high": _money(effects[pk].high),
            "method": effects[pk].method,
        }
        for pk, one in found.items()
    }


def _money(value: Any) -> str | None:
    return None if value is None else f"{value:.2f}"
