"""Figures for Prometheus: `/metrics` of a web process, and a port of its own in each worker.

Requests and SQL are counted by django-prometheus. What only this house knows is asked of the
database and the broker when somebody scrapes: the age of the outbox, the length of the queues, the
lag of each connection, the last clean audit of the ledger, roubles spent on messages today.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hmac import compare_digest
from typing import Any

import redis
import structlog
from celery.signals import task_postrun, task_prerun, worker_ready
from django.conf import settings
from django.db import Error
from django.db.models import Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from apps.core import disk
from apps.core.models import Beat, Delivery
from apps.crm.enums import State
from apps.crm.models import CRMIntegration
from apps.notifications.models import Attempt

log = structlog.get_logger(__name__)

TASKS = Counter("svoykrug_tasks", "Tasks ended", ["task", "state"])
TASK_SECONDS = Histogram("svoykrug_task_seconds", "How long tasks work", ["task"])
_began: dict[str, datetime] = {}


def metrics(request: HttpRequest) -> HttpResponse:
    """Whoever brings the token sees the figures; for everybody else there is nothing here."""
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode()
    if not settings.METRICS_TOKEN or not compare_digest(given, wanted):
        raise Http404
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    """Counters of all processes of this web server, and the house as it is now."""
    whole = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
    else:
        whole.register(REGISTRY)
    whole.register(House())
    return whole


class House:
    """Each figure by itself: one that cannot be asked does not take the others away."""

    def collect(self) -> Iterator[Metric]:
        unknown = GaugeMetricFamily(
            "svoykrug_figures_unknown", "1: this group could not be asked", labels=["figure"]
        )
        for ask in FIGURES:
            try:
                yield from ask(timezone.now())
            except (Error, redis.RedisError) as broken:
                log.warning("metrics.unknown", figure=ask.__name__, error=type(broken).__name__)
                unknown.add_metric([ask.__name__], 1)
        yield unknown


def outbox(now: datetime) -> Iterable[Metric]:
    waiting = GaugeMetricFamily(
        "svoykrug_outbox_deliveries", "Deliveries by state", labels=["listener", "state"]
    )
    age = GaugeMetricFamily(
        "svoykrug_outbox_age_seconds", "How long the oldest one waits", labels=["listener"]
    )
    # State by state: each has an index that holds no delivered row, of which there are millions.
    for state in (Delivery.State.WAITING, Delivery.State.DEAD):
        of_state = Delivery.objects.filter(state=state).values("listener")
        for row in of_state.annotate(count=Count("pk"), oldest=Min("message__created_at")):
            waiting.add_metric([row["listener"], state.value], row["count"])
            if state == Delivery.State.WAITING:
                age.add_metric([row["listener"]], (now - row["oldest"]).total_seconds())
    return waiting, age


def queues(now: datetime) -> Iterable[Metric]:
    length = GaugeMetricFamily("svoykrug_queue_length", "Tasks in a queue", labels=["queue"])
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2) as broker:
        for queue in settings.CELERY_TASK_QUEUES:
            length.add_metric([queue.name], int(broker.llen(queue.name)))  # type: ignore[arg-type]
    return [length]


def connections(now: datetime) -> Iterable[Metric]:
    """Connections that are switched on; the label is an id, partners stay unnamed here."""
    lag = GaugeMetricFamily(
        "svoykrug_sync_lag_seconds", "Since a success", labels=["integration", "system"]
    )
    on = CRMIntegration.objects.filter(state=State.ACTIVE)
    for pk, system, last, born in on.values_list("pk", "system", "last_success_at", "created_at"):
        lag.add_metric([str(pk), system], (now - (last or born)).total_seconds())
    return [lag]


def clocks(now: datetime) -> Iterable[Metric]:
    """`heartbeat` of worker and Beat, `ledger_audit` of the last audit without a fault."""
    since = GaugeMetricFamily("svoykrug_since_seconds", "Since it last went well", labels=["what"])
    for name, at in Beat.objects.values_list("name", "at"):
        since.add_metric([name], (now - at).total_seconds())
    return [since]


def messages(now: datetime) -> Iterable[Metric]:
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = GaugeMetricFamily(
        "svoykrug_messages_spent_roubles", "Paid to providers today", labels=["channel"]
    )
    rows = Attempt.objects.filter(at__gte=today).values("channel")
    for row in rows.annotate(kopecks=Sum("cost")):
        spent.add_metric([row["channel"]], row["kopecks"] / 100)
    return [spent]


def disk_room(now: datetime) -> Iterable[Metric]:
    taken = GaugeMetricFamily("svoykrug_disk_used_ratio", "Taken of the disk under our files, 0…1")
    taken.add_metric([], disk.used())
    return [taken]


FIGURES: tuple[Callable[[datetime], Iterable[Metric]], ...] = (
    outbox,
    queues,
    connections,
    clocks,
    messages,
    disk_room,
)


@task_prerun.connect
def _task_began(task_id: str = "", **_: Any) -> None:
    _began[task_id] = timezone.now()


@task_postrun.connect
def _task_ended(task_id: str = "", task: Any = None, state: str = "", **_: Any) -> None:
    began = _began.pop(task_id, None)
    if task is None or began is None:
        return
    TASKS.labels(task.name, state or "UNKNOWN").inc()
    TASK_SECONDS.labels(task.name).observe((timezone.now() - began).total_seconds())


@worker_ready.connect
def _serve(**_: Any) -> None:
    """A worker is one process of threads: its own port shows all of it."""
    port = int(os.environ.get("WORKER_METRICS_PORT") or 0)
    if port:
        start_http_server(port)
