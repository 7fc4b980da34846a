"""Secrets of connections: in but never out, and the rotation of single-use tokens.

Rotation survives a crash between use and save. Before a refresh token is used, a mark with its
digest commits; after the answer the new pair and the mark's end commit together. Whoever finds a
mark of the present token knows that it may be spent: the access token is used while it lives (it
is renewed hours early for that), one more attempt is made with the old refresh token, and when it
is refused a person is asked to connect anew until the access token ends.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from apps.core import sealing
from apps.crm.models import CRMIntegration
from apps.crm.services.locks import alone

CREDENTIALS, TOKENS, WEBHOOK = "crm.credentials", "crm.tokens", "crm.webhook"
SECRET, SECRET_BEFORE = "crm.secret", "crm.secret_before"
HINT = 4
PATIENCE = 30.0


def seal_json(given: Mapping[str, Any], *, place: str, owner: UUID) -> str:
    return sealing.seal(orjson.dumps(dict(given)), context=f"{place}:{owner}")


def open_json(sealed: str, *, place: str, owner: UUID) -> dict[str, Any]:
    if not sealed:
        return {}
    opened: dict[str, Any] = orjson.loads(sealing.unseal(sealed, context=f"{place}:{owner}"))
    return opened


def hint_of(secret: str) -> str:
    """The end of a key that may be shown; nothing of a short one."""
    return secret[-HINT:] if len(secret) >= 3 * HINT else ""


def digest_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


class StoredTokens:
    """Tokens of one integration in the database, sealed."""

    def __init__(self, integration_id: UUID) -> None:
        self.integration_id = integration_id

    def read(self) -> dict[str, Any]:
        sealed = (
            CRMIntegration.objects.filter(pk=self.integration_id)
            .values_list("tokens_sealed", flat=True)
            .get()
        )
        return open_json(sealed, place=TOKENS, owner=self.integration_id)

    def write(self, tokens: Mapping[str, Any]) -> None:
        self._save(tokens)

    @contextmanager
    def rotation(self) -> Iterator["StoredRotation"]:
        """The only worker that may refresh; tokens are read again inside."""
        with alone("rotate", self.integration_id, patience=PATIENCE):
            yield StoredRotation(self)

    def _save(self, tokens: Mapping[str, Any], **more: Any) -> None:
        sealed = seal_json(tokens, place=TOKENS, owner=self.integration_id)
        CRMIntegration.objects.filter(pk=self.integration_id).update(tokens_sealed=sealed, **more)


class StoredRotation:
    """`interrupted`: an earlier use of this very refresh token was never finished. `is_lost`: one
    more attempt was refused, a person has to connect anew."""

    def __init__(self, store: StoredTokens) -> None:
        self.store = store
        self.tokens = store.read()
        marked, reconnect_by = (
            CRMIntegration.objects.filter(pk=store.integration_id)
            .values_list("refresh_digest", "reconnect_by")
            .get()
        )
        self.is_lost = reconnect_by is not None
        present = str(self.tokens.get("refresh_token", ""))
        self.interrupted = bool(present) and marked == digest_of(present)

    def begin(self) -> None:
        self._update(
            refresh_digest=digest_of(str(self.tokens.get("refresh_token", ""))),
            refresh_started_at=timezone.now(),
        )

    def finish(self, tokens: Mapping[str, Any]) -> None:
        self.store._save(tokens, refresh_digest="", refresh_started_at=None, reconnect_by=None)

    def lost(self) -> None:
        """The pair is gone: the access token works on until it ends, then somebody must connect."""
        ends = self.tokens.get("expires_at")
        until = datetime.fromtimestamp(ends, tz=UTC) if ends else timezone.now()
        self._update(reconnect_by=max(until, timezone.now() - timedelta(days=1)))

    def _update(self, **changes: Any) -> None:
        CRMIntegration.objects.filter(pk=self.store.integration_id).update(**changes)
