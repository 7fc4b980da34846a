"""RFM as arithmetic: the map of segments, thresholds of small populations, the churn horizon.

Scores of a population are given in ClickHouse (`sql.RFM`) by integers only, so that neither the
order of rows nor ties matter; `scores_of` is the same definition in Python, which tests compare.
"""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal

from apps.analytics.enums import Method, Segment

RULE_VERSION = 1
WINDOW_DAYS = 365  # of frequency and money
HALF_YEAR = 180  # days that thresholds of frequency look back
NEW_DAYS = 30  # a guest is new for so long
FULL, FEW = 200, 50  # guests from which fifths are sound, and from which they are shown at all
LEAST_LEVELS = 5  # different frequencies without which fifths say little
HORIZONS = (14, 30, 60, 90)  # days

S = Segment
# Rows are R 1…5, columns F 1…5: complete and disjoint.
GRID: tuple[tuple[Segment, ...], ...] = (
    (S.HIBERNATING, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
    (S.HIBERNATING, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
    (S.ABOUT_TO_SLEEP, S.ABOUT_TO_SLEEP, S.ATTENTION, S.LOYAL, S.LOYAL),
    (S.PROMISING, S.POTENTIAL, S.POTENTIAL, S.LOYAL, S.LOYAL),
    (S.NEW, S.POTENTIAL, S.POTENTIAL, S.CHAMPION, S.CHAMPION),
)
# Days of recency and visits in half a year, by what a trade's guests are used to. A café is seen
# weekly, a dentist twice a year.
FIXED: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "gastro": ((7, 14, 30, 60), (2, 4, 8, 16)),
    "salon": ((30, 45, 60, 90), (2, 3, 5, 8)),
    "cosmetics": ((30, 60, 90, 120), (2, 3, 4, 6)),
    "dental": ((60, 120, 180, 270), (2, 3, 4, 6)),
    "medical": ((60, 120, 180, 270), (2, 3, 4, 6)),
    "network": ((7, 14, 30, 60), (2, 4, 8, 16)),
}


def segment_of(r: int, f: int, *, recency: int, tenure: int, horizon: int) -> Segment:
    """The one name of a guest. Days: `recency` since her last purchase, `tenure` since her first,
    `horizon` after which a silent guest counts as gone."""
    found = GRID[r - 1][f - 1]
    if found is S.NEW and tenure > NEW_DAYS:
        return S.PROMISING
    if found is S.HIBERNATING and r == 1 and recency > horizon:
        return S.LOST
    return found


def scores_of(values: Sequence[int]) -> list[int]:
    """1…5 by how many are strictly smaller: equal values get equal scores, no float anywhere."""
    ordered = sorted(values)
    return [1 + 5 * bisect_left(ordered, value) // len(ordered) for value in values]


def method_of(population: int, levels: int) -> Method:
    """How to score `population` guests with `levels` different frequencies. One guest alone is
    scored by the formula, which never makes her a champion."""
    if 1 < population < FEW:
        return Method.FIXED
    if population < FULL or levels < LEAST_LEVELS:
        return Method.PRELIMINARY
    return Method.QUANTILE


def horizon_of(gap_p90: float | None) -> int:
    """Days without a purchase after which a guest is gone: twice the 90th percentile of days
    between purchases, 14 to 90, rounded to 14, 30, 60 or 90. 90 while nobody came twice."""
    if gap_p90 is None:
        return HORIZONS[-1]
    wanted = min(max(2 * gap_p90, HORIZONS[0]), HORIZONS[-1])
    return min(HORIZONS, key=lambda days: (abs(days - wanted), days))


def never_spent(ages: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Kaplan–Meier: the share of bonuses that outlives all ages unspent. `ages` are, from the
    youngest, sums spent at that age and sums that left the risk otherwise. None without any."""
    at_risk = sum((spent + gone for spent, gone in ages), Decimal(0))
    if at_risk <= 0:
        return None
    left = Decimal(1)
    for spent, gone in ages:
        if at_risk > 0:
            left *= 1 - min(max(spent, Decimal(0)) / at_risk, Decimal(1))
        at_risk -= spent + gone
    return left


def months_ahead(kept: Decimal, count: int) -> Decimal:
    """Σ kept^m for m = 1…count: months that a guest is still there for, on average."""
    return sum((kept**m for m in range(1, count + 1)), Decimal(0))


def gini(values: Sequence[float | Decimal]) -> float | None:
    """How unevenly a sum is spread: Σ (2i − n − 1)·xᵢ ÷ (n·Σx) over values in rising order, i from
    1. 0: all alike; (n − 1) ÷ n: one has it all. None without a sum."""
    ordered = sorted(float(max(value, 0)) for value in values)
    total, count = sum(ordered), len(ordered)
    if total <= 0:
        return None
    ranked = sum((2 * rank - count - 1) * one for rank, one in enumerate(ordered, start=1))
    return round(ranked / (count * total), 4)
