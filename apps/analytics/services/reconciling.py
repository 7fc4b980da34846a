"""Facts against the books of PostgreSQL, day by day; a month that differs is rebuilt whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from apps.analytics import door, loader
from apps.analytics.models import Snapshot
from apps.analytics.tables import Book, Numbered, sources
from apps.core import clickhouse

log = structlog.get_logger(__name__)

DAYS = 35
CHUNK = 20_000  # rows of one insert
SUMS = {
    "transaction_facts": """
        SELECT business_id, local_day, count(), sum(amount) FROM transaction_facts
        WHERE :tenant AND local_day >= {since:Date} AND local_day <= {until:Date}
        GROUP BY business_id, local_day
    """,
    "bonus_facts": """
        SELECT business_id, local_day, count(), sum(amount) FROM bonus_facts
        WHERE :tenant AND local_day >= {since:Date} AND local_day <= {until:Date}
        GROUP BY business_id, local_day
    """,
}


@dataclass(frozen=True)
class Difference:
    """One business and day on which a table disagrees: rows and signed sums of both sides."""

    table: str
    business: UUID
    day: date
    books: tuple[int, Decimal]
    facts: tuple[int, Decimal]


class Busy(Exception):
    """Another process is loading or rebuilding; try again in a minute."""


@clickhouse.patient()
def compare(*, since: date, until: date) -> list[Difference]:
    """What of these days differs, table by table. Raises clickhouse.Unavailable."""
    found = []
    for name, book in sources().books.items():
        ours = book.sums(since, until)
        rows = door.read(f"sums_{name}", SUMS[name], None, since=since, until=until)
        theirs = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        nothing = (0, Decimal(0))
        for key in sorted(ours.keys() | theirs.keys(), key=str):
            left, right = ours.get(key, nothing), theirs.get(key, nothing)
            if left != right:
                found.append(Difference(name, key[0], key[1], left, right))
    return found


def reconcile(*, since: date, until: date, at: datetime, mend: bool = True) -> list[Difference]:
    """Load what waits, compare, rebuild the months that differ, compare again, write it down.

    What still differs is answered; empty when the books agree to the kopeck. Rebuilding reads the
    books under the loader's own lock: a fact is in the month or still waits, never lost between.
    Raises clickhouse.Unavailable, Busy."""
    loader.load_waiting()
    found = compare(since=since, until=until)
    months = sorted({(one.table, one.day.replace(day=1)) for one in found})
    if mend:
        for table, month in months:
            rebuild(table=table, month=month)
            log.warning("facts.rebuilt", table=table, month=str(month))
    left = compare(since=since, until=until) if months and mend else found
    summary = {
        "since": since.isoformat(),
        "found": len(found),
        "rebuilt": [f"{table} {month:%Y-%m}" for table, month in months] if mend else [],
        "left": len(left),
        "worst": [_said(one) for one in (left or found)[:20]],
    }
    Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.RECONCILED,
        business=None,
        day=until,
        defaults={"rows": len(left), "summary": summary, "computed_at": at},
    )
    if left:
        log.error("facts.differ", count=len(left))
    return left


def _said(one: Difference) -> dict[str, Any]:
    return {
        "table": one.table,
        "business": str(one.business),
        "day": one.day.isoformat(),
        "books": [one.books[0], f"{one.books[1]:.2f}"],
        "facts": [one.facts[0], f"{one.facts[1]:.2f}"],
    }


def rebuild(*, table: str, month: date) -> int:
    """A month's partition anew from the books, put in place at once; how many rows it has.

    Raises clickhouse.Unavailable, Busy."""
    book = sources().books[table]
    staging = f"{table}_rebuilt"
    first = month.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    with loader.alone() as ours:
        if not ours:
            raise Busy
        clickhouse.command(f"DROP TABLE IF EXISTS {staging}")
        clickhouse.command(f"CREATE TABLE {staging} AS {table}")
        try:
            rows = _fill(staging, table, book, first, last)
            clickhouse.command(f"ALTER TABLE {table} REPLACE PARTITION {first:%Y%m} FROM {staging}")
        finally:
            clickhouse.command(f"DROP TABLE IF EXISTS {staging}")
    return rows


def _fill(staging: str, table: str, book: Book, first: date, last: date) -> int:
    fact, count = loader.BY_NAME[table], 0
    for number, chunk in enumerate(_chunks(book, first, last)):
        rows = loader.rows_of(fact, chunk)
        clickhouse.insert(staging, fact.columns, rows, token=f"{staging} {first} {number}")
        count += len(rows)
    return count


def _chunks(book: Book, first: date, last: date) -> Iterator[list[Numbered]]:
    with transaction.atomic():
        for chunk in batched(book.rows(first, last), CHUNK):
            yield list(chunk)


def newest() -> Snapshot | None:
    """The last reconciliation. From PostgreSQL."""
    rows = Snapshot.objects.filter(kind=Snapshot.Kind.RECONCILED)
    return rows.order_by("-computed_at").first()
