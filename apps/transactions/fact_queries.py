"""Sales and returns as facts: the book that ClickHouse is reconciled with."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.analytics.tables import Book, Numbered, Sums

# A moment is compared within two days more, the day of the business's zone by itself: so the index
# by moment is used.
_DAYS = """
    {moment} >= %(first)s::date - 2 AND {moment} < %(last)s::date + 2
    AND ({moment} AT TIME ZONE b.zone)::date BETWEEN %(first)s AND %(last)s
"""
_SOLD = _DAYS.format(moment="t.occurred_at")
_RETURNED = _DAYS.format(moment="r.at")
SUMS = f"""
SELECT business_id, day, sum(rows)::bigint, sum(amount) FROM (
    SELECT t.business_id, (t.occurred_at AT TIME ZONE b.zone)::date AS day, count(*) AS rows,
           sum(t.amount) AS amount
    FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
    WHERE {_SOLD} GROUP BY 1, 2
    UNION ALL
    SELECT t.business_id, (r.at AT TIME ZONE b.zone)::date, count(*), -sum(r.amount)
    FROM transactions_refund r JOIN transactions_transaction t ON t.id = r.transaction_id
    JOIN businesses_business b ON b.id = t.business_id
    WHERE {_RETURNED} GROUP BY 1, 2
) entries GROUP BY business_id, day
"""  # noqa: S608 - constants of this file
SALES = f"""
SELECT t.id::text AS transaction_id, t.business_id::text AS business_id,
       t.location_id::text AS location_id, t.member_id::text AS member_id, b.category,
       'purchase' AS kind, t.amount::text AS amount, t.to_pay::text AS to_pay,
       t.bonus_accrued::text AS bonus_accrued, t.bonus_spent::text AS bonus_spent,
       t.occurred_at, b.zone, t.source
FROM transactions_transaction t JOIN businesses_business b ON b.id = t.business_id
WHERE {_SOLD}
"""  # noqa: S608 - constants of this file
# The return after which nothing was left closes its receipt.
RETURNS = f"""
SELECT r.id::text AS refund_id, t.id::text AS transaction_id, t.business_id::text AS business_id,
       t.member_id::text AS member_id, b.category, r.amount::text AS amount,
       r.money::text AS money, r.bonus_taken::text AS bonus_taken,
       r.bonus_returned::text AS bonus_returned, r.at AS occurred_at, b.zone, t.source,
       (SELECT sum(e.amount) FROM transactions_refund e
        WHERE e.transaction_id = t.id AND (e.at, e.id) <= (r.at, r.id)) = t.amount AS is_whole
FROM transactions_refund r JOIN transactions_transaction t ON t.id = r.transaction_id
JOIN businesses_business b ON b.id = t.business_id
WHERE {_RETURNED}
"""  # noqa: S608 - constants of this file


def _sums(first: date, last: date) -> Sums:
    with connection.cursor() as cursor:
        cursor.execute(SUMS, {"first": first, "last": last})
        return {
            (business, day): (count, Decimal(amount))
            for business, day, count, amount in cursor.fetchall()
        }


def _rows(first: date, last: date) -> Iterator[Numbered]:
    """Version 0: whatever the outbox still brings of the same facts takes their place."""
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        for sql in (SALES, RETURNS):
            yield from ((0, row) for row in _read(sql, {"first": day, "last": day}))


def _read(sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [row | {"occurred_at": row["occurred_at"].isoformat()} for row in found]


BOOK = Book(sums=_sums, rows=_rows)
