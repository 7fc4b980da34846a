"""Asking a worker to send soon: a task on the queue of that priority."""

from collections.abc import Iterable
from functools import partial

import structlog
from django.core.cache import cache as store
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown

from apps.notifications.enums import Priority

log = structlog.get_logger(__name__)


def queue_of(priority: int) -> str:
    return Priority(priority).name.lower()


def ring_after_commit(priorities: Iterable[int]) -> None:
    for priority in sorted(set(priorities)):
        transaction.on_commit(partial(ring, priority), robust=True)


def ring(priority: int) -> None:
    """At most once a second for what is not critical; Beat rings for what a bell missed."""
    if priority != Priority.CRITICAL and not store.add(f"messages:bell:{priority}", 1, timeout=1):
        return
    task = import_string("apps.notifications.tasks.deliver")
    wait = 0 if priority == Priority.CRITICAL else 1
    try:
        task.apply_async(
            kwargs={"priority": int(priority)},
            queue=queue_of(priority),
            countdown=wait,
            retry=False,
            ignore_result=True,
        )
    except BrokerDown:
        log.warning("messages.broker_down")
