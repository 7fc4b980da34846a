"""Churn as arithmetic: features and their groups, cuts, bands, the score of a model's document."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray

from apps.analytics.enums import Band, Reason

Floats = NDArray[np.float64]

CODE_VERSION = 1  # of features and transform: a document of another version is not used
CUT_STEP = 30  # days between training cuts
MOST_CUTS = 12
FIRST_CUT = 30  # days after the first purchase of the scope
LEAST_ROWS, LEAST_EACH = 300, 30  # of training: in all, and of those who left and who stayed
BETTER_THAN_RECENCY = 0.02  # of AUC
WORST_ECE = 0.06
DRIFT = 0.25  # PSI that is an alarm
LOW, HIGH = 0.3, 0.6
HELD_OUT = 10  # % of those at high risk who get no offer to come back
# r, α, a, b of MBG/NBD for CDNOW in weeks (analytics.md 2.1): where a coalition without a history
# of its own starts from.
PRIOR = (0.5248, 6.1830, 0.8914, 1.6140)
NEWCOMERS = 30  # one-time guests that a base rate of a trade needs

# Feature → the group whose contribution a reason names. Single signs flip among collinear features.
FEATURES: dict[str, Reason] = {
    "recency": Reason.SILENCE,
    "gap": Reason.SILENCE,
    "recency_to_gap": Reason.SILENCE,
    "visits_90": Reason.FREQUENCY,
    "visits_year": Reason.FREQUENCY,
    "money_90": Reason.MONEY,
    "receipt": Reason.MONEY,
    "weekdays": Reason.BREADTH,
    "places": Reason.BREADTH,
    "with_bonuses": Reason.BREADTH,
}


class ModelAltered(Exception):
    """The document no longer has its checksum: somebody edited it. It is not used."""


@dataclass(frozen=True)
class History:
    """One guest at one cut, nothing in it dated later. Days, ₽; `gone`: no purchase within the
    horizon after the cut, known only once that is past."""

    cut: date
    member: UUID
    recency: int
    tenure: int
    visits: int
    visits_90: int
    visits_year: int
    money_90: float
    money_year: float
    weekdays: int
    places: int
    with_bonuses: int
    category: str
    gone: bool


def active_days(horizon: int) -> int:
    """Guests with a purchase in so many days are asked about; others are lost already. Half a year
    where people come rarely."""
    return 180 if horizon >= 90 else 90


def cuts_until(newest: date, *, first: date, count: int) -> list[date]:
    """Monthly cuts back from the newest whose window is complete, newest first."""
    found = [newest - timedelta(days=CUT_STEP * n) for n in range(count)]
    return [cut for cut in found if cut >= first + timedelta(days=FIRST_CUT)]


def features_of(rows: list[History], *, horizon: int) -> Floats:
    """A row for each history, columns as FEATURES, ln(1 + value). The gap between visits has one
    gap of half a horizon added, so that a one-time guest has one too."""
    plain = np.array(
        [
            (r.recency, r.tenure, r.visits, r.visits_90, r.visits_year, r.money_90, r.money_year)
            + (r.weekdays, r.places, r.with_bonuses)
            for r in rows
        ],
        dtype=np.float64,
    ).reshape(-1, 10)
    recency, tenure, visits, visits_90, visits_year, money_90, money_year = plain.T[:7]
    gap = (tenure - recency + horizon / 2) / visits
    receipt = money_year / np.maximum(visits_year, 1)
    columns = [recency, gap, recency / gap, visits_90, visits_year]
    columns += [np.maximum(money_90, 0), np.maximum(receipt, 0), *plain.T[7:]]
    return np.log1p(np.column_stack(columns))


def histories_of(rows: list[History]) -> Floats:
    """The same for models of `btyd`: purchase days after the first, weeks to the last and to now."""
    return np.array(
        [(r.visits - 1, (r.tenure - r.recency) / 7, r.tenure / 7) for r in rows], dtype=np.float64
    ).reshape(-1, 3)


def checksum(document: dict[str, Any]) -> str:
    """SHA-256 of a model's document."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def scores(document: dict[str, Any], rows: list[History], *, horizon: int) -> tuple[Floats, Floats]:
    """P(no purchase within the horizon) of each guest, and what each group of features adds to its
    log-odds (columns as Reason). Needs nothing but the document."""
    if document["kind"] == "logistic":
        return _logistic(document, rows, horizon=horizon)
    return _cold(document, rows, horizon=horizon)


