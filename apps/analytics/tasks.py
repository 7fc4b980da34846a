"""What the clock asks of analytics."""

import structlog
from celery import shared_task

from apps.analytics import loader
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
