"""Ordinary rate limits of the API (security.md part 5), in the cache: courtesy, not security.

Without Redis they let everything pass; what guards sign-in, money and people is counted in
PostgreSQL (`core.throttle`)."""

from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import SimpleRateThrottle

from apps.core.context import caller

log = structlog.get_logger(__name__)
ALARM_EVERY = 3600  # seconds

READS, WRITES = "120/min", "30/min"
READS_BY_ADDRESS, WRITES_BY_ADDRESS = "600/min", "120/min"
SAFE = ("GET", "HEAD", "OPTIONS")


class ByCaller(SimpleRateThrottle):
    """Per person when she is known, else per address; reads and writes apart."""

    scope = "caller"
    cache_format = "throttle:%(scope)s:%(ident)s"

    def get_rate(self) -> str:
        return READS

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        known = bool(request.user and request.user.is_authenticated)
        safe = request.method in SAFE
        if known:
            rate = READS if safe else WRITES
        else:
            rate = READS_BY_ADDRESS if safe else WRITES_BY_ADDRESS
        self.num_requests, self.duration = self.parse_rate(rate)
        # Not DRF's `get_ident`: it believes X-Forwarded-For, which any stranger can write.
        who = str(request.user.pk) if known else caller().address
        return f"throttle:{'r' if safe else 'w'}:{who}"


def public_address() -> str | None:
    """Whence the caller came; None for an address of a private network. Behind a proxy that is not
    counted (NUM_PROXIES) everybody would have the proxy's: one bucket for all of them would shut
    everybody out, so that in production it is an alarm instead."""
    address = caller().address
    if address is None or not ip_address(address).is_private:
        return address
    if settings.ENVIRONMENT == "production" and cache.add("throttle:private", 1, ALARM_EVERY):
        log.error("throttle.private_address", address=address)
    return None


class ByAddress(ByCaller):
    """Known people who share an address, together; strangers are counted so by `ByCaller`."""

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        address = public_address()
        if address is None or not (request.user and request.user.is_authenticated):
            return None
        safe = request.method in SAFE
        self.num_requests, self.duration = self.parse_rate(
            READS_BY_ADDRESS if safe else WRITES_BY_ADDRESS
        )
        return f"throttle:{'r' if safe else 'w'}:at:{address}"


class ByAction(ByCaller):
    """A view's own `limits`: action → (per person, per address), such as `("10/min", "60/min")`;
    an empty one is no limit."""

    which = 0

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        limits: dict[str, tuple[str, str]] = getattr(view, "limits", {})
        action = getattr(view, "action", None) or ""  # a plain view has none
        rate = limits.get(action, ("", ""))[self.which]
        who = self._who(request)
        if not rate or not who:
            return None
        self.num_requests, self.duration = self.parse_rate(rate)
        return f"throttle:{view.__class__.__name__}.{action}:{who}"

    def _who(self, request: Any) -> str:
        known = bool(request.user and request.user.is_authenticated)
        return str(request.user.pk) if known else ""


class ByActionAndAddress(ByAction):
    """The same for all who come from one address."""

    which = 1

    def _who(self, request: Any) -> str:
        return caller().address or ""


class ByShared(ByCaller):
    """What callers share: a view's `shared` says action → (field of the body, rate). Calls with
    the same value of the field count together; with an empty field all calls of the action do."""

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        action = getattr(view, "action", None) or ""
        shared: dict[str, tuple[str, str]] = getattr(view, "shared", {})
        if action not in shared:
            return None
        field, rate = shared[action]
        said = request.data.get(field) if field and isinstance(request.data, dict) else ""
        if not isinstance(said, str) or len(said) > 40:
            return None  # the call is refused for its body
        self.num_requests, self.duration = self.parse_rate(rate)
        return f"throttle:{view.__class__.__name__}.{action}:of:{said.lower()}"
