"""Answers that many callers share, shown again for some seconds: a list that is the same for all who
have no part in it, figures that change once a minute.

What is kept lies in Redis as its JSON. Within a transaction nothing is kept: its own writes would
not be seen by others, nor theirs by it.
"""

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


def shown(key: str, make: Callable[[], Response], *, seconds: int) -> Response:
    """The answer of `make`, its own or that of somebody who asked for `key` in the same language
    within these seconds. An answer with the attribute `is_fleeting` is not kept."""
    if connection.in_atomic_block:
        return make()
    place = f"sk:lately:{key}:{get_language()}"
    kept = redis_line.ask(lambda line: line.get(place))
    if kept is not None:
        etag, page, data = kept.split(b"\n", 2)
        return _answer(data, orjson.loads(page), etag.decode())
    made = make()
    page = getattr(made, "envelope_meta", {})
    etag = etag_of([made.data, page])
    data = dumps(camelize(made.data))
    if not getattr(made, "is_fleeting", False):
        whole = b"\n".join([etag.encode(), dumps(page), data])
        redis_line.ask(lambda line: line.set(place, whole, ex=seconds))
    return _answer(data, page, etag)


def _answer(data: bytes, page: dict[str, Any], etag: str) -> Response:
    response = Response(orjson.Fragment(data), headers={"ETag": etag})
    response.envelope_meta = page  # type: ignore[attr-defined]
    return response
