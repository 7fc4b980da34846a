"""Workers die at random moments; the ledger ends as the systems have it."""

import multiprocessing
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.crm import services, tasks
from apps.crm.enums import RunState, State
from apps.crm.models import Backfill, CRMIntegration, SyncRun, WebhookEvent
from apps.crm.services.connections import webhook_key
from apps.crm.services.credentials import StoredTokens
from apps.loyalty.queries import ledger_faults
from tests.crm import worker
from tests.crm.test_webhooks import call
from tests.crm.world import Month, Stand, assert_equals_truth, no_sale_twice

NAMES = ["yclients", "iiko", "onec", "amocrm", "renovatio"]
KILLS = 50


def calls_of(stand: Stand, months: list[Month]) -> list[tuple[str, bytes, dict[str, str]]]:
    """Everything that happens from now on, as its system calls about it."""
    heard: list[tuple[str, bytes, dict[str, str]]] = []

    def listen(what: str, sale) -> None:
        system = stand.system(sale.system)
        if hasattr(system, "hook"):
            heard.append((sale.system, *system.hook(what, sale)))

    stand.world.listeners.append(listen)
    return heard


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_workers_killed_at_random_lose_and_double_nothing(stand: Stand, monkeypatch) -> None:
    given = connection.settings_dict
    address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**given)
    monkeypatch.setenv("DATABASE_URL", address)
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.crm.worker"])
    months = {name: Month(stand, name, seed=9, guests=5) for name in NAMES}
    rows: dict[str, CRMIntegration] = {}
    for name, month in months.items():
        month.sell(12)
        rows[name] = stand.connect(name)
        services.start_backfill(
            integration=rows[name],
            since=timezone.now() - timedelta(days=40),
            by=None,
            at=timezone.now(),
        )
    ids = [str(row.pk) for row in rows.values()]
    heard, dice = calls_of(stand, list(months.values())), random.Random(3)
    killed = 0

    for number in range(KILLS):
        for month in dice.sample(list(months.values()), 2):
            month.happen()
        if number % 10 == 5:  # hours before its end: the next worker renews the pair
            store = StoredTokens(rows["amocrm"].pk)
            store.write(store.read() | {"expires_at": time.time() + 3600})
        dice.shuffle(heard)
        for name, body, headers in heard[: len(heard) * 2 // 3]:  # some are lost, some come twice
            assert call(rows[name], body, headers, key=webhook_key(rows[name])) == 200
        del heard[: len(heard) // 2]
        child = forks.Process(target=worker.work, args=(ids, number), daemon=True)
        child.start()
        time.sleep(dice.uniform(0.02, 1.5))
        assert child.exitcode is None, "the worker ended by itself"
        child.kill()
        child.join()
        killed += child.exitcode == -9
        assert ledger_faults() == {}

    assert killed == KILLS
    assert SyncRun.objects.filter(state__in=[RunState.RUNNING, RunState.BROKEN]).count() > 10
    WebhookEvent.objects.filter(state="waiting").update(due_at=timezone.now())
    tasks.process_waiting_webhooks()
    tasks.continue_backfills()
    for row in rows.values():
        services.retry_now(integration=row, by=None, at=timezone.now())
        services.sync_transactions(row.business_id, datetime.now(UTC) - timedelta(days=36))
        row.refresh_from_db()
        assert row.state == State.ACTIVE
        assert_equals_truth(stand, row)
        no_sale_twice(row)
    assert not Backfill.objects.filter(ended_at__isnull=True).exists()
    assert ledger_faults() == {}
