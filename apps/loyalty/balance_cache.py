"""A member's balance in Redis, for what is shown. Whatever decides about money asks PostgreSQL.

It lives five minutes, never past the moment when some of it lapses, and is dropped by every write
once that has committed: whoever takes a wallet's lock calls `drop_after_commit` (books, issuing,
jobs), and nothing moves without the lock.

A reader must not put an old figure back after the drop: it read before the commit and fills after
it. So it announces itself first. Under the key stands either a balance or the lease of the one
reader who may fill it; a drop removes whichever stands there, and a fill (`FILL`, atomic) happens
only over one's own lease. A lease taken before the commit is gone when the fill comes; one taken
after it belongs to a reader whose statement saw the commit.

Within a transaction the cache is neither asked nor filled: its own writes are not there, and what
it sees may never be true.

While Redis is silent reads go to PostgreSQL. Drops that it did not hear are owed: this process
tells them before it believes the cache again. Other processes may show the old figure until its
five minutes are over.
"""

import os
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson
from django.db import connection, transaction

from apps.core import redis_line

LIFE = 300  # seconds
LEASE = 10  # seconds within which a reader answers, or another one may fill
MOST_OWED = 100_000
BALANCE = b"["  # what a balance begins with, and a lease does not
FILL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
"""

# Kopecks pending, available, held, earned, spent, lapsing next; and when that is.
type Row = tuple[int, int, int, int, int, int, datetime | None]

_owed: set[str] = set()  # keys whose drop Redis did not hear


def through(member_id: UUID, *, at: datetime, ask: Callable[[], Row]) -> Row:
    """The balance at this moment: from the cache, else by `ask`, which the next one need not."""
    if connection.in_atomic_block or not _is_open():
        return ask()
    key, lease = _key(member_id), os.urandom(12).hex()
    found = redis_line.ask(lambda line: line.get(key))
    if found is not None:
        known = _read(found) if found.startswith(BALANCE) else None
        return known if known and not _is_over(known, at=at) else ask()
    leased = redis_line.ask(lambda line: line.set(key, lease, nx=True, ex=LEASE))
    row = ask()
    if leased:
        life = _life(row, at=at)
        redis_line.ask(lambda line: line.eval(FILL, 1, key, lease, orjson.dumps(row), life))
    return row


def drop_after_commit(member_ids: Iterable[UUID]) -> None:
    """Whoever locks wallets says so here. A transaction that is undone drops nothing."""
    keys = [_key(member_id) for member_id in member_ids]
    if keys:
        transaction.on_commit(partial(_drop, keys), robust=True)


def _drop(keys: Collection[str]) -> None:
    if redis_line.ask(lambda line: line.unlink(*keys)) is None:
        _owed.update(keys)
        while len(_owed) > MOST_OWED:  # these are over before Redis is back
            _owed.pop()


def _is_open() -> bool:
    """Whether the cache may be asked now; what it missed is told first."""
    if not redis_line.is_open():
        return False
    owed = list(_owed)
    if owed:
        _owed.difference_update(owed)
        _drop(owed)
    return not _owed


def _key(member_id: UUID) -> str:
    return f"sk:balance:{member_id}"


def _read(found: bytes) -> Row:
    *sums, soon = orjson.loads(found)
    return (*sums, datetime.fromisoformat(soon) if soon else None)


def _is_over(row: Row, *, at: datetime) -> bool:
    soon = row[-1]
    return soon is not None and soon <= at


def _life(row: Row, *, at: datetime) -> int:
    """Milliseconds."""
    soon = row[-1]
    left = (soon - at).total_seconds() if soon else LIFE
    return max(1, int(min(left, LIFE) * 1000))
