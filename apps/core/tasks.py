"""What the clock asks of core."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.core import outbox
from apps.core.models import Beat, Counter, Delivery, IdempotencyKey, Message


@shared_task
def heartbeat(**_: object) -> None:
    """Proves that Beat sends and a worker works: the ready page reads the time."""
    Beat.objects.update_or_create(name="heartbeat", defaults={"at": timezone.now()})


@shared_task
def drain_outbox(**_: object) -> int:
    return outbox.drain()


@shared_task
def forget_old(**_: object) -> None:
    """Retention: idempotency keys 7 days, rate windows when over, delivered messages 30 days."""
    now = timezone.now()
    IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=7)).delete()
    Counter.objects.filter(ends_at__lt=now).delete()
    old = Message.objects.filter(created_at__lt=now - timedelta(days=30))
    old.exclude(deliveries__state__in=[Delivery.State.WAITING, Delivery.State.DEAD]).delete()
