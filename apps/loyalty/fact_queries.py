"""The ledger as facts: lots that are born and postings, as feeds and as a book."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from apps.analytics.tables import Book, Feed, Numbered, Sums
from apps.loyalty.models import Lot, Posting

AT_ONCE = 20_000

_BORN = """
SELECT l.id AS number, 'born' AS stream, l.issuer_id::text AS business_id,
       l.wallet_id::text AS member_id, l.id AS lot_id, j.kind AS operation, '' AS src,
       'pending' AS dst, l.amount AS kopecks, NULL AS acceptor, l.rate_bp,
       j.posted_at AS born_at, l.expires_at, j.posted_at AS at
FROM loyalty_lot l JOIN loyalty_journal j ON j.id = l.journal_id
"""
_MOVED = """
SELECT p.id AS number, 'moved' AS stream, l.issuer_id::text AS business_id,
       l.wallet_id::text AS member_id, l.id AS lot_id, j.kind AS operation, p.src, p.dst,
       p.amount AS kopecks, p.acceptor_id::text AS acceptor, l.rate_bp,
       b.posted_at AS born_at, l.expires_at, j.posted_at AS at
FROM loyalty_posting p
JOIN loyalty_journal j ON j.id = p.journal_id
JOIN loyalty_lot l ON l.id = p.lot_id
JOIN loyalty_journal b ON b.id = l.journal_id
"""
BORN_BY_NUMBER = _BORN + "WHERE l.id > %s AND l.id <= %s ORDER BY l.id LIMIT %s"
MOVED_BY_NUMBER = _MOVED + "WHERE p.id > %s AND p.id <= %s ORDER BY p.id LIMIT %s"
# Moments are compared within two days more, days of the issuer's zone by themselves.
_DAYS = """
JOIN businesses_business z ON z.id = l.issuer_id
WHERE j.posted_at >= %(first)s::date - 2 AND j.posted_at < %(last)s::date + 2
  AND (j.posted_at AT TIME ZONE z.zone)::date BETWEEN %(first)s AND %(last)s
"""
BORN_BY_DAY, MOVED_BY_DAY = _BORN + _DAYS, _MOVED + _DAYS
SUMS = f"""
SELECT business_id::uuid, day, count(*), sum(kopecks) FROM (
    SELECT l.issuer_id AS business_id, (j.posted_at AT TIME ZONE z.zone)::date AS day,
           l.amount AS kopecks
    FROM loyalty_lot l JOIN loyalty_journal j ON j.id = l.journal_id {_DAYS}
    UNION ALL
    SELECT l.issuer_id, (j.posted_at AT TIME ZONE z.zone)::date, p.amount
    FROM loyalty_posting p JOIN loyalty_journal j ON j.id = p.journal_id
    JOIN loyalty_lot l ON l.id = p.lot_id {_DAYS}
) entries GROUP BY business_id, day
"""  # noqa: S608 - constants of this file


def _rows(sql: str, values: Any) -> list[Numbered]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [(row.pop("number"), row) for row in found]


def _born(after: int, upto: int, limit: int) -> list[Numbered]:
    return _rows(BORN_BY_NUMBER, [after, upto, limit])


def _moved(after: int, upto: int, limit: int) -> list[Numbered]:
    return _rows(MOVED_BY_NUMBER, [after, upto, limit])


def _newest_lot() -> int:
    return Lot.objects.aggregate(newest=Max("pk"))["newest"] or 0


def _newest_posting() -> int:
    return Posting.objects.aggregate(newest=Max("pk"))["newest"] or 0


def _sums(first: date, last: date) -> Sums:
    with connection.cursor() as cursor:
        cursor.execute(SUMS, {"first": first, "last": last})
        return {
            (business, day): (count, Decimal(kopecks) / 100)
            for business, day, count, kopecks in cursor.fetchall()
        }


def _of_days(first: date, last: date) -> Iterator[Numbered]:
    # A day at a time: a month of a large ledger does not fit into memory at once.
    with transaction.atomic():
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            bound = {"first": day, "last": day}
            yield from chain(_rows(BORN_BY_DAY, bound), _rows(MOVED_BY_DAY, bound))


LOTS = Feed("ledger:lots", "bonus_facts", "loyalty_lot", _newest_lot, _born)
POSTINGS = Feed("ledger:postings", "bonus_facts", "loyalty_posting", _newest_posting, _moved)
BOOK = Book(sums=_sums, rows=_of_days)
