"""Who goes together: from shared guests to suggestions. Pure arithmetic by analytics.md 5.4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

SHRINK = 20.0  # guests of the average that each share is mixed with
MEASURED = 200.0  # treated guests at which a measurement weighs as much as the forecast
SLOPE, LEAST_FOR_SLOPE = 0.1, 5  # uplift per point of affinity until five chains have shown it
SHARE_OF_VISITS = 0.2  # a chain may bring a partner at most this part of its monthly visits
LEAST_GROUP = 10  # smaller groups of guests are not spoken of


@dataclass(frozen=True)
class Pull:
    """How A's guests go to B: the share of them who do, of the others who do, both shrunk to the
    average, and their difference Δ."""

    inside: float
    outside: float

    @property
    def delta(self) -> float:
        return self.inside - self.outside


def pull(*, both: int, of_a: int, of_b: int, everybody: int) -> Pull:
    """P(B|A) and P(B|¬A). Lift is not used: where people visit many places a rare one gets a huge
    lift, and ranking by it is worse than chance."""
    average = of_b / everybody if everybody else 0.0
    others = everybody - of_a
    inside = (both + SHRINK * average) / (of_a + SHRINK)
    outside = (of_b - both + SHRINK * average) / (others + SHRINK)
    return Pull(inside, outside)


def cosine(*, both: int, of_a: int, of_b: int) -> float:
    """How near two partners are, shrunk so that a few shared guests of two small ones do not
    outrank the rest."""
    return both / (sqrt(of_a * of_b) + SHRINK)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """κ: measured uplift per point of Δ over launched chains, by least squares through zero."""
    square = sum(delta * delta for delta, _uplift in points)
    if len(points) < LEAST_FOR_SLOPE or square == 0:
        return SLOPE
    return max(0.0, sum(delta * uplift for delta, uplift in points) / square)


def weight(treated: int) -> float:
    """How much a measurement counts against the forecast."""
    return treated / (treated + MEASURED)


def capacity(*, guests: float, visits: float) -> float:
    """1 when B can take the guests, less when they would be more than a fifth of its visits."""
    return 1.0 if guests <= 0 else min(1.0, SHARE_OF_VISITS * visits / guests)


def next_places(
    visited: set[object], together: Mapping[tuple[object, object], int], limit: int
) -> list[object]:
    """Places a guest has not been to, nearest to those she has by shrunk cosine."""
    sizes = {one: count for (one, two), count in together.items() if one == two}
    scores: dict[object, float] = {}
    for (one, two), both in together.items():
        if one in visited and two not in visited:
            near = cosine(both=both, of_a=sizes[one], of_b=sizes[two])
            scores[two] = scores.get(two, 0.0) + near
    return sorted(scores, key=lambda place: (-scores[place], str(place)))[:limit]
