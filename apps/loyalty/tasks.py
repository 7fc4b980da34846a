"""What the clock asks of loyalty, in this order after midnight Moscow: wake, then expire."""

import structlog
from celery import shared_task
from django.utils import timezone

from apps.loyalty import queries, services

log = structlog.get_logger(__name__)


@shared_task
def nightly(**_: object) -> None:
    """Wake pending bonuses, expire lapsed ones. Safe to ring twice and late."""
    at = timezone.now()
    woken, expired = services.wake_due(at=at), services.expire_due(at=at)
    log.info("loyalty.nightly", woken=woken, expired=expired)


@shared_task
def time_out_holds(**_: object) -> int:
    return services.time_out_holds(at=timezone.now())


@shared_task
def audit(**_: object) -> None:
    """Recompute the ledger's invariants; an error in the log is an alert."""
    faults = queries.ledger_faults()
    if faults:
        log.error("loyalty.audit_failed", faults=faults)
    else:
        log.info("loyalty.audit_clean")
