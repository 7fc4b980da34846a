"""Answers that many callers share, shown again for some seconds: a list that is the same for all who
have no part in it, figures that change once a minute.

What is kept lies in Redis as its JSON, with the moment when it is over; each process holds a copy
until that very moment, so that all show the same. Within a transaction nothing is kept: its own
writes would not be seen by others, nor theirs by it.
"""

import time
from collections.abc import Callable
from typing import Any

import orjson
from django.db import connection
from django.utils.translation import get_language
from rest_framework.response import Response

from apps.core import redis_line
from apps.core.http.casing import camelize
from apps.core.http.envelope import dumps
from apps.core.http.etags import etag_of

MOST = 256  # copies in a process: of some kilobytes each
MAKING, PATIENCE, LOOK = ":making", 5, 0.03  # how long others wait for whoever makes it, seconds

# Until when it holds (seconds since 1970), its ETag, its page, its JSON; by what was asked.
_copies: dict[str, tuple[Any, ...]] = {}


def shown(key: str, make: Callable[[], Response], *, seconds: int) -> Response:
    """The answer of `make`, its own or that of somebody who asked for `key` in the same language
    within these seconds. An answer with the attribute `is_fleeting` is not kept."""
    if connection.in_atomic_block:
        return make()
    place = f"sk:lately:{key}:{get_language()}"
    answer = _kept(place)
    if answer is None and not _is_mine(place):
        answer = _awaited(place)
    if answer is not None:
        return answer
    try:
        return _made(place, make, seconds=seconds)
    finally:
        redis_line.ask(lambda line: line.delete(place + MAKING))


def _kept(place: str) -> Response | None:
    known = _copies.get(place)
    if known and known[0] > time.time():
        return _answer(*known[1:])
    kept = redis_line.ask(lambda line: line.get(place))
    if kept is None:
        return None
    until, etag, page, data = kept.split(b"\n", 3)
    _remember(place, float(until), etag.decode(), orjson.loads(page), data)
    return _answer(etag.decode(), orjson.loads(page), data)


def _is_mine(place: str) -> bool:
    """Whether nobody makes it just now; with Redis silent everybody makes her own."""
    ours = redis_line.ask(lambda line: line.set(place + MAKING, 1, nx=True, ex=PATIENCE) or b"")
    return bool(ours != b"")


def _awaited(place: str) -> Response | None:
    """What somebody else makes: twenty who open a dashboard at once are one question, not twenty.
    None when she gave up, or is too slow."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        time.sleep(LOOK)
        is_making = redis_line.ask(lambda line: line.exists(place + MAKING))
        answer = _kept(place)  # looked for after: what she left when she ended is there
        if answer is not None or not is_making:
            return answer
    return None


def _made(place: str, make: Callable[[], Response], *, seconds: int) -> Response:
    made = make()
    page = getattr(made, "envelope_meta", {})
    etag = etag_of([made.data, page])
    data = dumps(camelize(made.data))
    if not getattr(made, "is_fleeting", False):
        until = f"{time.time() + seconds:.3f}"
        whole = b"\n".join([until.encode(), etag.encode(), dumps(page), data])
        redis_line.ask(lambda line: line.set(place, whole, ex=seconds, nx=True))
    return _answer(etag, page, data)


def forget() -> None:
    """Drop this process's copies."""
    _copies.clear()


def _remember(place: str, *copy: Any) -> None:
    if len(_copies) >= MOST:
        _copies.clear()
    _copies[place] = copy


def _answer(etag: str, page: dict[str, Any], data: bytes) -> Response:
    response = Response(orjson.Fragment(data), headers={"ETag": etag})
    response.envelope_meta = page  # type: ignore[attr-defined]
    return response
