"""Ordinary rate limits of the API (security.md part 5), in Redis: courtesy, not security.

A window begins with the first request and counts in one atomic round trip, where DRF's own reads,
changes and writes a list of moments in two. Without Redis they let everything pass; what guards
sign-in, money and people is counted in PostgreSQL (`core.throttle`)."""

import time
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from rest_framework.throttling import BaseThrottle

from apps.core import redis_line
from apps.core.context import caller

log = structlog.get_logger(__name__)
ALARM_EVERY = 3600  # seconds

READS, WRITES = "120/min", "30/min"
READS_BY_ADDRESS, WRITES_BY_ADDRESS = "600/min", "120/min"
SAFE = ("GET", "HEAD", "OPTIONS")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
COUNT = """
local wait = 0
for i, key in ipairs(KEYS) do
    local n = redis.call('INCR', key)
    if n == 1 then redis.call('PEXPIRE', key, ARGV[2 * i - 1]) end
    if n > tonumber(ARGV[2 * i]) then wait = math.max(wait, redis.call('PTTL', key)) end
end
return wait
"""

type Limit = tuple[str, str] | None  # what is counted, and the rate


@lru_cache(maxsize=64)
def parse_rate(rate: str) -> tuple[int, int]:
    """`10/min` → how many, in how many seconds."""
    number, _slash, period = rate.partition("/")
    return int(number), SECONDS[period[0]]


class ByCaller(BaseThrottle):
    """Per person when she is known, else per address; reads and writes apart."""

    left_ms = 0

    def allow_request(self, request: Any, view: Any) -> bool:
        found: list[tuple[str, str]] = []
        try:
            for limit in self.limits(request, view):
                found.append(limit)  # what came before a broken body counts
        finally:
            self.left_ms = _count(found)
        return not self.left_ms

    def wait(self) -> float:
        """Seconds until the window ends."""
        return self.left_ms / 1000

    def limits(self, request: Any, view: Any) -> Iterator[tuple[str, str]]:
        if limit := self.limit(request, view):
            yield limit

    def limit(self, request: Any, view: Any) -> Limit:
        kind = "r" if request.method in SAFE else "w"
        if _is_known(request):
            return f"{kind}:{request.user.pk}", READS if kind == "r" else WRITES
        # Not DRF's `get_ident`: it believes X-Forwarded-For, which any stranger can write.
        return f"{kind}:{caller().address}", _rate_of_address(kind)


def _count(limits: list[tuple[str, str]]) -> int:
    """Count one more of each, in one round trip; the milliseconds to wait for the longest."""
    if not limits:
        return 0
    values = [
        number
        for _key, rate in limits
        for most, seconds in [parse_rate(rate)]
        for number in (seconds * 1000, most)
    ]
    keys = [f"sk:throttle:{key}" for key, _rate in limits]
    return redis_line.ask(lambda line: line.eval(COUNT, len(keys), *keys, *values)) or 0


def _is_known(request: Any) -> bool:
    return bool(request.user and request.user.is_authenticated)


def _rate_of_address(kind: str) -> str:
    return READS_BY_ADDRESS if kind == "r" else WRITES_BY_ADDRESS


class _Alarm:
    """When this process may ask again whether the alarm below was given."""

    due = 0.0


def public_address() -> str | None:
    """Whence the caller came; None for an address of a private network. Behind a proxy that is not
    counted (NUM_PROXIES) everybody would have the proxy's: one bucket for all of them would shut
    everybody out, so that in production it is an alarm instead."""
    address = caller().address
    if address is None or not ip_address(address).is_private:
        return address
    if settings.ENVIRONMENT == "production" and time.monotonic() >= _Alarm.due:
        _Alarm.due = time.monotonic() + ALARM_EVERY
        key = "sk:throttle:private"
        if redis_line.ask(lambda line: line.set(key, 1, nx=True, ex=ALARM_EVERY)):
            log.error("throttle.private_address", address=address)
    return None


class ByAddress(ByCaller):
    """Known people who share an address, together; strangers are counted so by `ByCaller`."""

    def limit(self, request: Any, view: Any) -> Limit:
        address = public_address()
        if address is None or not _is_known(request):
            return None
        kind = "r" if request.method in SAFE else "w"
        return f"{kind}:at:{address}", _rate_of_address(kind)


def _action_of(view: Any) -> str:
    return getattr(view, "action", None) or ""  # a plain view has none


class ByAction(ByCaller):
    """A view's own `limits`: action → (per person, per address), such as `("10/min", "60/min")`;
    an empty one is no limit."""

    which = 0

    def limit(self, request: Any, view: Any) -> Limit:
        limits: dict[str, tuple[str, str]] = getattr(view, "limits", {})
        action = _action_of(view)
        rate = limits.get(action, ("", ""))[self.which]
        who = self.who(request) if rate else ""
        return (f"{view.__class__.__name__}.{action}:{who}", rate) if who else None

    def who(self, request: Any) -> str:
        return str(request.user.pk) if _is_known(request) else ""


class ByActionAndAddress(ByAction):
    """The same for all who come from one address."""

    which = 1

    def who(self, request: Any) -> str:
        return caller().address or ""


class ByShared(ByCaller):
    """What callers share: a view's `shared` says action → (field of the body, rate). Calls with
    the same value of the field count together; with an empty field all calls of the action do."""

    def limit(self, request: Any, view: Any) -> Limit:
        action = _action_of(view)
        shared: dict[str, tuple[str, str]] = getattr(view, "shared", {})
        if action not in shared:
            return None
        field, rate = shared[action]
        said = request.data.get(field) if field and isinstance(request.data, dict) else ""
        if not isinstance(said, str) or len(said) > 40:
            return None  # the call is refused for its body
        return f"{view.__class__.__name__}.{action}:of:{said.lower()}", rate


class Together(ByCaller):
    """All of them in one round trip."""

    kinds = (ByCaller(), ByAddress(), ByAction(), ByActionAndAddress(), ByShared())

    def limits(self, request: Any, view: Any) -> Iterator[tuple[str, str]]:
        for kind in self.kinds:
            yield from kind.limits(request, view)
