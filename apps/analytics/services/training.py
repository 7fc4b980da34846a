"""Fitting, publishing and watching models of leaving. Imported by the command and by tasks, never
by a web process: scikit-learn and scipy are large."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import structlog

from apps.analytics import door, rfm_queries
from apps.analytics.churn import btyd, fit, queries, rules, sql
from apps.analytics.churn.fit import Sample
from apps.analytics.churn.queries import Scope
from apps.analytics.models import ChurnModel, Snapshot
from apps.analytics.services.churn import document_of, due_for_check
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.core import clickhouse

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Fitted:
    """What a fit gave. `refused`: why it may not be published; empty when it may. `metrics` are of
    the newest complete window, of all scopes that learned together."""

    kind: str
    on: date
    document: dict[str, Any]
    metrics: dict[str, Any] | None
    refused: str
    samples: list[Sample]


def samples_of(scopes: list[Scope]) -> list[Sample]:
    """Raises clickhouse.Unavailable."""
    return [
        Sample(
            scope=one,
            rows=queries.to_learn_from(one),
            then=queries.alike(one, day=one.newest),
            now=queries.alike(one, day=one.on),
        )
        for one in scopes
    ]


@clickhouse.patient()
def fit_model(*, network: bool, on: date) -> Fitted:
    """One model as of the end of `on`, nothing later seen: of the network, or of all partners
    pooled, each with its own horizon. MBG/NBD when there is too little to learn from.

    Raises clickhouse.Unavailable."""
    places: list[Business | None] = [None] if network else list(partners())
    found = [queries.scope_of(business=one, on=on) for one in places]
    samples = samples_of([one for one in found if one])
    kind = ChurnModel.Scope.NETWORK if network else ChurnModel.Scope.BUSINESS
    document, metrics = fit.learn(samples), fit.walk_forward(samples)
    if document is None:
        return Fitted(kind, on, fit.cold(samples) | {"metrics": metrics}, metrics, "", samples)
    document |= {"metrics": metrics}
    return Fitted(kind, on, document, metrics, rules.verdict(metrics), samples)


def metrics_of(fitted: Fitted, *, business: Business) -> dict[str, Any] | None:
    """The same report for one partner's guests alone, by what all partners taught then."""
    return fit.walk_forward(fitted.samples, only=business.pk)


def cold_document(fitted: Fitted) -> dict[str, Any]:
    """What scores the same guests when nothing was learned."""
    return fit.cold(fitted.samples) | {"metrics": None}


def publish(fitted: Fitted, *, at: datetime) -> ChurnModel:
    """Write a fit down; it is in force only when nothing speaks against it. A cold start never
    replaces a model that learned."""
    refused = fitted.refused
    if fitted.document["kind"] == "mbg" and _learned_before(fitted):
        refused = "less_than_before"
    model = ChurnModel.objects.create(
        scope=fitted.kind,
        fitted_on=fitted.on,
        document=fitted.document,
        checksum=rules.checksum(fitted.document),
        refused_because=refused,
        published_at=None if refused else at,
        created_at=at,
    )
    if refused and queries.published(fitted.kind, at=fitted.on) is None:
        return publish(replace(fitted, document=cold_document(fitted), refused=""), at=at)
    log.info("churn.fitted", scope=fitted.kind, refused=refused, metrics=fitted.metrics)
    return model


def _learned_before(fitted: Fitted) -> bool:
    before = queries.published(fitted.kind, at=fitted.on)
    return before is not None and before.document["kind"] == "logistic"


def fit_all(*, on: date, at: datetime) -> list[ChurnModel]:
    """Both models, unless this day has them already. Raises clickhouse.Unavailable."""
    made = []
    for network in (True, False):
        kind = ChurnModel.Scope.NETWORK if network else ChurnModel.Scope.BUSINESS
        if not ChurnModel.objects.filter(scope=kind, fitted_on=on).exists():
            made.append(publish(fit_model(network=network, on=on), at=at))
    return made


