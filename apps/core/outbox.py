"""The outbox: a fact leaves with its transaction, and every listener hears it at least once.

`publish` writes one Message and one Delivery per listener. `drain` (Celery) leases the first due
delivery with skip-locked, pushes its due time into the future and commits, then works without
holding a lock, then marks it done. A failing delivery waits longer each time and ends as a dead
letter. Listeners named with the suffix `@batch` are not drained one by one: their owner collects
them in batches (analytics).
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.core import redis_line
from apps.core.facts import FACTS, Fact
from apps.core.ids import new_id
from apps.core.masking import mask_text
from apps.core.models import Delivery, Message

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)  # longer than any task may run (CELERY_TASK_TIME_LIMIT)
BACK_OFF = [5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600]  # seconds before attempt n + 1
BATCH = "@batch"
# Facts of one kind and their deliveries in one round trip: every sale publishes one, a bulk a
# thousand, and a third of its time went into building the rows by the ORM.
PUBLISH = """
WITH said AS (
    INSERT INTO core_message (id, topic, payload, created_at)
    SELECT m.id, %(topic)s, m.payload::jsonb, %(at)s
    FROM unnest(%(ids)b::uuid[], %(payloads)b::text[]) m(id, payload)
)
INSERT INTO core_delivery (message_id, listener, state, due_at, attempts, last_error)
SELECT m.id, l.name, 'waiting', %(at)s, 0, ''
FROM unnest(%(ids)b::uuid[]) WITH ORDINALITY m(id, number)
CROSS JOIN unnest(%(listeners)b::text[]) WITH ORDINALITY l(name, place)
ORDER BY m.number, l.place
"""
# What decides the index is written out: a plan for any value could not use an index of the waiting,
# and would look through an hour's backlog for each of its rows.
LEASE_FIRST = """
UPDATE core_delivery SET due_at = %(until)s, attempts = attempts + 1
WHERE sequence = (
    SELECT sequence FROM core_delivery
    WHERE state = 'waiting' AND NOT (listener LIKE '%%@batch') AND due_at <= %(now)s
    ORDER BY due_at, sequence LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING sequence
"""
BELL = "sk:outbox:bell"
DRAINS, PLACES = 0x6F757462, (1, 2)  # advisory locks: "outb", two places

Listener = Callable[..., None]


@cache
def listeners() -> dict[str, list[str]]:
    """Topic → dotted names, from the one dictionary the settings point to."""
    table: dict[str, list[str]] = import_string(settings.OUTBOX_LISTENERS)
    return table


def is_batch(listener: str) -> bool:
    return listener.endswith(BATCH)


def publish(fact: Fact, *, ring: Callable[[], None] | None = None) -> Message:
    """Write the fact down beside the change it tells of. Raises outside of a transaction."""
    message = Message(topic=fact.topic(), payload=fact.as_payload())
    _write(message.topic, [message.pk], [message.payload], at=message.created_at)
    message._state.adding = False
    _ring_after_commit(ring or ring_bell)
    return message


def publish_many(facts: Sequence[Fact]) -> None:
    """`publish` for many facts of one kind."""
    payloads = [fact.as_payload() for fact in facts]
    topic = facts[0].topic() if facts else ""
    _write(topic, [new_id() for _fact in facts], payloads, at=timezone.now())
    if facts:
        _ring_after_commit(ring_bell)


def _write(
    topic: str, ids: Sequence[UUID], payloads: Sequence[dict[str, Any]], *, at: datetime
) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("A fact and its message commit together: open a transaction first.")
    if not ids:
        return
    values: dict[str, Any] = {
        "topic": topic,
        "ids": list(ids),
        "payloads": [json.dumps(payload, cls=DjangoJSONEncoder) for payload in payloads],
        "at": at,
        "listeners": listeners().get(topic, []),
    }
    with connection.cursor() as cursor:
        cursor.execute(PUBLISH, values)


def _ring_after_commit(bell: Callable[[], None]) -> None:
    # One bell for a batch of facts. What stands last was registered in a savepoint that is still
    # open or already part of this one: it cannot be rolled back alone.
    if not any(hook[1] is bell for hook in connection.run_on_commit[-1:]):
        transaction.on_commit(bell, robust=True)


def ring_bell() -> None:
    """Ask a worker to drain soon; at most one bell a second. Beat drains what a bell missed."""
    if redis_line.ask(lambda line: line.set(BELL, 1, nx=True, ex=1)):
        task = import_string("apps.core.tasks.drain_outbox")
        task.apply_async(countdown=1, ignore_result=True, retry=False)


def lease_one() -> Delivery | None:
    """The first due delivery, now ours until the lease ends; None when nothing is due."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(LEASE_FIRST, {"now": now, "until": now + LEASE})
        row = cursor.fetchone()
    return Delivery.objects.select_related("message").get(pk=row[0]) if row else None


def deliver(delivery: Delivery) -> bool:
    """Call the listener in a transaction of its own; True when it heard."""
    try:
        # A name or a fact that this release does not know is a failure like any other: it waits,
        # in the end as a dead letter, and does not stop the rest.
        handler: Listener = import_string(delivery.listener)
        fact = FACTS[delivery.message.topic](**delivery.message.payload)
        with transaction.atomic():
            handler(fact, message_id=delivery.message_id)
            # Marked in the listener's own transaction: what it wrote and "done" commit together.
            Delivery.objects.filter(pk=delivery.pk).update(
                state=Delivery.State.DONE, done_at=timezone.now(), last_error=""
            )
    except Exception as failure:  # noqa: BLE001 - one listener's fault must not stop the others
        _postpone(delivery, failure)
        return False
    return True


def _postpone(delivery: Delivery, failure: Exception) -> None:
    dead = delivery.attempts >= len(BACK_OFF)
    wait = BACK_OFF[min(delivery.attempts, len(BACK_OFF)) - 1]
    changes: dict[str, Any] = {
        "due_at": timezone.now() + timedelta(seconds=wait),
        "last_error": mask_text(f"{type(failure).__name__}: {failure}".replace("\x00", ""))[:500],
    }
    if dead:
        changes["state"] = Delivery.State.DEAD
    # Only while the lease is ours: a worker that took over may have delivered it meanwhile.
    Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.WAITING, attempts=delivery.attempts
    ).update(**changes)
    log.warning(
        "outbox.failed",
        listener=delivery.listener,
        sequence=delivery.pk,
        attempt=delivery.attempts,
        dead=dead,
        error=type(failure).__name__,
    )


