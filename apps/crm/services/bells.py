"""Asking a worker for something now; without a broker Beat asks for it later."""

from datetime import datetime
from uuid import UUID

import structlog
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown

from apps.crm.enums import Trigger

log = structlog.get_logger(__name__)


def ask_sync(*, integration_id: UUID, since: datetime | None = None) -> None:
    """A read by hand, whether the connection rests or not."""
    _ring(
        "sync_integration",
        integration_id=str(integration_id),
        trigger=Trigger.HAND.value,
        since=since.isoformat() if since else None,
    )


def ask_webhook(*, event_id: UUID) -> None:
    _ring("process_webhook", event_id=str(event_id))


def _ring(name: str, **kwargs: str | None) -> None:
    task = import_string(f"apps.crm.tasks.{name}")
    try:
        task.apply_async(kwargs=kwargs, retry=False, ignore_result=True)
    except BrokerDown:
        log.warning("crm.broker_down", task=name)
