"""Is everything up? One check per dependency, each with its own short time limit."""

from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.db import Error, connection
from django.utils import timezone

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
