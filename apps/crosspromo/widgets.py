"""Chains on a partner's dashboard. Clinics stay out of it, on either side."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.businesses.models import Business
from apps.crosspromo import services
from apps.crosspromo.enums import Words
from apps.crosspromo.services import PairFigures


def win_win(business: Business | None, *, at: datetime | None = None) -> list[dict[str, Any]]:
    """Win-Win matrix, A → B and B → A: index 0…100 with its 90 % bounds, guests exposed and come,
    the hold-out beside them. «few» has no number. Formula: `crosspromo.winwin`."""
    pairs = services.pairs_of(business, at=at or timezone.now())
    return [_pair(one) for one in pairs]


def chains(business: Business | None, *, at: datetime | None = None) -> list[dict[str, Any]]:
    """Flows of guests through chains over 90 days: exposed at `from`, of whom came to `to`, and the
    same of the hold-out. The widest first."""
    flows = []
    for pair in services.pairs_of(business, at=at or timezone.now()):
        for start, end, way in ((pair.a, pair.b, pair.ab), (pair.b, pair.a, pair.ba)):
            if way.exposed:
                flows.append(
                    {
                        "from": start.name,
                        "to": end.name,
                        "exposed": way.exposed,
                        "came": way.came,
                        "held_out": way.held,
                        "held_out_came": way.held_came,
                    }
                )
    return sorted(flows, key=lambda flow: -flow["came"])


def recommendations(business: Business | None) -> list[dict[str, Any]]:
    """Chains worth trying, with reasons and guests of 100 more than without; ten at most."""
    found = [
        one
        for one in services.generate_recommendations()
        if business is None or business.pk in (one.sender.pk, one.receiver.pk)
    ]
    return [
        {
            "from": one.sender.name,
            "to": one.receiver.name,
            "reasons": [str(reason) for reason in one.reasons],
            "low": one.low,
            "high": one.high,
            "measured": one.measured,
        }
        for one in found[:10]
    ]


def _pair(one: PairFigures) -> dict[str, Any]:
    few, index = one.index.words == Words.FEW, one.index
    return {
        "a": one.a.name,
        "b": one.b.name,
        "index": None if few else round(index.value, 1),
        "low": None if few else round(index.low, 1),
        "high": None if few else round(index.high, 1),
        "verdict": index.words,
        "words": str(Words(index.words).label),
        "sample": index.sample,
    }
