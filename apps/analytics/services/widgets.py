"""Widgets of what is owed, who stands where, who may leave, what a guest is worth, how fresh it is.

Like those of `dashboards`: a function of (business or None for the network, first day, last day)
that gives plain JSON, money as strings of ₽. Those that read ClickHouse raise clickhouse.Unavailable.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import cache

from apps.analytics import bonus_sql, dashboard_sql, door, rfm_queries
from apps.analytics.churn.queries import newest
from apps.analytics.models import Snapshot
from apps.analytics.queries import freshness
from apps.analytics.rules import months_ahead, never_spent
from apps.analytics.services.reconciling import newest as reconciled
from apps.analytics.tables import sources
from apps.businesses.models import Business

KEPT = 600  # seconds for which slow widgets of other apps are remembered
SHAPE = 2  # of what is remembered: another release does not read what this one wrote
# A partner is reckoned without the network's model and the network without the partner's figures.
WORTH: dict[str, Any] = {
    "day": None, "visits_a_month": None, "kept_a_month": None, "visits_12_months": None,
}  # fmt: skip


def _money(value: Decimal | None) -> str:
    return f"{value or Decimal(0):.2f}"


def liability(business: Business | None, since: date, until: date) -> dict[str, Any]:
    """Bonus liability = Σ unexpired unspent bonuses × cost of one × (1 − breakage), at the end of
    `until`. Breakage: the share that is never spent, by Kaplan–Meier over ages of ten days (spent is
    the event; lapsed, taken back and still open leave the risk). Ageing 0–30, 31–90, 90+ days; earn
    and burn of the range, their ratio burned ÷ earned; accrual months whose bonuses are all past."""
    [(open_now, cost, young, middle, old)] = door.read(
        "liability", bonus_sql.LIABILITY, business, day=until
    )
    lives = door.read("lives", bonus_sql.LIVES, business, day=until)
    breakage = never_spent([(row[1], row[2]) for row in lives])
    [(earned, burned, lapsed, revoked)] = door.read(
        "earn_and_burn", bonus_sql.EARN_AND_BURN, business, since=since, until=until
    )
    cohorts = door.read("bonus_cohorts", bonus_sql.COHORTS, business, day=until)
    return {
        "open": _money(open_now),
        "cost": _money(cost),
        "breakage": None if breakage is None else round(float(breakage), 4),
        "expected_cost": _money(Decimal(cost or 0) * (1 - (breakage or 0))),
        "ageing": {"0-30": _money(young), "31-90": _money(middle), "90+": _money(old)},
        "earned": _money(earned),
        "burned": _money(burned),
        "lapsed": _money(lapsed),
        "revoked": _money(revoked),
        "burn_ratio": round(float(burned / earned), 4) if earned else None,
        "cohorts": [
            {"month": row[0].isoformat(), "issued": _money(row[1]), "spent": _money(row[2]),
             "lapsed": _money(row[3])}
            for row in cohorts
        ],
    }  # fmt: skip


def rfm(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """Grid, sizes and ₽ of segments of the newest night, guests who moved in 30 days. None before
    the first night."""
    found = rfm_queries.snapshot_of(business=business)
    if found is None:
        return None
    moves = rfm_queries.moves(business=business, day=found.day) or []
    summary: dict[str, Any] = found.summary
    return summary | {
        "method": summary["method"] or None,
        "day": found.day.isoformat(),
        "moves": [{"before": old, "now": new, "count": count} for old, new, count in moves],
    }


def churn(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """Expected loss = Σ p × ₽ a month over guests active now; counts of bands and of first reasons,
    how the forecast before came true. Guests by name are `churn.queries.risks`: a picture that is
    kept holds nobody. None before the first night."""
    found = newest(Snapshot.Kind.CHURN, business=business)
    if found is None:
        return None
    check = newest(Snapshot.Kind.CHECK, business=business)
    summary: dict[str, Any] = found.summary
    return summary | {
        "day": found.day.isoformat(),
        "forecast": check.summary if check else None,
    }


def worth(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """What an active guest brings in 12 months. A partner: visits a month × ₽ a visit × Σ kept^m,
    m = 1…12; `kept` is the share of guests of one month who came in the next, drawn towards 0.5 as
    though 20 guests more were known. The network: BG/NBD purchases × Gamma-Gamma receipt, reckoned
    with the weekly model. None without guests."""
    if business is None:
        found = newest(Snapshot.Kind.WORTH, business=None)
        return WORTH | found.summary | {"day": found.day.isoformat()} if found else None
    [(guests, visits, money, were, came)] = door.read(
        "worth", dashboard_sql.WORTH, business, until=until
    )
    if not guests:
        return None
    kept = (Decimal(came) + 10) / (were + 20)
    a_month = Decimal(visits) / guests / 3
    receipt = money / visits
    return WORTH | {
        "guests": guests,
        "visits_a_month": round(float(a_month), 3),
        "receipt": _money(receipt),
        "kept_a_month": round(float(kept), 4),
        "worth_12_months": _money(a_month * receipt * months_ahead(kept, 12)),
    }


def fresh(business: Business | None, since: date, until: date) -> dict[str, Any]:
    """When facts last arrived, how many wait, what the last reconciliation found."""
    now, checked = freshness(), reconciled()
    return {
        "loaded_at": now.loaded_at.isoformat() if now.loaded_at else None,
        "waiting": now.waiting,
        "reconciled": None
        if checked is None
        else {
            "at": checked.computed_at.isoformat(),
            "found": checked.summary["found"],
            "left": checked.summary["left"],
            "rebuilt": checked.summary["rebuilt"],
        },
    }


def of_others(business: Business | None, since: date, until: date) -> dict[str, Any]:
    """Widgets that apps above reckon, remembered for ten minutes."""
    names = [*sources().of_range, *sources().of_now]
    found = {name: of_other(name, business, since, until) for name in names}
    if business is None:
        found |= {name: _kept(name, one) for name, one in sources().of_network.items()}
    return found


def of_other(name: str, business: Business | None, since: date, until: date) -> Any:
    """One of them by its name."""
    place = business.pk if business else "network"
    if name in sources().of_range:
        one = partial(sources().of_range[name], business, since, until)
        return _kept(f"{name}:{place}:{since}:{until}", one)
    return _kept(f"{name}:{place}", partial(sources().of_now[name], business))


def coupon_steps(business: Business | None, since: date, until: date) -> dict[UUID, dict[str, Any]]:
    """`Sources.coupon_steps`; of the network, where they are many, remembered."""
    one = partial(sources().coupon_steps, business, since, until)
    found: dict[UUID, dict[str, Any]] = (
        one() if business else _kept(f"coupon_steps:{since}:{until}", one)
    )
    return found


def _kept(key: str, reckon: Callable[[], Any]) -> Any:
    key = f"widget:{SHAPE}:{key}"
    kept = cache.get(key)
    if kept is None:
        kept = {"value": reckon()}
        cache.set(key, kept, KEPT)
    return kept["value"]


def core(business: Business | None, since: date, until: date) -> list[dict[str, Any]]:
    """Revenue, receipts and buyers by day and trade, live from PostgreSQL."""
    rows = sources().core_series(business=business, since=since, until=until)
    return [
        {"bucket": day.isoformat(), "category": category, "revenue": _money(money),
         "receipts": receipts, "buyers": buyers}
        for day, category, money, receipts, buyers in rows
    ]  # fmt: skip