@clickhouse.patient()
def check_window(*, business: Business | None, day: date, at: datetime) -> Snapshot | None:
    """What became of the guests scored one horizon ago: AUC, Brier, ECE, mean chance and realised
    share, drift of features (alarm above 0.25), share of guests scored, age of the model, and what
    the hold-out says. None while no window has closed. Raises clickhouse.Unavailable."""
    then = due_for_check(business=business, day=day)
    scope = queries.scope_of(business=business, on=then.day) if then else None
    if then is None or scope is None:
        return None
    scope = replace(scope, on=day, horizon=then.summary["horizon"])
    rows = {row.member: row for row in queries.histories(scope, [then.day])}
    scored = clickhouse.read(
        "analytics.scores_of_day", sql.SCORES_OF_DAY, day=then.day, **rfm_queries.scope_of(business)
    )
    pairs = [(rows[member], *rest) for member, *rest in scored if member in rows]
    summary = {"of": then.day.isoformat(), "horizon": scope.horizon} | _came_true(pairs)
    summary |= {"share_scored": round(len(pairs) / len(rows), 6) if rows else None}
    state = _state_of_model(scope, day=day)
    summary |= state
    done, _made = Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.CHECK,
        business=business,
        day=day,
        defaults={"rows": len(pairs), "summary": summary, "computed_at": at},
    )
    for name, value in state["drift"].items():
        if value > rules.DRIFT:
            log.error("churn.drift", feature=name, psi=value, scope=scope.kind)
    return done


def _came_true(pairs: list[Any]) -> dict[str, Any]:
    found = [row for row, _chance, _band, _held in pairs]
    chances = np.array([chance for _row, chance, _band, _held in pairs], dtype=np.float64)
    high = [(row.gone, held) for row, _chance, band, held in pairs if band == "high"]
    asked = [gone for gone, held in high if not held]
    control = [gone for gone, held in high if held]
    return {
        "metrics": fit.metrics(found, chances) if found else None,
        "high_risk": {
            "asked": len(asked), "asked_came": asked.count(False),
            "held_out": len(control), "held_out_came": control.count(False),
        },
    }  # fmt: skip


def _state_of_model(scope: Scope, *, day: date) -> dict[str, Any]:
    model = queries.published(scope.kind, at=day)
    if model is None:
        return {"model": None, "model_age_days": None, "drift": {}}
    document = document_of(model)
    now = queries.histories(scope, [day], parts=1 + scope.guests // queries.AT_ONCE)
    drift = {}
    if "drift_from" in document and now:
        drift = fit.drift(document, rules.features_of(now, horizon=scope.horizon))
    age = (day - model.fitted_on) // timedelta(days=1)
    return {"model": str(model.pk), "model_age_days": age, "drift": drift}


@clickhouse.patient()
def reckon_worth(*, on: date, at: datetime) -> Snapshot | None:
    """What a guest of the network brings in 12 months: BG/NBD purchases × Gamma-Gamma receipt, the
    mean over guests active in the last 365 days. None while too few came twice. Raises
    clickhouse.Unavailable."""
    rows = door.read("worths", sql.WORTHS, None, day=on)
    known = np.array(rows, dtype=np.float64).reshape(-1, 4)
    twice = known[known[:, 0] > 0]
    try:
        comes = btyd.fit("bg", known[:, :3])
        spends = btyd.fit_spend(twice[:, 0], np.maximum(twice[:, 3], 0.01))
    except btyd.NotFitted:
        return None
    now = known[known[:, 2] - known[:, 1] < 52]
    visits = btyd.expected_purchases(comes, now[:, :3], weeks=52)
    receipt = btyd.expected_receipt(spends, now[:, 0], np.where(now[:, 0] > 0, now[:, 3], 0))
    summary = {
        "guests": len(now),
        "visits_12_months": round(float(visits.mean()), 3),
        "receipt": f"{receipt.mean():.2f}",
        "worth_12_months": f"{(visits * receipt).mean():.2f}",
        "bg_nbd": [round(one, 4) for one in comes],
        "gamma_gamma": [round(one, 4) for one in spends],
    }
    done, _made = Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.WORTH,
        business=None,
        day=on,
        defaults={"rows": len(now), "summary": summary, "computed_at": at},
    )
    return done


def check_all(*, day: date, at: datetime) -> int:
    """Every scope whose window has closed; how many were checked. Raises clickhouse.Unavailable."""
    scopes: list[Business | None] = [None, *partners()]
    return sum(check_window(business=one, day=day, at=at) is not None for one in scopes)
