from decimal import Decimal
from typing import Any

from apps.analytics.enums import Method, Segment
from apps.analytics.models import Snapshot


def rfm_data(snapshot: Snapshot | None, moves: list[tuple[str, str, int]] | None) -> dict[str, Any]:
    """Segments with counts and money, the grid behind them, who moved in 30 days."""
    if snapshot is None:
        return {"as_of": None, "day": None, "population": 0, "segments": [], "grid": []}
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
        "method": summary["method"],
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
