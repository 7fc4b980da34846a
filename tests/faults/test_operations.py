"""Ten thousand operations while processes and servers die at random: none lost, none doubled."""

import os
import random
import time
from typing import Any

import pytest

from tests.faults.stand import Stand

OPERATIONS = int(os.environ.get("FAULT_OPERATIONS") or 10_000)
SHOPPERS = 10

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]


def _strike(everything: Stand, dice: random.Random) -> str:
    """Kill one of them, whatever it does now; it comes back as a supervisor brings it back."""
    victim = dice.choice(["web0", "web1", "worker", "beat", "postgres", "backend", "valkey"])
    if victim == "postgres":
        everything.servers.kill_postgres()
    elif victim == "valkey":
        everything.servers.kill_valkey()
    elif victim == "backend":
        for (pid,) in everything.sql(
            "SELECT pid FROM pg_stat_activity WHERE client_port IS NOT NULL"
            " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
        ):
            everything.servers.kill_backend(pid)
    else:
        next(one for one in everything.processes if one.name == victim).kill()
    time.sleep(dice.uniform(0, 1))
    everything.servers.start_postgres()
    everything.servers.start_valkey()
    for process in everything.processes:
        if not process.is_alive:
            process.start()
    return victim


def test_no_operation_is_lost_or_doubled(everything: Stand, record_property: Any) -> None:
    dice, kills, began = random.Random(7), [], time.monotonic()
    everything.heal()
    before = len(everything.ledger.done)

    with everything.load(size=SHOPPERS) as traffic:
        traffic.until = before + OPERATIONS
        while not traffic.is_over() and not everything.ledger.failures:
            time.sleep(dice.uniform(1, 6))
            kills.append(_strike(everything, dice))
        everything.heal()
    everything.settle()

    assert everything.faults() == {}
    done = everything.ledger.done[before:]
    assert len(done) >= OPERATIONS
    kinds = {one.kind for one in done if one.succeeded}
    assert {"sale", "refund", "hold", "gift", "register"} <= kinds, everything.heard()
    record_property("operations", len(done))
    record_property("kills", len(kills))
    record_property("repeated", sum(one.tries > 1 for one in done))
    record_property("seconds", round(time.monotonic() - began))
