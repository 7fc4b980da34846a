"""What the clock asks of coupons."""

from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from apps.coupons import queries, services

log = structlog.get_logger(__name__)


@shared_task
def expire_due(**_: object) -> int:
    """Coupons past their day expire and give back what they reserved."""
    return services.expire_due(at=timezone.now())


@shared_task
def make_codes(*, campaign_id: str, **_: object) -> None:
    """The codes of one campaign, batch by batch: the owner's page shows how far it is."""
    while services.fill_campaign(campaign_id=UUID(campaign_id), at=timezone.now()):
        pass


@shared_task
def make_missing_codes(**_: object) -> int:
    """Codes that a worker did not finish."""
    return services.fill_unfinished(at=timezone.now())


@shared_task
def audit(**_: object) -> None:
    """Whether the settlement was told of every discount; an error in the log is an alert."""
    fault = queries.charge_fault()
    if fault:
        log.error("coupons.audit_failed", redemption=fault)
