"""Who is about to leave: one guest on the spot, everybody at night. Fitting is in `training`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.queries import surrogates_of
from apps.analytics import rfm_queries
from apps.analytics.churn import queries, rules, sql
from apps.analytics.churn.queries import Scope
from apps.analytics.churn.rules import History
from apps.analytics.models import ChurnModel, ChurnRisk, Snapshot
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.core import clickhouse
from apps.core.errors import NotFound

log = structlog.get_logger(__name__)

NOBODY = UUID(int=0)
SHOWN = 1000  # guests of a scope that are kept by name, those who would cost most
COLUMNS = [
    "scope",
    "business_id",
    "scored_on",
    "member",
    "model",
    "probability",
    "horizon",
    "band",
    "reasons",
    "monthly",
    "held_out",
    "computed_at",
]
START: dict[str, Any] = {
    "kind": "mbg", "code": rules.CODE_VERSION, "parameters": list(rules.PRIOR), "newcomers": {},
}  # fmt: skip


class NothingBought(NotFound):
    """She has never bought there: nothing can be said of her leaving."""


@dataclass(frozen=True)
class Score:
    """One guest on a day. `monthly` ₽; `reasons` the strongest first."""

    row: History
    probability: Decimal
    band: str
    reasons: list[str]
    monthly: Decimal
    held_out: bool

    @property
    def cost(self) -> Decimal:
        """What her leaving would cost, ₽ a month: chance × money a month."""
        return self.probability * self.monthly


def predict_churn(
    user_id: UUID, *, business: Business | None = None, on: date | None = None
) -> float:
    """P(no purchase within the horizon) of a member in the network, or at one business, as of the
    end of `on` (today): 0…1. 1.0 for one who has been silent for so long that she is lost.

    By the published model, else by MBG/NBD with what is known elsewhere.
    Raises NotFound for an unknown member, NothingBought, clickhouse.Unavailable."""
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound
    scope = queries.scope_of(business=business, on=on or timezone.localdate())
    if scope is None:
        raise NothingBought
    her = surrogates_of([str(user_id)])[str(user_id)]
    rows = queries.histories(scope, [scope.on], member=her)
    if rows:
        _model, document = in_force(scope)
        return float(score(document, rows, scope)[0].probability)
    if not queries.has_bought(scope, member=her):
        raise NothingBought
    return 1.0


def in_force(scope: Scope) -> tuple[UUID, dict[str, Any]]:
    """The model by which a scope is scored on its day, and its document. Raises ModelAltered."""
    model = queries.published(scope.kind, at=scope.on)
    return (model.pk, document_of(model)) if model else (NOBODY, START)


def document_of(model: ChurnModel) -> dict[str, Any]:
    """The document, after its checksum was compared. Raises ModelAltered."""
    document: dict[str, Any] = model.document
    if rules.checksum(document) != model.checksum:
        raise rules.ModelAltered(str(model.pk))
    return document if document["code"] == rules.CODE_VERSION else START


def score(document: dict[str, Any], rows: list[History], scope: Scope) -> list[Score]:
    """A score for each row, in their order."""
    if not rows:
        return []
    chances, added = rules.scores(document, rows, horizon=scope.horizon)
    return [
        Score(
            row=row,
            probability=round(Decimal(float(chance)), 5),
            band=rules.band_of(float(chance)).value,
            reasons=rules.reasons_of(part),
            monthly=round(Decimal(rules.monthly_money(row)), 2),
            held_out=rules.band_of(float(chance)) == "high" and rules.is_held_out(row.member),
        )
        for row, chance, part in zip(rows, chances, added, strict=True)
    ]


@clickhouse.patient()
def score_scope(*, business: Business | None, day: date, at: datetime) -> Snapshot:
    """Score everybody active on `day`, replace what stood there, keep who would cost most.

    Rows first, then the mark that it is done: a crash between leaves the day unmarked.
    Raises clickhouse.Unavailable, ModelAltered."""
    scope = queries.scope_of(business=business, on=day)
    summary: dict[str, Any] = {"scored": 0, "bands": {}, "reasons": {}, "expected_loss": "0.00"}
    if scope:
        model, document = in_force(scope)
        found: list[Score] = []
        for number, rows in enumerate(queries.to_score(scope)):
            scored = score(document, rows, scope)
            _store(scope, scored, model=model, at=at, part=number)
            found = sorted([*found, *scored], key=lambda one: -one.cost)
            summary = _added(summary, scored)
            found = found[:SHOWN]
        older = rfm_queries.scope_of(business) | {"day": day, "at": at}
        clickhouse.write("analytics.older_scores", sql.OLDER_SCORES, **older)
        summary |= {"horizon": scope.horizon, "guests": scope.guests, "model": str(model)}
        summary |= {"kind": document["kind"]}
        _keep(business, found, day=day)
    done, _made = Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.CHURN,
        business=business,
        day=day,
        defaults={"rows": summary["scored"], "summary": summary, "computed_at": at},
    )
    return done


def _added(summary: dict[str, Any], scored: Iterable[Score]) -> dict[str, Any]:
    bands, reasons = dict(summary["bands"]), dict(summary["reasons"])
    loss, count = Decimal(summary["expected_loss"]), summary["scored"]
    for one in scored:
        count += 1
        loss += one.cost
        bands[one.band] = bands.get(one.band, 0) + 1
        if one.band != "low" and one.reasons:
            reasons[one.reasons[0]] = reasons.get(one.reasons[0], 0) + 1
    return {"scored": count, "bands": bands, "reasons": reasons, "expected_loss": f"{loss:.2f}"}


def _store(scope: Scope, scored: list[Score], *, model: UUID, at: datetime, part: int) -> None:
    named = rfm_queries.scope_of(scope.business)
    rows = [
        [named["scope"], UUID(named["of"]), scope.on, one.row.member, model, one.probability]
        + [scope.horizon, one.band, one.reasons, one.monthly, int(one.held_out), at]
        for one in scored
    ]
    if rows:
        token = f"churn {named['of']} {scope.on} {at.isoformat()} {part}"
        clickhouse.insert("churn_scores", COLUMNS, rows, token=token)


@transaction.atomic
def _keep(business: Business | None, found: list[Score], *, day: date) -> None:
    """The guests at risk under their own ids, in PostgreSQL: lists, segments and her own export
    need no ClickHouse."""
    wanted = {one.row.member for one in found if one.band != "low"}
    names = dict(rfm_queries.members_of(wanted)) if wanted else {}
    ChurnRisk.objects.filter(business=business).delete()
    shown = [one for one in found if one.band != "low" and one.row.member in names]
    ChurnRisk.objects.bulk_create(
        ChurnRisk(
            business=business,
            member_id=names[one.row.member],
            rank=rank,
            day=day,
            probability=one.probability,
            band=one.band,
            reasons=one.reasons,
            recency=one.row.recency,
            visits=one.row.visits_year,
            monthly=one.monthly,
            held_out=one.held_out,
        )
        for rank, one in enumerate(shown, start=1)
    )


def score_all(*, day: date, at: datetime) -> int:
    """The network and every partner as of the end of `day`; what is done already is left alone.

    How many scopes were scored now. Raises clickhouse.Unavailable; what was done stays done."""
    done = set(
        Snapshot.objects.filter(kind=Snapshot.Kind.CHURN, day=day).values_list(
            "business", flat=True
        )
    )
    scopes: list[Business | None] = [None, *partners()]
    waiting = [one for one in scopes if (one.pk if one else None) not in done]
    for one in waiting:
        score_scope(business=one, day=day, at=at)
    log.info("churn.scored", day=str(day), scopes=len(waiting))
    return len(waiting)


def due_for_check(*, business: Business | None, day: date) -> Snapshot | None:
    """The newest scoring whose horizon is over by the end of `day`."""
    rows = Snapshot.objects.filter(kind=Snapshot.Kind.CHURN, business=business, rows__gt=0)
    for one in rows.filter(day__lte=day - timedelta(days=14)).order_by("-day"):
        if one.day + timedelta(days=one.summary["horizon"]) <= day:
            return one
    return None


def forget_member(*, member_id: UUID) -> None:
    """She was erased: what was guessed about her goes. Twice is once."""
    ChurnRisk.objects.filter(member=member_id).delete()
