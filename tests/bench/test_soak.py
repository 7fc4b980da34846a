"""Half an hour at a third of what the machine can do: memory stays flat, queues stay short.

`make soak` (SOAK_MINUTES: 30). Web server, both workers and Beat by their production commands; the
day's mix of requests. What the first fifth of the time shows is warming up and does not count.
Every request must be answered with success, and no process may end. A run of less than ten minutes
tells that all of it works and what the queues do; of memory it says nothing, because caches and
statements of each connection are still filling, so that figure is shown and not judged. The figures
are also in `.run/soak.txt`, with the memory of each process at ten moments.

The embedded analytics engine, which stands where an installation has a ClickHouse server, keeps
some threads and about 2 MB of each time that it was opened. So with it nobody asks for dashboards
here, whereby the web server never opens it and is judged as it is; the worker must, and its figure
is shown without a judgement.
"""

import faulthandler
import os
import threading
import time
from statistics import mean
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings

from svoykrug.dev.checkout import ROOT
from tests.bench.speed.stand import Size, Stand, stands
from tests.bench.test_speed import paths_of

pytestmark = pytest.mark.soak
MINUTES = float(os.environ.get("SOAK_MINUTES") or 30)
SIZE = Size(
    int(os.environ.get("BENCH_MEMBERS") or 10_000), int(os.environ.get("BENCH_SALES") or 100_000)
)
# of a hundred requests
MIX = {"balance": 50, "history": 15, "events": 20, "dashboard": 2, "sale": 10, "redemption": 3}
EVERY = 5.0  # seconds between two looks
FLAT, LONGEST_WAIT = 0.05, 60.0
EMBEDDED = settings.CLICKHOUSE["embedded"]
NOT_JUDGED = {"worker"} if EMBEDDED else set()
TELLING = 10  # minutes from which memory is judged
TABLE = ROOT / ".run" / "soak.txt"
# Facts for ClickHouse are collected for a minute by design, and are no queue.
OLDEST = """
SELECT coalesce(extract(epoch FROM now() - min(m.created_at)), 0)::float
FROM core_delivery d JOIN core_message m ON m.id = d.message_id
WHERE d.state = 'waiting' AND d.listener NOT LIKE '%@batch'
"""


class Watch(threading.Thread):
    """Looks at the memory of each process with its children, and at the oldest waiting delivery."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(daemon=True)
        self.stand = stand
        self.over = threading.Event()
        self.memory: dict[str, list[float]] = {name: [] for name in stand.processes}
        self.waits: list[float] = []

    def run(self) -> None:
        with psycopg.connect(self.stand.url, autocommit=True) as connection:
            while not self.over.wait(EVERY):
                for name, process in self.stand.processes.items():
                    whole = psutil.Process(process.pid)
                    family = [whole, *whole.children(recursive=True)]
                    self.memory[name].append(sum(one.memory_info().rss for one in family) / 2**20)
                row = connection.execute(OLDEST).fetchone()
                self.waits.append(row[0] if row else 0.0)


def drift(values: list[float]) -> float:
    """How far the last third of the measurements lies from the first, as a part of it."""
    third = max(1, len(values) // 3)
    return mean(values[-third:]) / mean(values[:third]) - 1


def course(values: list[float]) -> list[float]:
    """Ten of them, evenly."""
    return values[:: max(1, len(values) // 10)]


def mixed(paths: dict[str, list[str]]) -> list[str]:
    """The day's mix, a thousand requests that go round."""
    return [
        paths[name][n % len(paths[name])] for n in range(1000) for name in [_which(n * 37 % 100)]
    ]


def _which(place: int) -> str:
    for name, part in MIX.items():
        if place < part:
            return name
        place -= part
    raise AssertionError("MIX sums to a hundred")


def test_memory_stays_flat_and_queues_short(capsys: Any) -> None:
    faulthandler.cancel_dump_traceback_later()  # it is long, and does not hang
    with capsys.disabled(), stands(SIZE, others=("worker", "express", "beat")) as [stand]:
        paths = paths_of(stand)
        if EMBEDDED:
            paths["dashboard"] = paths["events"]
        requests = mixed(paths)
        stand.load(requests, connections=16, seconds=5)
        most = stand.load(requests, connections=16, seconds=10).rate
        watch = Watch(stand)
        time.sleep(EVERY)
        watch.start()
        done = stand.load(requests, connections=16, seconds=MINUTES * 60, rate=most / 3)
        assert watch.is_alive(), "a process ended, or PostgreSQL did"
        assert all(process.poll() is None for process in stand.processes.values())
        watch.over.set()
        watch.join()
        warm = len(watch.waits) // 5
        waited = max(watch.waits[warm:])
        moved = {name: drift(values[warm:]) for name, values in watch.memory.items()}
        tell(
            f"Soak: {MINUTES:g} min at {done.rate:.0f} of {most:.0f} requests a second, p50"
            f" {done.p50:.0f} ms, p95 {done.p95:.0f} ms, none failed; oldest delivery waited"
            f" {waited:.0f} s (goal < {LONGEST_WAIT:g})",
            *(
                f"  {name:8} {watch.memory[name][-1]:6.0f} MB, {part:+.1%} "
                + ("(not judged)" if name in NOT_JUDGED else f"(goal ± {FLAT:.0%})")
                + ": "
                + " ".join(f"{one:.0f}" for one in course(watch.memory[name]))
                for name, part in moved.items()
            ),
            *([] if MINUTES >= TELLING else [f"  less than {TELLING} min: memory is not judged"]),
        )
    assert waited < LONGEST_WAIT
    judged = [part for name, part in moved.items() if name not in NOT_JUDGED]
    assert MINUTES < TELLING or all(abs(part) <= FLAT for part in judged), moved


def tell(*lines: str) -> None:
    """To the terminal and to a file."""
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
    print("", *lines, sep="\n", flush=True)
