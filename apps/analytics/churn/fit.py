"""Learning: one pooled logistic regression walk-forward with Platt's recalibration, its report.

`walk_forward` does on the newest complete cut what would have been done on that day: it learns
only from cuts whose windows were complete then. `learn` makes the model to use from all cuts but
the newest and recalibrates it on that one. scikit-learn is used here and nowhere else: a fitted
model leaves as a JSON document (`rules.scores` reads it), never as a pickle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

from apps.analytics.churn import btyd, rules
from apps.analytics.churn.queries import Scope
from apps.analytics.churn.rules import Floats, History

Alike = tuple[int, int, int, int]  # repeat days, days to the last, days to the day, guests
BIN_ROWS = 200  # of a bin of calibration: in fewer rows chance alone misses by 0.03
SHRINK = 5.0  # guests at the overall rate that a trade's newcomers are mixed with


@dataclass(frozen=True)
class Sample:
    """One scope's guests at all its complete cuts; and all its guests, lost ones too, as they were
    known at the newest cut (`then`) and are known now."""

    scope: Scope
    rows: list[History]
    then: list[Alike]
    now: list[Alike]

    def at(self, cuts: Sequence[date]) -> list[History]:
        wanted = set(cuts)
        return [row for row in self.rows if row.cut in wanted]


@dataclass(frozen=True)
class Table:
    """Features and outcomes of several scopes together: what "pooled" means."""

    x: Floats
    gone: NDArray[np.bool_]

    @property
    def is_enough(self) -> bool:
        left = int(self.gone.sum())
        stayed = len(self.gone) - left
        return len(self.gone) >= rules.LEAST_ROWS and min(left, stayed) >= rules.LEAST_EACH


def table(parts: list[tuple[Scope, list[History]]]) -> Table:
    features = [rules.features_of(rows, horizon=scope.horizon) for scope, rows in parts]
    gone = [row.gone for _scope, rows in parts for row in rows]
    empty = np.empty((0, len(rules.FEATURES)))
    return Table(np.vstack([empty, *features]), np.array(gone, dtype=bool))


def _logistic(train: Table, platt: Table) -> dict[str, Any] | None:
    """The fitted part of a document; None when there is too little to learn from."""
    if not train.is_enough or len(set(platt.gone.tolist())) < 2:
        return None
    # A column that never changes may come out with a variance of -1e-20; the scaler knows it as
    # constant and divides it by one.
    with np.errstate(invalid="ignore"):
        scaler = StandardScaler().fit(train.x)
    assert np.isfinite(scaler.scale_).all()
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(train.x), train.gone)
    odds = model.decision_function(scaler.transform(platt.x)).reshape(-1, 1)
    again = LogisticRegression(C=1e6).fit(odds, platt.gone)
    return {
        "kind": "logistic",
        "code": rules.CODE_VERSION,
        "features": list(rules.FEATURES),
        "transform": "log1p",
        "mean": _plain(scaler.mean_),
        "scale": _plain(scaler.scale_),
        "coef": _plain(model.coef_[0]),
        "intercept": _plain(model.intercept_)[0],
        "platt": _plain(np.array([again.coef_[0][0], again.intercept_[0]])),
        "rows": {
            "train": len(train.gone),
            "churned": int(train.gone.sum()),
            "retained": int((~train.gone).sum()),
            "platt": len(platt.gone),
        },
    }


def _plain(values: Floats) -> list[float]:
    """As PostgreSQL will give them back: it knows no minus zero, and the checksum would differ."""
    return [round(float(value), 10) + 0.0 for value in values]


def learn(samples: list[Sample]) -> dict[str, Any] | None:
    """The document of a model as of the day of the scopes: trained on all complete cuts but the
    newest, recalibrated on that. None when there is too little."""
    train, platt = [], []
    for one in samples:
        cuts = one.scope.cuts()
        train.append((one.scope, one.at(cuts[1 : rules.MOST_CUTS + 1])))
        platt.append((one.scope, one.at(cuts[:1])))
    trained = table(train)
    found = _logistic(trained, table(platt))
    if found:
        found["cuts"] = _said(samples)
        found["drift_from"] = _deciles(trained.x)
    return found


def _said(samples: list[Sample]) -> dict[str, Any]:
    cuts = sorted({cut for one in samples for cut in one.scope.cuts()[: rules.MOST_CUTS + 1]})
    return {
        "first": cuts[0].isoformat(),
        "newest": cuts[-1].isoformat(),
        "count": max(len(one.scope.cuts()[: rules.MOST_CUTS + 1]) for one in samples),
        "horizons": sorted({one.scope.horizon for one in samples}),
    }


def walk_forward(samples: list[Sample], *, only: UUID | None = None) -> dict[str, Any] | None:
    """Metrics on the newest complete cut of a model that knew no later, of all guests or of those
    of one partner; None when too little."""
    train, platt, judged = [], [], []
    for one in samples:
        cuts = [cut for cut in one.scope.cuts() if one.scope.known_at_newest(cut)]
        train.append((one.scope, one.at(cuts[1:])))
        platt.append((one.scope, one.at(cuts[:1])))
        judged.append((one.scope, one.at([one.scope.newest])))
    document = _logistic(table(train), table(platt))
    if document is None:
        return None
    if only:
        pairs = [(one, part) for one, part in zip(samples, judged, strict=True) if _is(one, only)]
        samples, judged = [one for one, _part in pairs], [part for _one, part in pairs]
    if not any(rows for _scope, rows in judged):
        return None
    chances = [rules.scores(document, rows, horizon=scope.horizon)[0] for scope, rows in judged]
    floors = [_mbg(one, rows) for one, (_scope, rows) in zip(samples, judged, strict=True)]
    rows = [row for _scope, found in judged for row in found]
    return metrics(rows, np.concatenate(chances), mbg=np.concatenate(floors))


def _is(sample: Sample, business: UUID) -> bool:
    return sample.scope.business is not None and sample.scope.business.pk == business


def _mbg(sample: Sample, rows: list[History]) -> Floats:
    """What MBG/NBD says of the same guests, fitted on everybody known at the cut."""
    parameters = cold_parameters(sample.then)
    weeks = sample.scope.horizon / 7
    return rules.silent_through(parameters, rules.histories_of(rows), weeks=weeks)


def cold_parameters(guests: list[Alike]) -> tuple[float, ...]:
    """MBG/NBD of these guests, drawn towards CDNOW's; CDNOW's alone when nothing fits."""
    known = np.array(guests, dtype=np.float64).reshape(-1, 4)
    days = known[:, :3] / [1, 7, 7]
    try:
        return btyd.fit("mbg", days, counts=known[:, 3], prior=True)
    except btyd.NotFitted:
        return rules.PRIOR


def cold(samples: list[Sample]) -> dict[str, Any]:
    """The document of a scope without enough to learn from: no outcomes are needed."""
    guests = [one for sample in samples for one in sample.now]
    return {
        "kind": "mbg",
        "code": rules.CODE_VERSION,
        "parameters": _plain(np.array(cold_parameters(guests))),
        "newcomers": _newcomers([row for one in samples for row in one.rows]),
        "rows": {"train": sum(one[3] for one in guests)},
    }


def _newcomers(rows: list[History]) -> dict[str, float]:
    """Trade → share of its one-time guests of the last 30 days who did not come again."""
    new = [row for row in rows if row.visits == 1 and row.tenure <= rules.NEWCOMERS]
    if not new:
        return {}
    overall = sum(row.gone for row in new) / len(new)
    found = {}
    for category in {row.category for row in new}:
        gone = [row.gone for row in new if row.category == category]
        if len(gone) >= rules.NEWCOMERS:
            rate = (sum(gone) + SHRINK * overall) / (len(gone) + SHRINK)
            found[category] = round(rate, 6)
    return found


def metrics(
    rows: list[History], chances: Floats, *, mbg: Floats | None = None
) -> dict[str, Any] | None:
    """How well these chances foretold what came, beside the two floors: days since the last
    purchase alone, and MBG/NBD. None while all did the same."""
    gone = np.array([row.gone for row in rows], dtype=bool)
    if len(set(gone.tolist())) < 2:
        return None
    recency = np.array([row.recency for row in rows], dtype=np.float64)
    found = {
        "cut": max(row.cut for row in rows).isoformat(),
        "rows": len(rows),
        "churned": int(gone.sum()),
        "rate": round(float(gone.mean()), 6),
        "mean_probability": round(float(chances.mean()), 6),
        "auc": round(float(roc_auc_score(gone, chances)), 6),
        "auc_recency": round(float(roc_auc_score(gone, recency)), 6),
        "brier": round(float(brier_score_loss(gone, chances)), 6),
        "brier_base": round(float(gone.mean() * (1 - gone.mean())), 6),
        "ece": round(calibration_error(gone, chances), 6),
    }
    if mbg is not None:
        found["auc_mbg"] = round(float(roc_auc_score(gone, mbg)), 6)
        found["brier_mbg"] = round(float(brier_score_loss(gone, mbg)), 6)
    return found


def calibration_error(gone: NDArray[np.bool_], chances: Floats) -> float:
    """Expected calibration error: |mean chance − share that left|, averaged over two to ten bins
    of equal size, 200 rows at least in each."""
    bins = min(max(len(gone) // BIN_ROWS, 2), 10)
    parts = np.array_split(np.argsort(chances, kind="stable"), bins)
    return float(
        sum(len(p) * abs(chances[p].mean() - gone[p].mean()) for p in parts if len(p)) / len(gone)
    )


# --- drift ---------------------------------------------------------------------------------------
def _deciles(x: Floats) -> dict[str, dict[str, list[float]]]:
    """Where the tenths of each feature ended in training, and what share fell between."""
    found = {}
    for name, column in zip(rules.FEATURES, x.T, strict=True):
        edges = np.unique(np.quantile(column, np.linspace(0.1, 0.9, 9)))
        found[name] = {"edges": _plain(edges), "shares": _plain(_shares(column, edges))}
    return found


def _shares(column: Floats, edges: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(edges, column), minlength=len(edges) + 1)
    return counts / max(len(column), 1)


def drift(document: dict[str, Any], x: Floats) -> dict[str, float]:
    """Feature → population stability index against training; above 0.25 is an alarm."""
    found = {}
    for name, column in zip(rules.FEATURES, x.T, strict=True):
        then = document["drift_from"][name]
        was = np.maximum(np.array(then["shares"]), 1e-4)
        now = np.maximum(_shares(column, np.array(then["edges"])), 1e-4)
        found[name] = round(float(np.sum((now - was) * np.log(now / was))), 6)
    return found
