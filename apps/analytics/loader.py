"""Facts from the outbox into ClickHouse: in batches, exactly once in effect.

A batch is frozen in PostgreSQL first (which deliveries, how many, their digest), then sent with
its id as deduplication token, then marked loaded together with its deliveries. A crash anywhere
leaves a frozen batch that the next run sends again: same rows, same token. Should the token's
window have passed, ReplacingMergeTree collapses the copies by their version.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.queries import surrogates_of
from apps.analytics.engagement import ENGAGEMENT_FACTS
from apps.analytics.feeding import BONUS_FACTS, settled_upto
from apps.analytics.models import FactBatch, FeedMark
from apps.analytics.tables import FactTable, Feed, sources
from apps.businesses.models import Business
from apps.core import clickhouse
from apps.core.models import Delivery
from apps.core.outbox import BATCH

log = structlog.get_logger(__name__)

MOST_ROWS = 20_000
LOCK = 7_206_151_302  # one loader at a time; any number


class BatchChanged(Exception):
    """The frozen rows no longer have their digest: somebody altered the outbox."""


def _signed(payload: dict[str, Any]) -> dict[str, Any]:
    """A return in the shape of a sale: its own id, sums below zero, the receipt it belongs to."""
    return payload | {
        "transaction_id": payload["refund_id"],
        "sale_id": payload["transaction_id"],
        "location_id": None,
        "kind": "refund",
        "category": payload.get("category", ""),
        "closes": int(payload.get("is_whole", False)),
        "amount": f"-{payload['amount']}",
        "to_pay": f"-{payload['money']}",
        "bonus_accrued": f"-{payload['bonus_taken']}",
        "bonus_spent": f"-{payload['bonus_returned']}",
    }


def _transaction_row(payload: dict[str, Any], sequence: int) -> list[Any]:
    payload = _signed(payload) if "refund_id" in payload else payload
    moment = datetime.fromisoformat(payload["occurred_at"])
    local = moment.astimezone(ZoneInfo(payload["zone"]))
    return [
        UUID(payload["transaction_id"]),
        UUID(payload["business_id"]),
        UUID(payload["location_id"]) if payload["location_id"] else None,
        payload["member"],
        payload["kind"],
        payload["category"],
        payload["source"],
        Decimal(payload["amount"]),
        Decimal(payload["to_pay"]),
        Decimal(payload["bonus_accrued"]),
        Decimal(payload["bonus_spent"]),
        moment,
        local.date(),
        local.hour,
        local.isoweekday(),
        UUID(payload.get("sale_id", payload["transaction_id"])),
        payload.get("closes", 0),
        sequence,
    ]


TRANSACTION_FACTS = FactTable(
    name="transaction_facts",
    listener="apps.analytics.loader.TRANSACTION_FACTS" + BATCH,
    columns=(
        "transaction_id",
        "business_id",
        "location_id",
        "member",
        "kind",
        "category",
        "source",
        "amount",
        "to_pay",
        "bonus_accrued",
        "bonus_spent",
        "purchased_at",
        "local_day",
        "local_hour",
        "local_weekday",
        "sale_id",
        "closes",
        "version",
    ),
    row=_transaction_row,
)
TABLES = [TRANSACTION_FACTS, ENGAGEMENT_FACTS]
BY_NAME = {table.name: table for table in [*TABLES, BONUS_FACTS]}
FED = {BONUS_FACTS.name: BONUS_FACTS}
OWN_ZONE = "Europe/Moscow"  # of what belongs to no business


@contextmanager
def alone() -> Iterator[bool]:
    """The one place to load from: True when it is ours until the end of the block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            yield False
            return
    try:
        yield True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def load_waiting(*, most_rows: int = MOST_ROWS) -> int:
    """Send everything that waits, and the ledger; how many rows of the outbox arrived. Only one
    loader works at a time.

    Raises clickhouse.Unavailable; nothing is lost then, the frozen batch is sent next time.
    """
    with alone() as ours:
        if not ours:
            return 0
        loaded = sum(_load_table(table, most_rows) for table in TABLES)
        for feed in sources().feeds:
            _load_feed(feed, most_rows)
        return loaded


def _load_table(table: FactTable, most_rows: int) -> int:
    loaded = 0
    left_over = FactBatch.objects.filter(listener=table.listener, state=FactBatch.State.FROZEN)
    for frozen in left_over.order_by("created_at"):
        loaded += send(frozen, table)
    while batch := freeze(table, most_rows=most_rows):
        loaded += send(batch, table)
        if batch.rows < most_rows:  # what comes meanwhile waits for the next minute, collected
            break
    return loaded


