"""Is everything up? One check per dependency, each with its own short time limit."""

from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.core import clickhouse
from apps.core.models import Beat

FRESH = timedelta(seconds=30)  # six heartbeats


class Down(Exception):
    """A dependency does not answer; the text says which way."""


def _postgres() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as broken:
        raise Down("no answer") from broken


def _redis() -> None:
    cache.set("health", "1", timeout=10)
    if cache.get("health") != "1":
        raise Down("no answer")


def _clickhouse() -> None:
    try:
        clickhouse.ping()
    except clickhouse.Unavailable as broken:
        raise Down("no answer") from broken


def _worker_and_beat() -> None:
    try:
        beat = Beat.objects.filter(name="heartbeat").first()
    except Error as broken:
        raise Down("unknown while the database is down") from broken
    if beat is None or timezone.now() - beat.at > FRESH:
        raise Down("no heartbeat for 30 s")


CHECKS: dict[str, Callable[[], None]] = {
    "postgres": _postgres,
    "redis": _redis,
    "clickhouse": _clickhouse,
    "workerAndBeat": _worker_and_beat,
}


def report() -> dict[str, str]:
    """Dependency → "ok" or what is wrong."""
    answers = {}
    for name, check in CHECKS.items():
        try:
            check()
        except Down as wrong:
            answers[name] = str(wrong)
        else:
            answers[name] = "ok"
    return answers


def queue_depths() -> dict[str, int | None]:
    """Queue → tasks that wait in it; None where the broker is silent."""
    names = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    try:
        with current_app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
            return {name: int(broker.default_channel.client.llen(name)) for name in names}
    except (OperationalError, OSError):
        return dict.fromkeys(names)
