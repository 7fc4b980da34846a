"""Years of a partner's past, read from its system into the ledger: sales a second, everything
included: the network, guests, records, sales, bonuses, facts."""

import multiprocessing
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from apps.crm import services
from apps.crm.models import ExternalRecord
from apps.crm.simulator.server import Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from tests.crm.world import Stand, assert_equals_truth

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
SALES, PEOPLE, YEARS = 50_000, 400, 3
GOAL = 1000  # sales a second on 2 cores


def test_fifty_thousand_sales_of_three_years(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests run tasks on the spot; a back-fill's listeners are heard by a worker of their own.
    monkeypatch.setattr("apps.core.outbox.ring_bell", lambda: None)
    world, dice = World(), random.Random(5)
    server = Server(make_systems(world))
    stand, now = Stand(world, server), datetime.now(UTC)
    guests = stand.members(PEOPLE)
    for _n in range(SALES):
        at = now - timedelta(minutes=dice.randrange(60, YEARS * 365 * 24 * 60))
        world.sell("renovatio", dice.choice(guests), at=at)
    # The partner's machine is not ours: it computes in a process of its own.
    there = multiprocessing.get_context("fork").Process(target=server.http.serve_forever)
    there.start()
    integration = stand.connect("renovatio")
    with transaction.atomic():
        backfill = services.start_backfill(
            integration=integration, since=now - timedelta(days=YEARS * 365), by=None, at=now
        )

    began = time.perf_counter()
    while not services.continue_backfill(backfill_id=backfill.pk):
        pass
    took = time.perf_counter() - began
    there.terminate()

    backfill.refresh_from_db()
    with capsys.disabled():
        print(
            f"\n{backfill.received} sales in {took:.1f} s: {backfill.received / took:.0f} a second"
        )
    assert backfill.applied == backfill.received == SALES
    assert Transaction.objects.count() == ExternalRecord.objects.count() == SALES
    assert_equals_truth(stand, integration)
    assert ledger_faults() == {}
    assert SALES / took >= GOAL
