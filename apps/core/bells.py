"""Asking a worker for something now. A bell is no promise: whoever rings has another way too."""

from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown

log = structlog.get_logger(__name__)


def ring(task: str, /, *, queue: str | None = None, **values: Any) -> bool:
    """Send a task of ours, named by its dotted path, since services may not import tasks. False,
    with a line in the log, when the broker is down: nobody waits for it."""
    try:
        import_string(task).apply_async(kwargs=values, queue=queue, retry=False, ignore_result=True)
    except BrokerDown:
        log.warning("bell.broker_down", task=task)
        return False
    return True


def ring_after_commit(task: str, /, *, queue: str | None = None, **values: Any) -> None:
    """`ring` once the rows are there that the task will look for."""
    transaction.on_commit(partial(ring, task, queue=queue, **values), robust=True)
