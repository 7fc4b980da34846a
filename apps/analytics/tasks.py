"""What the clock asks of analytics."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.utils import timezone

from apps.analytics import loader, services
from apps.core import clickhouse

log = structlog.get_logger(__name__)


@shared_task
def load_facts(**_: object) -> int:
    """Send waiting facts to ClickHouse; when it is down they wait for the next minute."""
    try:
        return loader.load_waiting()
    except clickhouse.Unavailable:
        log.warning("facts.wait", reason="clickhouse does not answer")
        return 0


@shared_task
def snapshot_rfm(**_: object) -> int:
    """Yesterday's segments of the network and every partner; a second run does what is left."""
    at = timezone.now()
    yesterday = timezone.localdate(at) - timedelta(days=1)
    try:
        return services.snapshot_all(day=yesterday, at=at)
    except clickhouse.Unavailable:
        log.warning("rfm.waits", reason="clickhouse does not answer")
        return 0


@shared_task
def keep_dashboards(**_: object) -> int:
    """A picture of every dashboard, to be shown while ClickHouse is down."""
    return services.keep_dashboards(at=timezone.now())
