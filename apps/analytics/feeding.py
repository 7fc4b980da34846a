"""Numbered rows of PostgreSQL into ClickHouse, none lost though numbers commit out of order.

A number is given out before its transaction commits, so "everything above the last number" loses
what commits late. Here a mark waits: the highest number seen, and who was writing into the table at
that moment (they hold a lock on it until they end). Once all of those have ended, every number up
to the mark is settled for good, and the rows up to it are loaded: as a frozen batch with its token,
like those of the outbox.
"""

import time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from apps.analytics.models import FeedMark
from apps.analytics.tables import FactTable, Feed, Payload

PATIENCE = 0.5  # seconds for writers of a moment ago to end; later the next run looks again
# The table's own lock, held from before a number is drawn until the transaction ends.
WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid()
"""
COLUMNS = (
    "business_id",
    "stream",
    "entry_id",
    "lot_id",
    "member",
    "operation",
    "src",
    "dst",
    "amount",
    "acceptor",
    "rate_bp",
    "born_on",
    "expires_on",
    "at",
    "local_day",
    "version",
)


def _bonus_row(payload: Payload, sequence: int) -> list[Any]:
    zone = ZoneInfo(payload["zone"])
    return [
        UUID(payload["business_id"]),
        payload["stream"],
        sequence,
        payload["lot_id"],
        payload["member"],
        payload["operation"],
        payload["src"],
        payload["dst"],
        Decimal(payload["kopecks"]) / 100,
        UUID(payload["acceptor"]) if payload["acceptor"] else None,
        payload["rate_bp"],
        payload["born_at"].astimezone(zone).date(),
        payload["expires_at"].astimezone(zone).date(),
        payload["at"],
        payload["at"].astimezone(zone).date(),
        sequence,
    ]


BONUS_FACTS = FactTable(name="bonus_facts", listener="", columns=COLUMNS, row=_bonus_row)


def settled_upto(feed: Feed, mark: FeedMark) -> int:
    """The highest number below which nothing can appear any more. Moves the waiting mark on."""
    if mark.waiting > mark.loaded and not _writing(feed) & set(mark.writers):
        settled = mark.waiting
    else:
        settled = mark.loaded
    newest = feed.newest()
    writers = _writing(feed)
    deadline = time.monotonic() + PATIENCE
    while (left := writers & _writing(feed)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if not left:
        settled, writers = newest, set()
    if mark.waiting <= settled:
        mark.waiting, mark.writers = newest, sorted(writers)
        mark.save(update_fields=["waiting", "writers"])
    return settled


def _writing(feed: Feed) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(WRITERS, [feed.relation])
        return {row[0] for row in cursor.fetchall()}
