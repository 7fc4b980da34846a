"""Limits that guard sign-in and money: counted in PostgreSQL, so they hold without Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.core import sealing

# One atomic statement: a new window, or one more in the running one. Two racing callers both count.
HIT = """
INSERT INTO core_counter (name, key, count, ends_at) VALUES (%(name)s, %(key)s, 1, %(ends)s)
ON CONFLICT (name, key) DO UPDATE SET
    count = CASE WHEN core_counter.ends_at <= %(now)s THEN 1 ELSE core_counter.count + 1 END,
    ends_at = CASE WHEN core_counter.ends_at <= %(now)s THEN %(ends)s ELSE core_counter.ends_at END
RETURNING count, ends_at
"""

# The same for several buckets, in one order of keys: two callers never lock crosswise.
TAKE = """
INSERT INTO core_counter (name, key, count, ends_at)
SELECT * FROM unnest(%(names)s::text[], %(keys)s::text[], %(costs)s::int[], %(ends)s::timestamptz[])
ON CONFLICT (name, key) DO UPDATE SET
    count = CASE WHEN core_counter.ends_at <= %(now)s THEN EXCLUDED.count
                 ELSE core_counter.count + EXCLUDED.count END,
    ends_at = CASE WHEN core_counter.ends_at <= %(now)s THEN EXCLUDED.ends_at
                   ELSE core_counter.ends_at END
RETURNING name, key, count, ends_at
"""
# Locked in the caller's order first: an UPDATE alone visits rows as its join finds them, and would
# deadlock with a `take` of the same buckets.
GIVE_BACK = """
WITH asked AS (
    SELECT * FROM unnest(%(names)s::text[], %(keys)s::text[], %(costs)s::int[])
        WITH ORDINALITY AS one (name, key, cost, place)
), locked AS (
    SELECT counter.id, asked.cost FROM core_counter counter
    JOIN asked ON counter.name = asked.name AND counter.key = asked.key
    ORDER BY asked.place FOR UPDATE OF counter
)
UPDATE core_counter SET count = greatest(count - locked.cost, 0)
FROM locked WHERE core_counter.id = locked.id
"""


@dataclass(frozen=True)
class Bucket:
    """At most `limit` of something for `key` within `seconds` from the first; each take costs
    `cost`. `key` is stored as a digest only."""

    name: str
    key: str
    limit: int
    seconds: int
    cost: int = 1

    @property
    def place(self) -> tuple[str, str]:
        return self.name, _digest(self.key)


@dataclass(frozen=True)
class Taken:
    """`wait`: seconds, 0 when allowed. `full`: the bucket that refused. `waits`: seconds until a
    bucket that is full now opens again, by name."""

    wait: int
    full: str
    waits: dict[str, int]


class _Full(Exception):
    pass


def _digest(key: str) -> str:
    # Keyed: whoever has the table could try out all phones and addresses against a plain digest.
    return sealing.blind_index(key, purpose="counter")


def _hit(name: str, key: str, seconds: int) -> tuple[int, int]:
    """Count one more in the running window: (how many there are now, seconds until it ends)."""
    now = timezone.now()
    values: dict[str, Any] = {
        "name": name,
        "key": _digest(key),
        "now": now,
        "ends": now + timedelta(seconds=seconds),
    }
    with connection.cursor() as cursor:
        cursor.execute(HIT, values)
        count, ends_at = cursor.fetchone()
    return int(count), _seconds_left(ends_at, now=now)


def _seconds_left(ends_at: datetime, *, now: datetime) -> int:
    return int(max(1, ceil((ends_at - now).total_seconds())))


def hit(name: str, key: str, limit: int, window_seconds: int) -> int:
    """Count one attempt; 0 when it is allowed, else the seconds to wait."""
    count, left = _hit(name, key, window_seconds)
    return 0 if count <= limit else left


def clear(name: str, key: str) -> None:
    """Forget the attempts, after a success."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_counter WHERE name = %s AND key = %s", [name, _digest(key)]
        )


def take(buckets: Sequence[Bucket]) -> Taken:
    """Take from all buckets or from none: a refused attempt uses nothing up."""
    ordered = sorted(buckets, key=lambda bucket: bucket.place)
    now = timezone.now()
    values: dict[str, Any] = _places(ordered) | {
        "now": now,
        "ends": [now + timedelta(seconds=bucket.seconds) for bucket in ordered],
    }
    over: dict[str, int] = {}
    waits: dict[str, int] = {}
    limits = {bucket.place: bucket.limit for bucket in ordered}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TAKE, values)
            for name, key, count, ends_at in cursor.fetchall():
                left = _seconds_left(ends_at, now=now)
                limit = limits[name, key]
                if count > limit:
                    over[name] = left
                elif count == limit:
                    waits[name] = left
            if over:
                raise _Full
    except _Full:
        name = max(over, key=lambda name: over[name])
        return Taken(over[name], name, over)
    return Taken(0, "", waits)


def give_back(buckets: Sequence[Bucket]) -> None:
    """Undo a `take`: the attempt turned out to be none."""
    ordered = sorted(buckets, key=lambda bucket: bucket.place)
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, _places(ordered))


def _places(buckets: Sequence[Bucket]) -> dict[str, list[Any]]:
    return {
        "names": [bucket.name for bucket in buckets],
        "keys": [bucket.place[1] for bucket in buckets],
        "costs": [bucket.cost for bucket in buckets],
    }


def count_one(name: str, key: str, seconds: int) -> int:
    """Count one more in the running window; how many there are now."""
    return _hit(name, key, seconds)[0]


def used(name: str, key: str) -> int:
    """How many are counted in the running window; nothing is counted."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count FROM core_counter WHERE name = %s AND key = %s AND ends_at > %s",
            [name, _digest(key), now],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def pause(name: str, key: str, seconds: int) -> None:
    """Close a door for some time; `paused` says how long it stays closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_counter (name, key, count, ends_at) VALUES (%s, %s, 1, %s) "
            "ON CONFLICT (name, key) DO UPDATE SET ends_at = EXCLUDED.ends_at",
            [name, _digest(key), timezone.now() + timedelta(seconds=seconds)],
        )


def paused(doors: Sequence[tuple[str, str]]) -> int:
    """Seconds until the last of these (name, key) doors opens; 0 when all are open."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(ends_at) FROM core_counter JOIN unnest(%s::text[], %s::text[]) "
            "AS asked (name, key) USING (name, key) WHERE ends_at > %s",
            [[name for name, _key in doors], [_digest(key) for _name, key in doors], now],
        )
        ends_at = cursor.fetchone()[0]
    return max(1, ceil((ends_at - now).total_seconds())) if ends_at else 0
