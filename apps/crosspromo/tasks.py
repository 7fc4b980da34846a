"""What the clock asks of chains."""

import structlog
from celery import shared_task
from django.utils import timezone

from apps.core import clickhouse
from apps.crosspromo import services

log = structlog.get_logger(__name__)


@shared_task
def hourly(**_: object) -> int:
    """Next steps of paths whose time has come; chains whose time is over end."""
    at = timezone.now()
    services.close_ended(at=at)
    return services.mint_next_steps(at=at)


@shared_task
def recompute_matrix(**_: object) -> int:
    """The counters behind the Win-Win matrix; when ClickHouse is down they wait for the next hour."""
    at = timezone.now()
    try:
        rows = services.recompute_conversions(at=at)
    except clickhouse.Unavailable:
        log.warning("matrix.waits", reason="clickhouse does not answer")
        return 0
    services.fix_scale(at=at)
    return rows
