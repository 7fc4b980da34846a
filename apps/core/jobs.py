"""The base of all tasks: what a schedule rang is written down, one row a task.

Beat knows when it rang; only the worker knows what came of it.
"""

import time
from datetime import datetime
from typing import Any

import structlog
from celery import Task
from celery.exceptions import Ignore, Retry
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import F
from django.utils import timezone

from apps.core.masking import mask_text
from apps.core.models import JobRun

log = structlog.get_logger(__name__)


class WatchedTask(Task):
    """`celery.Task` that leaves a row of its last run when it stands in the schedule.

    A request drops a connection that PostgreSQL has closed before it begins; so does a task here.
    Celery itself keeps it for a hundred tasks (CELERY_DB_REUSE_MAX), and each of them would fail.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _drop_dead_connections()
        if self.name not in scheduled():
            return super().__call__(*args, **kwargs)
        since, clock = timezone.now(), time.monotonic()
        try:
            result = super().__call__(*args, **kwargs)
        except (Ignore, Retry):
            raise
        except Exception as failure:
            told = f"{type(failure).__name__}: {failure}"
            _note(self.name, since, clock, told=told, is_ok=False)
            raise
        _note(self.name, since, clock, told="" if result is None else str(result), is_ok=True)
        return result


def _drop_dead_connections() -> None:
    """What Django does before a request. Not within a transaction: a task called there is part of
    it."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def scheduled() -> frozenset[str]:
    """Names of the tasks that the schedule rings."""
    return frozenset(entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values())


def _note(name: str, since: datetime, clock: float, *, told: str, is_ok: bool) -> None:
    """A job does not fail because its row could not be written."""
    took = int((time.monotonic() - clock) * 1000)
    written = {
        "started_at": since,
        "took_ms": took,
        "is_ok": is_ok,
        "told": mask_text(told.replace("\x00", ""))[:200],
        "failures": 0 if is_ok else F("failures") + 1,
    }
    if not is_ok:
        written["failed_at"] = since
    first = written | {"failures": int(not is_ok)}
    try:
        JobRun.objects.update_or_create(task=name, defaults=written, create_defaults=first)
    except DatabaseError as broken:
        log.warning("jobs.not_noted", task=name, error=type(broken).__name__)
