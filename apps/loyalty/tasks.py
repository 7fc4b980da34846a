"""What the clock asks of loyalty, in this order after midnight Moscow: wake, then expire."""

import structlog
from celery import shared_task
from django.utils import timezone

from apps.loyalty import queries, rules, services, settlement_queries

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


@shared_task
def close_month(**_: object) -> None:
    """Close the last whole month. Rung every night: closed already, it is left as it is."""
    month = rules.month_before(timezone.now())
    statement = services.close_month(month=month, by=None, at=timezone.now())
    log.info("settlement.closed", month=month.isoformat(), statement=str(statement.pk))


@shared_task
def refresh_exposure(**_: object) -> int:
    """What each partner may owe, for limits that are read with every accrual."""
    reckoned = services.refresh_exposure(at=timezone.now())
    for terms in settlement_queries.over_limit():
        log.warning("settlement.limit_exceeded", business_id=str(terms.business_id))
    return reckoned


@shared_task
def move_offers(**_: object) -> int:
    """Offers read as begun and ended; what they give never waits for this."""
    return services.move_offers_by_clock(at=timezone.now())
