"""What the clock asks of loyalty. After midnight in Moscow: wake, move tiers, expire."""

import structlog
from celery import chain, shared_task
from django.utils import timezone

from apps.core.models import Beat
from apps.loyalty import queries, rules, services, settlement_queries

log = structlog.get_logger(__name__)


@shared_task
def nightly(**_: object) -> None:
    """After midnight: wake, move tiers, expire, in this order, each a task that may be repeated.
    A step that fails stops those after it until the next night: late is as good as on time."""
    chain(wake.si(), move_tiers.si(), expire.si()).apply_async()


@shared_task
def wake(**_: object) -> None:
    """Pending bonuses whose day has come."""
    log.info("loyalty.woken", members=services.wake_due(at=timezone.now()))


@shared_task
def move_tiers(**_: object) -> None:
    """Members who do not stand where money, breadth and grace put them."""
    log.info("loyalty.tiers_moved", members=services.move_tiers(at=timezone.now()))


@shared_task
def expire(**_: object) -> None:
    """Lapsed bonuses, and what came back to wallets of erased members."""
    at = timezone.now()
    expired, closed = services.expire_due(at=at), services.close_wallets_of_erased(at=at)
    log.info("loyalty.expired", members=expired, closed=closed)


@shared_task
def warn(**_: object) -> None:
    """Bonuses that lapse soon, tiers that fall soon: each said once, by day."""
    at = timezone.now()
    log.info(
        "loyalty.warned",
        expiry=services.warn_of_expiry(at=at),
        tiers=services.warn_of_tiers(at=at),
    )


@shared_task
def time_out_holds(**_: object) -> int:
    return services.time_out_holds(at=timezone.now())


@shared_task
def audit(**_: object) -> None:
    """Recompute the ledger's invariants. An error in the log is an alert; so is, in the figures, a
    clean audit that is older than a day."""
    faults = queries.ledger_faults()
    if faults:
        log.error("loyalty.audit_failed", faults=faults)
        return
    Beat.objects.update_or_create(name="ledger_audit", defaults={"at": timezone.now()})
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


@shared_task
def lapse_referrals(**_: object) -> int:
    """Invitations that nobody followed lapse; the reward tests the date itself."""
    return services.lapse_referrals(at=timezone.now())
