"""What the clock asks of the hub. Each task is a doorbell: safe to ring twice."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from apps.crm import services
from apps.crm.enums import EventState, Trigger
from apps.crm.models import Backfill, CallLog, SyncRun, WebhookEvent
from apps.crm.services.locks import Busy
from apps.crm.services.webhooks import forget_events

log = structlog.get_logger(__name__)

MOST_EVENTS = 200


@shared_task
def sync_integration(
    *,
    integration_id: str,
    trigger: str = Trigger.SCHEDULE,
    since: str | None = None,
    **_: object,
) -> int:
    """One poll. Somebody else reads it now: theirs counts. By hand a pause is not kept."""
    try:
        run = services.run_sync(
            UUID(integration_id),
            trigger=Trigger(trigger),
            since=datetime.fromisoformat(since) if since else None,
            force=trigger == Trigger.HAND,
        )
    except Busy:
        return 0
    return run.applied


@shared_task
def process_webhook(*, event_id: str, **_: object) -> None:
    services.process_webhook({"eventId": event_id})


@shared_task
def process_waiting_webhooks(**_: object) -> int:
    """Every minute: calls whose bell was lost, or that had to wait."""
    due = WebhookEvent.objects.filter(state=EventState.WAITING, due_at__lte=timezone.now())
    done = 0
    for event_id in due.order_by("due_at").values_list("pk", flat=True)[:MOST_EVENTS]:
        services.process_webhook({"eventId": str(event_id)})
        done += 1
    return done


@shared_task
def continue_backfills(**_: object) -> int:
    """Every minute: the past that is still being read."""
    done = 0
    for backfill_id in Backfill.objects.filter(ended_at__isnull=True).values_list("pk", flat=True):
        try:
            done += services.continue_backfill(backfill_id=backfill_id)
        except Busy:
            continue
    return done


@shared_task
def reconcile_duplicates(**_: object) -> int:
    return services.reconcile_duplicates()


@shared_task
def forget_old(**_: object) -> None:
    """Retention: calls 30 days, the journal of requests and runs 90 days."""
    now = timezone.now()
    forget_events(at=now)
    CallLog.objects.filter(at__lt=now - timedelta(days=90)).delete()
    SyncRun.objects.filter(started_at__lt=now - timedelta(days=90)).delete()
