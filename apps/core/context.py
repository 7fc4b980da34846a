"""Who asks, from where: bound once per request, read by audit rows and logs."""

from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Caller:
    """The request in progress. Empty outside of requests (jobs, commands)."""

    request_id: str = ""
    session_id: str = ""
    address: str | None = None


NOBODY = Caller()
_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


# What one request has asked already; None outside of requests, where nothing is remembered.
_asked: ContextVar[dict[Hashable, Any] | None] = ContextVar("asked", default=None)


def begin() -> None:
    """A request begins, and knows nothing yet."""
    _asked.set({})


def end() -> None:
    """What this thread does next belongs to nobody, until it serves somebody again."""
    _asked.set(None)
    _caller.set(NOBODY)


def once[T](key: Hashable, ask: Callable[[], T]) -> T:
    """The answer to a question that a request asks several times; outside of requests, asked
    anew each time."""
    known = _asked.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    return known[key]  # type: ignore[no-any-return]


def caller() -> Caller:
    return _caller.get()


def bind(value: Caller) -> None:
    _caller.set(value)
