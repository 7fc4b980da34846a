"""Chains on a partner's dashboard. Clinics stay out of it, on either side."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.analytics.rules import gini
from apps.businesses.models import Business
from apps.crosspromo import services, sql
from apps.crosspromo.enums import Words
from apps.crosspromo.figures import WINDOW_DAYS
from apps.crosspromo.services import PairFigures
from apps.crosspromo.winwin import Counters

TOP = 10  # chains


def win_win(business: Business | None, *, at: datetime | None = None) -> list[dict[str, Any]]:
    """Win-Win matrix, A → B and B → A: index 0…100 with its 90 % bounds, guests exposed and come,
    the hold-out beside them. «few» has no number. Formula: `crosspromo.winwin`."""
    pairs = services.pairs_of(business, at=at or timezone.now())
    return [_pair(one) for one in pairs]


def chains(business: Business | None, *, at: datetime | None = None) -> dict[str, Any]:
    """Guests on their way through chains over 90 days. A flow: exposed at `from`, of whom came to
    `to`, and the same of the hold-out; the widest first. In-flow = Σ came to the partner, out-flow
    = Σ of its guests who came elsewhere, both None for the network; moved = Σ came over all flows.
    `top`: chains by redeemed coupons, revenue = ₽ paid with them, cost = discounts + bonuses."""
    now = at or timezone.now()
    flows, came_in, went_out = [], 0, 0
    for pair in services.pairs_of(business, at=now):
        for start, end, way in ((pair.a, pair.b, pair.ab), (pair.b, pair.a, pair.ba)):
            if not way.exposed:
                continue
            flows.append(_flow(start, end, way))
            came_in += way.came if business and end.pk == business.pk else 0
            went_out += way.came if business and start.pk == business.pk else 0
    return {
        "inflow": came_in if business else None,
        "outflow": went_out if business else None,
        "moved": sum(flow["came"] for flow in flows),
        "flows": sorted(flows, key=lambda flow: -flow["came"]),
        "top": _top(business, since=now - timedelta(days=WINDOW_DAYS)),
    }


def _flow(start: Business, end: Business, way: Counters) -> dict[str, Any]:
    return {
        "from": start.name,
        "to": end.name,
        "from_id": str(start.pk),
        "to_id": str(end.pk),
        "exposed": way.exposed,
        "came": way.came,
        "held_out": way.held,
        "held_out_came": way.held_came,
    }


def _top(business: Business | None, *, since: datetime) -> list[dict[str, Any]]:
    values = {"business": business.pk if business else None, "since": since, "limit": TOP}
    with connection.cursor() as cursor:
        cursor.execute(sql.TOP, values)
        rows = cursor.fetchall()
    return [
        {
            "chain_id": str(pk),
            "name": name,
            "exposed": exposed,
            "held_out": held,
            "redeemed": redeemed,
            "revenue": f"{revenue:.2f}",
            "cost": f"{cost:.2f}",
        }
        for pk, name, exposed, held, redeemed, revenue, cost in rows
    ]


def shared_gain() -> dict[str, Any]:
    """How evenly Win-Win is spread: the Gini of each partner's Σ of Win-Win over its pairs with
    enough data: 0 all gain alike, near 1 one partner has it all. None without such a pair."""
    gains: dict[str, float] = {}
    for pair in services.pairs_of(None, at=timezone.now()):
        if pair.index.words != Words.FEW:
            for one in (pair.a, pair.b):
                gains[one.name] = gains.get(one.name, 0.0) + pair.index.value
    found = gini(list(gains.values()))
    return {
        "partners": len(gains),
        "gini": found,
        "gains": [
            {"name": name, "gain": round(gain, 1)}
            for name, gain in sorted(gains.items(), key=lambda one: (-one[1], one[0]))
        ],
    }


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
        "ab": _way(one.ab),
        "ba": _way(one.ba),
    }


def _way(one: Counters) -> dict[str, int]:
    return {
        "exposed": one.exposed,
        "came": one.came,
        "held_out": one.held,
        "held_out_came": one.held_came,
    }
