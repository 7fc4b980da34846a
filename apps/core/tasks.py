"""What the clock asks of core."""

from datetime import timedelta

import structlog
from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from apps.core import audit_chain, outbox
from apps.core.gateways import sms
from apps.core.models import Beat, Counter, Delivery, IdempotencyKey, Message

log = structlog.get_logger(__name__)


@shared_task(bind=True, max_retries=2)
def send_sms(self: Task, *, sealed: str, **_: object) -> None:
    """Send one sealed message; two more attempts, then an error in the log."""
    try:
        sms.send_sealed(sealed)
    except sms.SmsFailed:
        if self.request.retries >= 2:
            log.error("sms.lost", retries=2)
            return
        self.retry(countdown=3 * (self.request.retries + 1), throw=False)


@shared_task
def heartbeat(**_: object) -> None:
    """Proves that Beat sends and a worker works: the ready page reads the time."""
    Beat.objects.update_or_create(name="heartbeat", defaults={"at": timezone.now()})


@shared_task
def drain_outbox(**_: object) -> int:
    return outbox.drain()


@shared_task
def forget_old(**_: object) -> None:
    """Retention: idempotency keys 24 hours, rate windows when over, delivered messages 30 days."""
    now = timezone.now()
    IdempotencyKey.objects.filter(created_at__lt=now - timedelta(hours=24)).delete()
    Counter.objects.filter(ends_at__lt=now).delete()
    old = Message.objects.filter(created_at__lt=now - timedelta(days=30))
    old.exclude(deliveries__state__in=[Delivery.State.WAITING, Delivery.State.DEAD]).delete()


@shared_task
def seal_audit(**_: object) -> int:
    """Every minute: the audit rows of the last minute join the chain."""
    return audit_chain.seal(at=timezone.now())


@shared_task
def anchor_audit(**_: object) -> None:
    """Every hour: the chain's head leaves the database."""
    audit_chain.anchor(path=settings.AUDIT_ANCHOR_FILE, at=timezone.now())


@shared_task
def verify_audit(**_: object) -> None:
    """Every night; an error in the log is an alert."""
    at = timezone.now()
    verdict = audit_chain.verify(path=settings.AUDIT_ANCHOR_FILE, at=at)
    audit_chain.note(verdict, at=at)
    if verdict.whole:
        log.info("audit.chain_whole", upto=verdict.upto)
    else:
        log.error("audit.chain_broken", first_bad=verdict.bad, because=verdict.because)
