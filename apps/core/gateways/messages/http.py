"""One pooled client for all providers, and how a broken line is judged."""

from functools import cache

import httpx2 as httpx

from apps.core.gateways.messages.base import Outcome, Verdict

TIMEOUT = httpx.Timeout(10.0, connect=3.0)


@cache
def client() -> httpx.Client:
    """Threads share it; no redirects, no proxy of the environment."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
    return httpx.Client(timeout=TIMEOUT, limits=limits, follow_redirects=False, trust_env=False)


def broken(failure: httpx.HTTPError) -> Verdict:
    """Nothing was handed over when no connection came about; else it may have gone."""
    before = isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Verdict(Outcome.LATER if before else Outcome.UNKNOWN, code=type(failure).__name__)


def wait_of(answer: httpx.Response) -> int | None:
    """Seconds of `Retry-After`, when it is a number."""
    text = answer.headers.get("Retry-After", "")
    return min(int(text), 3600) if text.isdecimal() else None
