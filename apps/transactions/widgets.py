"""What a dashboard takes from PostgreSQL: core figures without ClickHouse, tiers, lines."""

from datetime import date
from typing import Any

from django.db import connection

from apps.analytics.dashboard_queries import Figures
from apps.businesses.models import Business

LEAST_GROUP = 10  # of guests whose tiers are told: a tier is earned at other partners too

_DAYS = """
    {moment} >= %(first)s::date - 2 AND {moment} < %(last)s::date + 2
    AND ({moment} AT TIME ZONE b.zone)::date BETWEEN %(first)s AND %(last)s
    AND (%(business)s::uuid IS NULL OR t.business_id = %(business)s)
"""
_SOLD, _RETURNED = _DAYS.format(moment="t.occurred_at"), _DAYS.format(moment="r.at")
CORE = f"""
SELECT coalesce(sum(money), 0)::numeric(18, 2),
       coalesce(sum(receipts), 0)::bigint,
       (SELECT count(DISTINCT t.member_id)
        FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
        WHERE {_SOLD} AND t.status <> 'refunded'),
       coalesce(sum(accrued), 0)::numeric(18, 2), coalesce(sum(spent), 0)::numeric(18, 2)
FROM (
    SELECT sum(t.to_pay) AS money, count(*) FILTER (WHERE t.status <> 'refunded') AS receipts,
           sum(t.bonus_accrued) AS accrued, sum(t.bonus_spent) AS spent
    FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD}
    UNION ALL
    SELECT -sum(r.money), 0, -sum(r.bonus_taken), -sum(r.bonus_returned)
    FROM transactions_refund r JOIN transactions_transaction t ON t.id = r.transaction_id
    JOIN businesses_business b ON b.id = t.business_id
    WHERE {_RETURNED}
) parts
"""  # noqa: S608 - constants of this file
BY_DAY = f"""
SELECT day, category, sum(money)::numeric(18, 2), sum(receipts)::bigint, sum(buyers)::bigint FROM (
    SELECT (t.occurred_at AT TIME ZONE b.zone)::date AS day, b.category, sum(t.to_pay) AS money,
           count(*) AS receipts, count(DISTINCT t.member_id) AS buyers
    FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD} GROUP BY 1, 2
    UNION ALL
    SELECT (r.at AT TIME ZONE b.zone)::date, b.category, -sum(r.money), 0, 0
    FROM transactions_refund r JOIN transactions_transaction t ON t.id = r.transaction_id
    JOIN businesses_business b ON b.id = t.business_id
    WHERE {_RETURNED} GROUP BY 1, 2
) parts GROUP BY day, category ORDER BY day, category
"""  # noqa: S608 - constants of this file
TIERS = f"""
WITH guests AS MATERIALIZED (
    SELECT DISTINCT t.member_id
    FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD}
), paid AS (
    SELECT t.member_id, sum(t.to_pay - t.money_returned) AS money
    FROM transactions_transaction t JOIN guests USING (member_id)
    WHERE t.occurred_at > %(last)s::date - 365 GROUP BY t.member_id
)
SELECT s.code, s.name, count(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY greatest(n.threshold - p.money, 0)),
       count(*) FILTER (WHERE n.threshold - p.money BETWEEN 0 AND n.threshold / 10)
FROM guests JOIN accounts_user u ON u.id = guests.member_id
JOIN accounts_statustier s ON s.id = u.tier_id JOIN paid p ON p.member_id = guests.member_id
LEFT JOIN accounts_statustier n ON n.position = s.position + 1 AND NOT n.by_invitation
GROUP BY s.position, s.code, s.name ORDER BY s.position
"""  # noqa: S608 - constants of this file
FLOWS = f"""
SELECT date_trunc('month', c.at AT TIME ZONE 'Europe/Moscow')::date AS month,
       count(*) FILTER (WHERE after.position > before.position),
       count(*) FILTER (WHERE after.position < before.position)
FROM accounts_tierchange c
JOIN accounts_statustier before ON before.id = c.before_id
JOIN accounts_statustier after ON after.id = c.after_id
WHERE c.member_id IN (
    SELECT t.member_id
    FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD}
) AND c.at >= %(last)s::date - 365 AND c.at < %(last)s::date + 1
GROUP BY month ORDER BY month
"""  # noqa: S608 - constants of this file
LINES = f"""
SELECT count(*), round(avg(lines), 2) FROM (
    SELECT sum(i.quantity) AS lines
    FROM transactions_transactionitem i JOIN transactions_transaction t ON t.id = i.transaction_id
    JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD} GROUP BY t.id
) receipts
"""  # noqa: S608 - constants of this file


def _read(sql: str, business: Business | None, since: date, until: date) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        pk = business.pk if business else None
        cursor.execute(sql, {"business": pk, "first": since, "last": until})
        return list(cursor.fetchall())


def core_figures(*, business: Business | None, since: date, until: date) -> Figures:
    """`analytics.dashboard_queries.figures` of one range, live from PostgreSQL."""
    [row] = _read(CORE, business, since, until)
    return Figures(*row)


def core_series(*, business: Business | None, since: date, until: date) -> list[tuple[Any, ...]]:
    """Day, trade, ₽, receipts, buyers: the series by day, live from PostgreSQL."""
    return _read(BY_DAY, business, since, until)


def tiers(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """Guests of the range by tier, the ₽ that half of each still lack to the next one (money paid
    in 365 days against its threshold), how many lack a tenth at most; steps up and down by month
    over a year. None for fewer than ten guests: a tier tells of purchases elsewhere."""
    rows = _read(TIERS, business, since, until)
    if sum(row[2] for row in rows) < LEAST_GROUP:
        return None
    return {
        "tiers": [
            {
                "code": code,
                "name": name,
                "guests": guests,
                "median_to_next": None if lacks is None else f"{lacks:.2f}",
                "nearly_there": near,
            }
            for code, name, guests, lacks, near in rows
        ],
        "flows": [
            {"month": month.isoformat(), "up": up, "down": down}
            for month, up, down in _read(FLOWS, business, since, until)
        ],
    }


def lines(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """Pieces on a receipt, on average of receipts that list them; None when none does."""
    [(receipts, mean)] = _read(LINES, business, since, until)
    return {"receipts": receipts, "per_receipt": f"{mean:.2f}"} if receipts else None
