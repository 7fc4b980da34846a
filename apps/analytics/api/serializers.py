from decimal import Decimal
from typing import Any

from apps.analytics.enums import Band, Method, Reason, Segment
from apps.analytics.models import ChurnRisk, Snapshot
from apps.analytics.services import DashboardData

NO_NIGHT: dict[str, Any] = {
    "as_of": None,
    "day": None,
    "population": 0,
    "method": None,
    "method_words": "",
    "horizon_days": None,
    "segments": [],
    "grid": [],
    "moves": None,
}


def rfm_data(snapshot: Snapshot | None, moves: list[tuple[str, str, int]] | None) -> dict[str, Any]:
    """Segments with counts and money, the grid behind them, who moved in 30 days."""
    if snapshot is None:
        return NO_NIGHT
    summary = snapshot.summary
    counts: dict[str, int] = {}
    money: dict[str, Decimal] = {}
    for cell in summary["cells"]:
        name = cell["segment"]
        counts[name] = counts.get(name, 0) + cell["count"]
        money[name] = money.get(name, Decimal(0)) + Decimal(cell["money"])
    return {
        "as_of": snapshot.computed_at,
        "day": snapshot.day.isoformat(),
        "population": summary["population"],
        "method": summary["method"] or None,
        "method_words": str(Method(summary["method"]).label) if summary["method"] else "",
        "horizon_days": summary["horizon"],
        "segments": [
            {
                "segment": name,
                "words": str(Segment(name).label),
                "count": counts[name],
                "money": f"{money[name]:.2f}",
            }
            for name in Segment.values
            if name in counts
        ],
        "grid": summary["cells"],
        "moves": None
        if moves is None
        else [{"before": before, "now": now, "count": count} for before, now, count in moves],
    }


def churn_data(
    newest: Snapshot | None, check: Snapshot | None, risks: list[ChurnRisk]
) -> dict[str, Any]:
    """Guests whose leaving would cost most, with the chance and its reasons; how the forecast
    before came true. Chances are of no purchase within `horizon_days`."""
    if newest is None:
        return {
            "as_of": None,
            "day": None,
            "horizon_days": None,
            "model": None,
            "scored": 0,
            "bands": {},
            "reasons": [],
            "expected_loss_a_month": "0.00",
            "members": [],
            "forecast": None,
        }
    summary = newest.summary
    return {
        "as_of": newest.computed_at,
        "day": newest.day.isoformat(),
        "horizon_days": summary.get("horizon"),
        "model": summary.get("kind"),
        "scored": summary["scored"],
        "bands": summary["bands"],
        "reasons": _reasons(list(summary["reasons"]), counts=summary["reasons"]),
        "expected_loss_a_month": summary["expected_loss"],
        "members": [_risk(one) for one in risks],
        "forecast": check.summary | {"as_of": check.computed_at} if check else None,
    }


def _risk(one: ChurnRisk) -> dict[str, Any]:
    return {
        "member_id": str(one.member_id),
        "name": one.member.short_name,
        "probability": float(one.probability),
        "band": one.band,
        "band_words": str(Band(one.band).label),
        "reasons": _reasons(one.reasons),
        "recency_days": one.recency,
        "visits_in_year": one.visits,
        "money_a_month": f"{one.monthly:.2f}",
        "no_offer": one.held_out,
    }


def _reasons(codes: list[str], counts: dict[str, int] | None = None) -> list[dict[str, Any]]:
    words = [{"reason": code, "words": str(Reason(code).label)} for code in codes]
    return [one | {"count": counts[one["reason"]]} for one in words] if counts else words


def dashboard_data(data: DashboardData) -> dict[str, Any]:
    """Widgets with the range and the time that they are as of."""
    return {
        "business_id": str(data.business_id) if data.business_id else None,
        "from": data.since.isoformat(),
        "to": data.until.isoformat(),
        "as_of": data.as_of,
        "is_stale": data.is_stale,
        "waiting": data.waiting,
        "widgets": data.widgets,
        "core": data.core,
    }
