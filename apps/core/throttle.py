"""Limits that guard sign-in and money: counted in PostgreSQL, so they hold without Redis."""

import hashlib
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

# One atomic statement: a new window, or one more in the running one. Two racing callers both count.
HIT = """
INSERT INTO core_counter (name, key, count, ends_at) VALUES (%(name)s, %(key)s, 1, %(ends)s)
ON CONFLICT (name, key) DO UPDATE SET
    count = CASE WHEN core_counter.ends_at <= %(now)s THEN 1 ELSE core_counter.count + 1 END,
    ends_at = CASE WHEN core_counter.ends_at <= %(now)s THEN %(ends)s ELSE core_counter.ends_at END
RETURNING count, ends_at
"""


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def hit(name: str, key: str, limit: int, window_seconds: int) -> int:
    """Count one attempt; 0 when it is allowed, else the seconds to wait."""
    now = timezone.now()
    values: dict[str, Any] = {
        "name": name,
        "key": _digest(key),
        "now": now,
        "ends": now + timedelta(seconds=window_seconds),
    }
    with connection.cursor() as cursor:
        cursor.execute(HIT, values)
        count, ends_at = cursor.fetchone()
    if count <= limit:
        return 0
    return max(1, int((ends_at - now).total_seconds()) + 1)


def clear(name: str, key: str) -> None:
    """Forget the attempts, after a success."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_counter WHERE name = %s AND key = %s", [name, _digest(key)]
        )
