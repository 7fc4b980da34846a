"""ETags of what changes seldom: the same content again costs an empty 304."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.http.casing import camelize
from apps.core.http.envelope import dumps

REVALIDATE = "private, no-cache"


def etag_of(content: Any) -> str:
    """A strong ETag of anything that an answer may hold."""
    return f'"{hashlib.sha256(dumps(camelize(content))).hexdigest()[:32]}"'


def tags_of(header: str) -> list[str]:
    """The opaque tags of `If-Match` or `If-None-Match`: `W/"a", "b"` → `["a", "b"]`."""
    return [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",") if tag.strip()]


def is_known(request: Request, etag: str) -> bool:
    """Whether the caller holds this very content already."""
    given = tags_of(request.headers.get("If-None-Match", ""))
    return "*" in given or etag.strip('"') in given


def revalidated(action: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a GET of the catalogue: ETag of its content, 304 to who has it.

    Wording follows the language, so does the tag; `meta` with its moment is no part of it.
    """

    @functools.wraps(action)
    def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = action(view, request, *args, **kwargs)
        page = getattr(response, "envelope_meta", {})
        etag = response.get("ETag") or etag_of([response.data, page])
        if is_known(request, etag):
            response = Response(status=304)
        response["ETag"] = etag
        response["Cache-Control"] = REVALIDATE
        return response

    wrapped.revalidated = True  # type: ignore[attr-defined]  # the schema tells of it
    return wrapped
