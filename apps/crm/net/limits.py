"""How often a system may be asked: counted in Redis for all workers together, and when Redis is
down by a gap in this process. Slow, never wrong."""

import time
from dataclasses import dataclass
from threading import Lock

from django.conf import settings
from django.core.cache import cache

_last: dict[tuple[str, int], float] = {}
_lock = Lock()


@dataclass(frozen=True)
class Limit:
    """At most `count` requests in any started `seconds`."""

    count: int
    seconds: int


def wait_for_turn(scope: str, limits: tuple[Limit, ...]) -> float:
    """Sleep until a request may go; seconds slept. `limits`: the shortest first. A place in a second
    that passed while a minute was waited for is no place any more: all of them are asked again."""
    slept = 0.0
    if not settings.CRM_PACE:
        return slept
    while pause := next(filter(None, (_full(scope, limit) for limit in limits)), 0.0):
        time.sleep(pause)
        slept += pause
    return slept


def _full(scope: str, limit: Limit) -> float:
    """0 when there is room in the running window, and the room is taken; else seconds to its end."""
    now = time.time()
    number, passed = divmod(now, limit.seconds)
    key = f"crm:turn:{scope}:{limit.seconds}:{int(number)}"
    cache.add(key, 0, timeout=2 * limit.seconds)
    try:
        count = cache.incr(key)
    except ValueError:  # the key was evicted between the two calls
        return 0.0
    if count is None:  # Redis is down
        return _gap(scope, limit)
    return 0.0 if count <= limit.count else limit.seconds - passed + 0.005


def _gap(scope: str, limit: Limit) -> float:
    with _lock:
        now, gap = time.monotonic(), limit.seconds / limit.count
        left = _last.get((scope, limit.seconds), 0.0) + gap - now
        if left > 0:
            return left
        _last[scope, limit.seconds] = now
        return 0.0
