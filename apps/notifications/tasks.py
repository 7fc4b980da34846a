"""Queues and the clock. Each priority has a queue: a code or a critical message never waits behind
a broadcast, because other workers carry it and because a broadcast holds few of them."""

from uuid import UUID

import structlog
from celery import shared_task
from django.db import connection
from django.utils import timezone

from apps.notifications import bell, services
from apps.notifications.enums import BroadcastState, Priority
from apps.notifications.models import Broadcast

log = structlog.get_logger(__name__)

TURNS = {Priority.CRITICAL: 4, Priority.HIGH: 2, Priority.MEDIUM: 2}  # workers at once
SECONDS = {Priority.CRITICAL: 5, Priority.HIGH: 10, Priority.MEDIUM: 10}  # one task lasts
LOCKS = 7_350_100  # advisory locks of this app begin here


@shared_task
def deliver(*, priority: int, **_: object) -> None:
    """Send what is due, for some seconds; ask for another turn when there is more."""
    turn = _take_turn(priority)
    if turn is None:
        return
    try:
        more = services.deliver(priority=priority, seconds=SECONDS[Priority(priority)])
    finally:
        _give_turn(turn)
    if more:
        bell.ring(priority)


@shared_task
def deliver_due(**_: object) -> None:
    """Beat: ring for every priority, and take back what a worker lost."""
    services.release_stuck(at=timezone.now())
    for priority in Priority:
        bell.ring(priority)


@shared_task
def expand_broadcast(*, broadcast_id: str, **_: object) -> None:
    while services.expand(broadcast_id=UUID(broadcast_id), at=timezone.now()):
        pass


@shared_task
def resume_broadcasts(**_: object) -> None:
    """Beat: go on with broadcasts whose worker went away."""
    for pk in Broadcast.objects.filter(state=BroadcastState.RUNNING).values_list("pk", flat=True):
        expand_broadcast(broadcast_id=str(pk))


@shared_task
def watch_providers(**_: object) -> None:
    """Balances, and what became of SMS that nobody told us about."""
    services.watch_balances(at=timezone.now())
    services.ask_after_silent(at=timezone.now())


@shared_task
def weekly_digest(**_: object) -> None:
    log.info("messages.digest", written=services.write_digests(at=timezone.now()))


@shared_task
def forget_old(**_: object) -> None:
    services.forget_old(at=timezone.now())


def _take_turn(priority: int) -> int | None:
    """One of the few places for this priority; None when all are taken. PostgreSQL keeps them, so
    they end with the connection of a worker that dies."""
    first = LOCKS + priority * 10
    with connection.cursor() as cursor:
        for place in range(first, first + TURNS[Priority(priority)]):
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [place])
            if cursor.fetchone()[0]:
                return place
    return None


def _give_turn(place: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [place])
