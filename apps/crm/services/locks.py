"""One worker per integration, whoever starts it: an advisory lock of PostgreSQL.

It belongs to the connection: a worker killed with -9 loses it at once, no lease has to run out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from time import monotonic, sleep
from uuid import UUID

from django.db import connection

from apps.core.errors import Refused


class Busy(Refused):
    code = "IDEMPOTENCY_IN_PROGRESS"


def _number(name: str, integration_id: UUID) -> int:
    digest = sha256(f"crm.{name}:{integration_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def alone(name: str, integration_id: UUID, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock `name` of an integration. Raises Busy after `patience` seconds."""
    number, deadline = _number(name, integration_id), monotonic() + patience
    while not _take(number):
        if monotonic() >= deadline:
            raise Busy
        sleep(0.1)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _take(number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