def _load_feed(feed: Feed, most_rows: int) -> int:
    mark, _made = FeedMark.objects.get_or_create(feed=feed.name)
    table, loaded = FED[feed.table], 0
    for frozen in FactBatch.objects.filter(listener=feed.name, state=FactBatch.State.FROZEN):
        loaded += _send_fed(frozen, feed, table)
    mark.refresh_from_db()
    upto = settled_upto(feed, mark)
    while batch := _freeze_fed(feed, upto=upto, most_rows=most_rows):
        loaded += _send_fed(batch, feed, table)
    return loaded


@transaction.atomic
def _freeze_fed(feed: Feed, *, upto: int, most_rows: int) -> FactBatch | None:
    mark = FeedMark.objects.select_for_update().get(feed=feed.name)
    payloads = feed.rows(mark.loaded, upto, most_rows)
    if not payloads:
        return None
    batch = FactBatch.objects.create(
        table=feed.table,
        listener=feed.name,
        rows=len(payloads),
        first_sequence=payloads[0][0],
        last_sequence=payloads[-1][0],
        digest=_digest(payloads),
    )
    FeedMark.objects.filter(feed=feed.name).update(loaded=batch.last_sequence)
    return batch


def _send_fed(batch: FactBatch, feed: Feed, table: FactTable) -> int:
    payloads = feed.rows(batch.first_sequence - 1, batch.last_sequence, batch.rows)
    if _digest(payloads) != batch.digest:
        raise BatchChanged(str(batch.pk))
    rows = rows_of(table, payloads)
    clickhouse.insert(table.name, table.columns, rows, token=str(batch.pk))
    FactBatch.objects.filter(pk=batch.pk).update(
        state=FactBatch.State.LOADED, loaded_at=timezone.now()
    )
    log.info("facts.loaded", table=table.name, rows=len(rows))
    return len(rows)


@transaction.atomic
def freeze(table: FactTable, *, most_rows: int = MOST_ROWS) -> FactBatch | None:
    """Put waiting deliveries into a batch of their own; None when none wait.

    By row locks, not by "id greater than the last": ids commit out of order, and a watermark
    loses what commits late (22 % in the measurement of analytics.md 3.2).
    """
    waiting = list(
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(listener=table.listener, state=Delivery.State.WAITING, batch_id__isnull=True)
        .order_by("sequence")
        .values_list("sequence", flat=True)[:most_rows]
    )
    if not waiting:
        return None
    batch = FactBatch(
        table=table.name,
        listener=table.listener,
        rows=len(waiting),
        first_sequence=waiting[0],
        last_sequence=waiting[-1],
    )
    batch.digest = _digest(_payloads(sequences=waiting))
    batch.save()
    Delivery.objects.filter(sequence__in=waiting).update(batch_id=batch.pk)
    return batch


def _payloads(
    *, sequences: list[int] | None = None, batch_id: UUID | None = None
) -> list[tuple[int, dict[str, Any]]]:
    rows = Delivery.objects.order_by("sequence")
    rows = rows.filter(sequence__in=sequences) if sequences else rows.filter(batch_id=batch_id)
    found = rows.values_list("sequence", "message__topic", "message__payload")
    return [(sequence, payload | {"topic": topic}) for sequence, topic, payload in found]


def _digest(payloads: list[tuple[int, dict[str, Any]]]) -> str:
    return hashlib.sha256(
        orjson.dumps(payloads, option=orjson.OPT_SORT_KEYS, default=str)
    ).hexdigest()


def rows_of(table: FactTable, payloads: list[tuple[int, dict[str, Any]]]) -> list[list[Any]]:
    """Payloads as rows, members under their surrogates of now."""
    members = surrogates_of({payload["member_id"] for _sequence, payload in payloads})
    zones = {str(pk): zone for pk, zone in Business.objects.values_list("pk", "zone")}
    return [
        table.row(
            {"zone": zones.get(payload.get("business_id") or "", OWN_ZONE)}
            | payload
            | {"member": members[payload["member_id"]]},
            sequence,
        )
        for sequence, payload in payloads
    ]


def send(batch: FactBatch, table: FactTable) -> int:
    """Insert a frozen batch and mark it loaded. Safe to repeat: same rows, same token."""
    payloads = _payloads(batch_id=batch.pk)
    if _digest(payloads) != batch.digest:
        raise BatchChanged(str(batch.pk))
    rows = rows_of(table, payloads)
    clickhouse.insert(table.name, table.columns, rows, token=str(batch.pk))
    with transaction.atomic():
        now = timezone.now()
        FactBatch.objects.filter(pk=batch.pk).update(state=FactBatch.State.LOADED, loaded_at=now)
        Delivery.objects.filter(batch_id=batch.pk).update(state=Delivery.State.DONE, done_at=now)
    log.info("facts.loaded", table=table.name, rows=len(rows))
    return len(rows)
