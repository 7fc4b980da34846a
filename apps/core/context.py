"""Who asks, from where: bound once per request, read by audit rows and logs."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The request in progress. Empty outside of requests (jobs, commands)."""

    request_id: str = ""
    session_id: str = ""
    address: str | None = None


NOBODY = Caller()
_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def caller() -> Caller:
    return _caller.get()


def bind(value: Caller) -> None:
    _caller.set(value)
