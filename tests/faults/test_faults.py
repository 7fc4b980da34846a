"""Every kind of fault, FAULT_RUNS times each, and after each the invariants (security.md part 9)."""

import os
import random
import time
from typing import Any

import pytest

from tests.faults import kinds
from tests.faults.stand import Stand

RUNS = int(os.environ.get("FAULT_RUNS") or 20)
FIRST = int(os.environ.get("FAULT_FIRST") or 1)  # number of the first run
BEFORE, AFTER = 6, 6  # operations

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]


@pytest.mark.parametrize("name", kinds.KINDS)
def test_the_books_are_true_after(name: str, everything: Stand, record_property: Any) -> None:
    fault, began = kinds.KINDS[name], time.monotonic()
    record_property("said", fault.said)
    if name == "disk full" and everything.servers.no_small_disk:
        pytest.skip(everything.servers.no_small_disk)
    told = len(everything.ledger.done)

    for number in range(FIRST, FIRST + RUNS):
        try:
            once(everything, fault, seed=f"{name} {number}")
        except AssertionError as found:
            again = f"FAULT_FIRST={number} FAULT_RUNS=1 throws the same dice again"
            found.add_note(f"run {number}, {again}; clients were told {everything.heard()}")
            raise

    record_property("runs", RUNS)
    record_property("operations", len(everything.ledger.done) - told)
    record_property("seconds", round(time.monotonic() - began))


def once(everything: Stand, fault: kinds.Kind, *, seed: str) -> None:
    """`seed`: of the moments at which things break; each run has moments of its own."""
    everything.dice = random.Random(seed)
    everything.heal()
    with everything.load() as traffic:
        traffic.wait(BEFORE)
        time.sleep(everything.dice.uniform(0, 0.25))
        fault.inject(everything)
        everything.heal()
        traffic.wait(AFTER)
    everything.settle()
    assert everything.faults() == {}


def test_there_are_twenty_kinds() -> None:
    assert len(kinds.KINDS) >= 20
