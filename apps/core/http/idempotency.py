"""`@idempotent` for POSTs that move value: key, effect and stored answer commit together.

Same key and body: the first answer again, byte for byte in `data`. Other body: 422. A twin still
running: wait up to two seconds, then 409. A refusal stores nothing, so a repeat executes.
"""

import functools
import hashlib
import time
from collections.abc import Callable
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from apps.core import rows, sealing
from apps.core.errors import Refused
from apps.core.http.casing import camelize
from apps.core.http.envelope import dumps
from apps.core.models import IdempotencyKey

STORED = """
SELECT body_hash, status, answer FROM core_idempotencykey
WHERE actor = %s AND route = %s AND key = %s
"""
PATIENCE = 2.0  # seconds to wait for a running twin


class KeyMissing(Refused):
    """A broken header, not a wrong field: MALFORMED by the contract."""

    code = "MALFORMED"
    message = _("Send an Idempotency-Key header: 1 to 255 visible ASCII characters.")

    def __init__(self) -> None:
        super().__init__(**{"Idempotency-Key": [str(self.message)]})


class KeyMismatch(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This Idempotency-Key was used with another body. Nothing was changed.")


class KeyInProgress(Refused):
    code = "IDEMPOTENCY_IN_PROGRESS"
    message = _("The same request is still running. Ask again in a second.")


def _key_of(request: Any) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 255 or not all("!" <= sign <= "~" for sign in key):
        raise KeyMissing
    return str(key)


def _body_hash(request: Any) -> str:
    canonical = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _context(key: str) -> str:
    # An answer may hold a name: it lies sealed (security.md part 5).
    return f"idempotency.answer:{key}"


def _take_turn(actor: str, route: str, key: str) -> None:
    """An advisory lock to the end of the transaction: one request per key at a time."""
    digest = hashlib.sha256(f"{actor}|{route}|{key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
            if cursor.fetchone()[0]:
                return
            if time.monotonic() > deadline:
                raise KeyInProgress
            time.sleep(0.05)


def idempotent(action: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a view method `(self, request, ...)`; it runs inside one transaction."""

    @functools.wraps(action)
    def wrapped(view: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        key = _key_of(request)
        actor, route = str(request.user.pk), f"{request.method} {request.path}"
        body_hash = _body_hash(request)
        with transaction.atomic():
            _take_turn(actor, route, key)
            stored = rows.first(STORED, [actor, route, key])
            if stored:
                first_hash, status, sealed = stored
                if first_hash != body_hash:
                    raise KeyMismatch
                first = sealing.unseal(sealed, context=_context(key))
                replay = Response(orjson.Fragment(first), status=status)
                replay["Idempotency-Replayed"] = "true"
                return replay
            response = action(view, request, *args, **kwargs)
            answer = dumps(camelize(response.data)).decode()
            kept = IdempotencyKey(
                actor=actor,
                route=route,
                key=key,
                body_hash=body_hash,
                status=response.status_code,
                answer=sealing.seal(answer, context=_context(key)),
            )
            rows.insert(kept)
            response.data = orjson.Fragment(answer)
            return response

    wrapped.idempotent = True  # type: ignore[attr-defined]
    return wrapped
