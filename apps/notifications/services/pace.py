"""How fast a provider is used, and when it rests: rows, so that all workers together keep to it."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.core.gateways import messages
from apps.core.gateways.messages import Provider as Client
from apps.notifications import rules
from apps.notifications.models import Provider

log = structlog.get_logger(__name__)

MOST_WAIT = 2.0  # seconds a worker waits for its turn; after that it does something else
PRICES = {"sms": 700}  # kopecks to begin with; an admin changes the row
STOPPED_FOR = timedelta(minutes=10)
# The next `count` places in the queue before the provider; none when the queue is too long.
TURN = """
UPDATE notifications_provider
SET next_at = greatest(next_at, %(now)s) + %(count)s * interval '1 second' / per_second
WHERE name = %(name)s AND next_at <= %(latest)s
RETURNING extract(epoch from greatest(next_at - %(count)s * interval '1 second' / per_second
                                      - %(now)s, interval '0'))
"""


def row_of(client: Client, channel: str) -> Provider:
    first = {"channel": channel, "per_second": client.per_second, "price": PRICES.get(channel, 0)}
    row, _made = Provider.objects.get_or_create(name=client.name, defaults=first)
    return row


def is_open(row: Provider, *, at: datetime) -> bool:
    return row.is_on and (row.rests_until is None or row.rests_until <= at)


def take_turn(name: str, count: int) -> float | None:
    """Seconds to wait before sending `count` messages; None when the queue is too long now."""
    now = timezone.now()
    values: dict[str, Any] = {
        "name": name,
        "count": count,
        "now": now,
        "latest": now + timedelta(seconds=MOST_WAIT),
    }
    with connection.cursor() as cursor:
        cursor.execute(TURN, values)
        found = cursor.fetchone()
    return None if found is None else float(found[0])


def went_well(row: Provider) -> None:
    if row.failures or row.rests_until:
        Provider.objects.filter(pk=row.pk).update(failures=0, rests_until=None, trouble="")


def went_wrong(row: Provider, *, code: str, retry_after: int | None, at: datetime) -> None:
    """One more failure; after five the provider rests, so that messages keep their attempts."""
    Provider.objects.filter(pk=row.pk).update(failures=F("failures") + 1, trouble=code[:80])
    row.refresh_from_db(fields=["failures"])
    pause = rules.rest(row.failures)
    if retry_after:
        pause = max(pause or timedelta(), timedelta(seconds=retry_after))
    if pause:
        Provider.objects.filter(pk=row.pk).update(rests_until=at + pause)
        log.warning("messages.rests", provider=row.name, code=code, seconds=pause.seconds)


def stopped(row: Provider, *, code: str, at: datetime) -> None:
    """Key, account or money: somebody must look; meanwhile nothing leaves here."""
    Provider.objects.filter(pk=row.pk).update(rests_until=at + STOPPED_FOR, trouble=code[:80])
    log.error("messages.stopped", provider=row.name, code=code)


def watch_balances(*, at: datetime) -> None:
    """Ask what is left on the accounts; too little is an alert."""
    for channel in ("push", "sms", "email"):
        client = messages.of_channel(channel)
        left = client.balance() if client else None
        if client is None or left is None:
            continue
        row = row_of(client, channel)
        Provider.objects.filter(pk=row.pk).update(balance=left, balance_at=at)
        if left < row.least_balance:
            log.error("messages.balance_low", provider=row.name)
