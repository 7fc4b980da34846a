"""Asking a worker for something now; without a broker Beat asks for it later."""

from datetime import datetime
from uuid import UUID

from apps.core.bells import ring
from apps.crm.enums import Trigger


def ask_sync(*, integration_id: UUID, since: datetime | None = None) -> None:
    """A read by hand, whether the connection rests or not."""
    ring(
        "apps.crm.tasks.sync_integration",
        integration_id=str(integration_id),
        trigger=Trigger.HAND.value,
        since=since.isoformat() if since else None,
    )


def ask_webhook(*, event_id: UUID) -> None:
    ring("apps.crm.tasks.process_webhook", event_id=str(event_id))
