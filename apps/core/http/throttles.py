"""Ordinary rate limits of the API (security.md part 5), in the cache: courtesy, not security."""

from typing import Any

from rest_framework.throttling import SimpleRateThrottle

from apps.core.context import caller

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
