"""What the clock asks of analytics."""

from datetime import timedelta
from importlib import import_module
from uuid import UUID

import structlog
from celery import Task, shared_task
from django.utils import timezone

from apps.analytics import loader, services
from apps.analytics.services import exporting, reconciling
from apps.core import clickhouse, disk

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
def score_churn(**_: object) -> int:
    """Yesterday's guests at risk, of the network and every partner; goes on where it stopped."""
    at = timezone.now()
    try:
        return services.score_all(day=timezone.localdate(at) - timedelta(days=1), at=at)
    except clickhouse.Unavailable:
        log.warning("churn.waits", reason="clickhouse does not answer")
        return 0


@shared_task
def fit_churn(**_: object) -> int:
    """A new model of the network and of the partners together, and how the last forecast came true.
    scikit-learn is loaded here and not before."""
    training = import_module("apps.analytics.services.training")
    at = timezone.now()
    yesterday = timezone.localdate(at) - timedelta(days=1)
    try:
        made = len(training.fit_all(on=yesterday, at=at))
        training.reckon_worth(on=yesterday, at=at)
        return made + training.check_all(day=yesterday, at=at)
    except clickhouse.Unavailable:
        log.warning("churn.waits", reason="clickhouse does not answer")
        return 0


@shared_task(bind=True, max_retries=5)
def write_export(self: Task, *, export_id: str, **_: object) -> None:
    """A long table; while ClickHouse is down or the disk full five more tries, a minute apart."""
    try:
        exporting.write(export_id=UUID(export_id), at=timezone.now())
    except (clickhouse.Unavailable, disk.DiskFull):
        if self.request.retries >= 5:
            exporting.give_up(export_id=UUID(export_id))
            return
        self.retry(countdown=60, throw=False)


@shared_task
def forget_exports(**_: object) -> int:
    """Files that were kept for a week."""
    return exporting.forget_old(at=timezone.now())


@shared_task
def reconcile(**_: object) -> int:
    """Facts of the last 35 days against the books; an error in the log is an alert."""
    at = timezone.now()
    until = timezone.localdate(at)
    since = until - timedelta(days=reconciling.DAYS)
    try:
        return len(reconciling.reconcile(since=since, until=until, at=at))
    except (clickhouse.Unavailable, reconciling.Busy):
        log.warning("reconcile.waits")
        return 0


@shared_task
def keep_dashboards(**_: object) -> int:
    """A picture of every dashboard, to be shown while ClickHouse is down."""
    return services.keep_dashboards(at=timezone.now())
