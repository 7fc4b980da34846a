"""What an application opens with, in Redis: a member's balance and the first page of her history.
It is for the eye; whatever decides about money asks PostgreSQL.

Both live five minutes, a balance never past the moment when some of it lapses, and are dropped by
every write once that has committed: whoever takes a wallet's lock calls `drop_after_commit` (books,
issuing, jobs), and nothing moves without the lock. A partner's new name shows after five minutes.

A reader must not put an old figure back after the drop: it read before the commit and fills after
it. So it announces itself first. Under a key stands either what is shown or the lease of the one
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
SHOWN = b"["  # what is shown begins with it, and a lease does not
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

    def read(found: bytes) -> Row | None:
        row = _read(found)
        return None if _is_over(row, at=at) else row

    def kept(row: Row) -> tuple[bytes, int]:
        return orjson.dumps(row), _life(row, at=at)

    return _through(_balance_key(member_id), ask=ask, read=read, kept=kept)


def page_through(member_id: UUID, *, ask: Callable[[], bytes]) -> bytes:
    """The first page of her history as the caller writes it, a JSON list first."""
    key = _history_key(member_id)
    return _through(key, ask=ask, read=bytes, kept=lambda page: (page, LIFE * 1000))


def _through[T](
    key: str,
    *,
    ask: Callable[[], T],
    read: Callable[[bytes], T | None],
    kept: Callable[[T], tuple[bytes, int]],
) -> T:
    """`read` answers None for what is over; `kept` gives the bytes and their milliseconds."""
    if connection.in_atomic_block or not _is_open():
        return ask()
    found = redis_line.ask(lambda line: line.get(key))
    if found is not None:
        known = read(found) if found.startswith(SHOWN) else None
        return ask() if known is None else known
    lease = os.urandom(12).hex()
    leased = redis_line.ask(lambda line: line.set(key, lease, nx=True, ex=LEASE))
    made = ask()
    if leased:
        redis_line.ask(lambda line: line.eval(FILL, 1, key, lease, *kept(made)))
    return made


def drop_after_commit(member_ids: Iterable[UUID]) -> None:
    """Whoever locks wallets says so here. A transaction that is undone drops nothing."""
    keys = [key(one) for one in member_ids for key in (_balance_key, _history_key)]
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


def _balance_key(member_id: UUID) -> str:
    return f"sk:balance:{member_id}"


def _history_key(member_id: UUID) -> str:
    return f"sk:history:{member_id}"


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
