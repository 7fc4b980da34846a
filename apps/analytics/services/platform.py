"""The widget of the network alone: how many partners sell, how much, how evenly, who goes to several.

Raises clickhouse.Unavailable.
"""

from datetime import date
from typing import Any

from apps.analytics import dashboard_queries as asked
from apps.analytics.rules import gini
from apps.businesses.models import State
from apps.businesses.queries import partners

CROSS_DAYS = 30


def platform(since: date, until: date) -> dict[str, Any]:
    """Of the range: GMV = Σ bills before discounts and bonuses, net of returns, ₽; active partners =
    those with a receipt of which something is left, beside all that are open; concentration = the
    Gini of GMV over partners that sold. Cross-visit share = buyers with two partners or more ÷
    buyers, of the 30 days up to `until`, in %. Cohorts of partners: month of the first sale ×
    months since, partners that sold something; empty where the month has not begun."""
    found = asked.by_partner(since=since, until=until)
    buyers, crossed = asked.cross_visits(until=until)
    names = dict(partners().values_list("pk", "name"))
    return {
        "gmv": f"{sum(one.gmv for one in found):.2f}",
        "open_partners": partners().filter(state=State.ACTIVE).count(),
        "active_partners": sum(one.receipts > 0 for one in found),
        "gini": gini([one.gmv for one in found]),
        "buyers_in_30_days": buyers,
        "at_several_partners": crossed,
        "cross_visit_share": round(100 * crossed / buyers, 1) if buyers else None,
        "partners": [
            {
                "business_id": str(one.business_id),
                "name": names.get(one.business_id, ""),
                "gmv": f"{one.gmv:.2f}",
                "revenue": f"{one.revenue:.2f}",
                "receipts": one.receipts,
                "buyers": one.buyers,
            }
            for one in found
        ],
        "cohorts": [
            {"month": one.month.isoformat(), "size": one.size, "kept": one.kept}
            for one in asked.partner_cohorts(until=until)
        ],
    }