def drain(*, seconds: float = 4.0) -> int:
    """Deliver what is due, one by one, for a few seconds; how many were heard.

    At most two drain at once: a long backlog must leave threads of a worker to the rest.
    """
    with _turn() as mine:
        if not mine:
            return 0
        heard, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            delivery = lease_one()
            if delivery is None:
                return heard
            heard += deliver(delivery)
    ring_bell()  # there is more
    return heard


@contextmanager
def _turn() -> Iterator[bool]:
    """One of two places to drain from; an advisory lock of the session, so that a dead worker's
    place is free at once."""
    with connection.cursor() as cursor:
        for place in PLACES:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [DRAINS, place])
            if cursor.fetchone()[0]:
                break
        else:
            yield False
            return
    try:
        yield True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [DRAINS, place])


def retry_dead(*, listener: str | None = None) -> int:
    """Give dead letters another life, after the cause was mended."""
    dead = Delivery.objects.filter(state=Delivery.State.DEAD)
    if listener:
        dead = dead.filter(listener=listener)
    return dead.update(state=Delivery.State.WAITING, attempts=0, due_at=timezone.now())


def oldest_waiting_seconds() -> float:
    """Age of the oldest unsent row: the health page's one number."""
    first = Delivery.objects.filter(state=Delivery.State.WAITING).order_by("sequence").first()
    if first is None:
        return 0.0
    return (timezone.now() - first.message.created_at).total_seconds()


def count_dead() -> int:
    """Deliveries that were given up and wait for a person."""
    return Delivery.objects.filter(state=Delivery.State.DEAD).count()
