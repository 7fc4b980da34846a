"""Calls from outside. They are proved as far as the system allows, remembered by their digest,
answered at once and worked on later. None of them moves money: the object is read again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.core import sealing, throttle
from apps.core.errors import NotFound, Refused, TooMany
from apps.crm.adapters import ADAPTERS, Ref
from apps.crm.enums import EventState, State, Trigger
from apps.crm.models import CRMIntegration, ExternalRecord, WebhookEvent
from apps.crm.net import Failed
from apps.crm.services.credentials import SECRET, SECRET_BEFORE, WEBHOOK
from apps.crm.services.locks import Busy
from apps.crm.services.sync import read_named, run_sync
from apps.transactions.models import Transaction

log = structlog.get_logger(__name__)

MOST_BYTES = 256 * 1024
MOST_REFS = 100
PER_SECOND = 50
ATTEMPTS = 6
LATER = [5, 15, 60, 300, 900]  # seconds before the next attempt
SHAPES = {"application/json", "application/x-www-form-urlencoded"}


class UnknownKey(NotFound):
    """No connection has this address."""


class Unproved(Refused):
    code = "UNAUTHENTICATED"


class WrongShape(Refused):
    code = "UNSUPPORTED_MEDIA"


class TooLong(Refused):
    code = "TOO_LARGE"


class Unreadable(Refused):
    code = "MALFORMED"


def take_webhook(
    *, key: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> WebhookEvent | None:
    """Prove a call and keep what it names; None when it was here before. Raises UnknownKey,
    Unproved, WrongShape, TooLong, Unreadable, TooMany."""
    integration = _integration(key)
    adapter = ADAPTERS[integration.system]
    if len(body) > MOST_BYTES:
        raise TooLong
    if headers.get("content-type", "").partition(";")[0].strip().lower() not in SHAPES:
        raise WrongShape
    if wait := throttle.hit("crm.webhook", str(integration.pk), PER_SECOND, 1):
        raise TooMany(retry_after=wait)
    if not adapter.is_genuine(headers, body, secrets=_secrets(integration, at), at=at):
        log.warning("crm.webhook_unproved", integration=str(integration.pk))
        raise Unproved
    try:
        hint = adapter.read_hint(headers, body, options=integration.options)
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise Unreadable from broken
    event = WebhookEvent(
        integration=integration,
        digest=sha256(adapter.event_key(headers, body)).hexdigest(),
        level=adapter.level,
        topic=hint.topic[:60],
        refs=[[ref.entity, ref.external_id] for ref in hint.refs[:MOST_REFS]],
        state=EventState.WAITING if hint.ours else EventState.IGNORED,
        received_at=at,
        due_at=at,
    )
    with transaction.atomic():
        WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
        known = WebhookEvent.objects.filter(pk=event.pk).exists()
    return event if known else None


def _integration(key: str) -> CRMIntegration:
    digests = sealing.blind_indexes(key, purpose=WEBHOOK)
    found = CRMIntegration.objects.filter(webhook_digest__in=digests).first()
    if found is None or found.state == State.OFF:
        raise UnknownKey
    return found


def _secrets(integration: CRMIntegration, at: datetime) -> list[str]:
    """One, or two while the secret is being changed."""
    kept = [(integration.secret_sealed, SECRET)]
    if integration.secret_before_until and integration.secret_before_until > at:
        kept.append((integration.secret_before_sealed, SECRET_BEFORE))
    return [
        sealing.unseal(sealed, context=f"{place}:{integration.pk}").decode()
        for sealed, place in kept
        if sealed
    ]


def process_webhook(payload: Mapping[str, Any]) -> Transaction | None:
    """Read again what a call named (`{"eventId": …}`) and bring the ledger to it: the sale of the
    first object, None when it has none. Safe to repeat. A call that names nothing wakes the
    poller."""
    event = (
        WebhookEvent.objects.select_related("integration__business")
        .filter(pk=UUID(str(payload["eventId"])), state=EventState.WAITING)
        .first()
    )
    if event is None:
        return None
    integration = event.integration
    if integration.state != State.ACTIVE or _resting(integration):
        _postpone(event)
        return None
    try:
        if event.refs:
            refs = [Ref(entity, number) for entity, number in event.refs]
            read_named(integration, refs, since=event.received_at)
        else:
            run_sync(integration.pk, trigger=Trigger.WEBHOOK, force=False)
    except (Busy, Failed):
        _postpone(event)
        return None
    event.state, event.done_at = EventState.DONE, timezone.now()
    event.save(update_fields=["state", "done_at"])
    return _sale_of(event)


def _resting(integration: CRMIntegration) -> bool:
    return bool(integration.paused_until and integration.paused_until > timezone.now())


def _postpone(event: WebhookEvent) -> None:
    """Later, five times; then the poll alone is responsible."""
    event.attempts += 1
    if event.attempts >= ATTEMPTS:
        event.state, event.done_at = EventState.FAILED, timezone.now()
    else:
        event.due_at = timezone.now() + timedelta(seconds=LATER[event.attempts - 1])
    event.save(update_fields=["attempts", "state", "due_at", "done_at"])


def _sale_of(event: WebhookEvent) -> Transaction | None:
    if not event.refs:
        return None
    entity, number = event.refs[0]
    record = (
        ExternalRecord.objects.select_related("sale")
        .filter(integration_id=event.integration_id, entity=entity, external_id=number)
        .first()
    )
    return record.sale if record else None


def forget_events(*, at: datetime) -> int:
    """After 30 days nobody repeats a call."""
    old = WebhookEvent.objects.filter(received_at__lt=at - timedelta(days=30))
    return old.delete()[0]
