"""Reading what a stranger sends: never more than fits, never longer than we wait."""

import json
import time
from decimal import Decimal
from typing import Any, Protocol

from apps.crm.enums import Trouble
from apps.crm.net.failure import Failed


class Stream(Protocol):
    headers: Any

    def iter_raw(self) -> Any: ...


def read_limited(response: Stream, *, most: int, deadline: float) -> bytes:
    """The whole body. Raises Failed when it is packed, over `most` bytes or after `deadline`
    (monotonic): a byte a second is silence."""
    from_outside = str(response.headers.get("Content-Encoding", "")).strip().lower()
    if from_outside not in ("", "identity"):
        raise Failed(Trouble.UNREADABLE)  # we asked for plain bytes: a bomb is not unpacked
    declared = str(response.headers.get("Content-Length", ""))
    if declared.isdecimal() and int(declared) > most:
        raise Failed(Trouble.TOO_LARGE)
    parts, size = [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > most:
            raise Failed(Trouble.TOO_LARGE)
        if time.monotonic() > deadline:
            raise Failed(Trouble.TIMEOUT)
        parts.append(part)
    return b"".join(parts)


def parse_json(body: bytes) -> Any:
    """JSON with exact numbers, a byte order mark forgiven. Raises ValueError."""
    try:
        return json.loads(
            body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant
        )
    except RecursionError as deep:
        raise ValueError("too deep") from deep


def rows_of(given: Any) -> list[dict[str, Any]]:
    """A list of objects. Raises Failed for anything else: an empty list would mean that all sales
    have vanished."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Failed(Trouble.UNREADABLE)
    return given


def _no_constant(name: str) -> Any:
    raise ValueError(name)
