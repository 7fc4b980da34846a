"""The short line to Redis for what is asked at every request. It never fails: no answer is None.

Redis is a convenience. While it is silent it is left alone for some seconds, lest every request
wait for its time-out.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django_redis import get_redis_connection

REST = 5.0  # seconds without a word to a Redis that was silent

log = structlog.get_logger(__name__)


class _Line:
    """What this process knows of it. Threads share it; a race costs a request too many."""

    silent_until = 0.0


_line = _Line()


def is_open() -> bool:
    """Whether it answered when it was last asked, or enough time has passed to try again."""
    return time.monotonic() >= _line.silent_until


def ask(question: Callable[[Any], Any]) -> Any:
    """What `question(client)` answers; None too when there is nobody to ask."""
    if not is_open():
        return None
    try:
        return question(get_redis_connection("default"))
    except redis.RedisError as silent:
        _line.silent_until = time.monotonic() + REST
        log.warning("redis.silent", error=type(silent).__name__)
        return None


def forget_silence() -> None:
    """Try again at once."""
    _line.silent_until = 0.0