def _logistic(
    document: dict[str, Any], rows: list[History], *, horizon: int
) -> tuple[Floats, Floats]:
    plain = features_of(rows, horizon=horizon)
    mean, scale = np.array(document["mean"]), np.array(document["scale"])
    parts = (plain - mean) / scale * np.array(document["coef"])
    odds = parts.sum(axis=1) + document["intercept"]
    slope, shift = document["platt"]
    groups = list(FEATURES.values())
    added = np.column_stack(
        [parts[:, [group is one for group in groups]].sum(axis=1) for one in Reason]
    )
    return 1 / (1 + np.exp(-(slope * odds + shift))), slope * added


def _cold(document: dict[str, Any], rows: list[History], *, horizon: int) -> tuple[Floats, Floats]:
    """MBG/NBD; a guest of one purchase by what became of such guests of the same trade."""
    parameters: Any = tuple(document["parameters"])
    histories = histories_of(rows)
    chance = silent_through(parameters, histories, weeks=horizon / 7)
    rates = document["newcomers"]
    chance = np.array(
        [
            rates.get(row.category, p) if row.visits == 1 and row.tenure <= NEWCOMERS else p
            for row, p in zip(rows, chance, strict=True)
        ]
    )
    plain = features_of(rows, horizon=horizon)
    added = np.zeros((len(rows), len(Reason)))
    if len(rows):
        added[:, 0] = plain[:, 2] - np.log(2)  # silent for longer than her usual gap
        added[:, 1] = np.log(2) - np.log1p(histories[:, 0])  # came once only
    return chance, added


def silent_through(theta: tuple[float, ...], histories: Floats, *, weeks: float) -> Floats:
    """P(no purchase in the next `weeks`) by MBG/NBD (`btyd`): she has left, or she is here and
    stays silent. Never 1 − P(alive): BG/NBD calls every one-time buyer alive."""
    r, alpha, a, b = theta
    x, t_x, t = histories.T
    here = (r + x) * (np.log(alpha + t_x) - np.log(alpha + t)) - np.log(a / (b + x))
    silent = here + (r + x) * (np.log(alpha + t) - np.log(alpha + t + weeks))
    chance: Floats = (1 + np.exp(silent)) / (1 + np.exp(here))
    return chance


def band_of(chance: float) -> Band:
    """Low below 0.3, high from 0.6."""
    if chance < LOW:
        return Band.LOW
    return Band.HIGH if chance >= HIGH else Band.MEDIUM


def reasons_of(added: Floats) -> list[str]:
    """Up to three groups that raise the risk, the strongest first."""
    order = sorted(zip(added, Reason, strict=True), key=lambda pair: -pair[0])
    return [reason.value for part, reason in order if part > 0][:3]


def is_held_out(member: UUID) -> bool:
    """One of the 10 % of whom nobody asks to come back, for good: without them nobody would know
    whether asking earns anything."""
    digest = hashlib.sha256(b"winback:" + member.bytes).digest()
    return int.from_bytes(digest[:8], "big") % 100 < HELD_OUT


def monthly_money(row: History) -> float:
    """₽ a month over the year behind, or over her time with us when that is shorter."""
    return max(row.money_year, 0.0) * 30 / min(max(row.tenure, 30), 365)


def verdict(metrics: dict[str, Any] | None) -> str:
    """Why a model may not be published; empty when it may."""
    if metrics is None:
        return "no_report"
    if metrics["auc"] < metrics["auc_recency"] + BETTER_THAN_RECENCY:
        return "no_better_than_recency"
    return "badly_calibrated" if metrics["ece"] > WORST_ECE else ""
