"""The hot paths over HTTP on the production web server, as `make bench ARGS=tests/bench/test_speed.py`
prints them. Ratios within one run, never requests a second of two runs:

* to an empty view behind the same middleware, authentication, limits and envelope,
* to the raw SQL of the same requests under pgbench, prepared, at as many connections,
* of a hundred times the data to the data.

Who reads is not who buys: what the product keeps for a reader (a balance, the first page of her
history) is shown as it is between two purchases of hers, so the first answer to each reader does
not count, nor the one that makes a dashboard for all who look at it. The same reads without
anything kept are rows of their own, marked `cold`; they have the goal of growth only, and a
dashboard made anew is a line of its own without a goal. A goal that is missed fails the
test, after all figures. They are also in `.run/bench-speed.txt`.

BENCH_MEMBERS and BENCH_SALES set the size (100,000 and 1,000,000), BENCH_SECONDS the length of one
measurement (4), BENCH_ROUNDS how often each is repeated in turn (2; the best one counts), and
BENCH_CONNECTIONS at how many (1,16,64). The data is made in some minutes and kept for the next run:
`make clean` removes it. Little else may run.
"""

import faulthandler
import json
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from svoykrug.dev.checkout import ROOT
from tests.bench.speed import BUYER, MEMBER, SUM
from tests.bench.speed.stand import Answered, Size, Stand, stands

pytestmark = pytest.mark.bench
MEMBERS = int(os.environ.get("BENCH_MEMBERS") or 100_000)
SALES = int(os.environ.get("BENCH_SALES") or 1_000_000)
SECONDS = float(os.environ.get("BENCH_SECONDS") or 4)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 2)
CONNECTIONS = tuple(map(int, (os.environ.get("BENCH_CONNECTIONS") or "1,16,64").split(",")))
WARM = 2  # seconds
LESS = 100  # times less data, for the growth
CALLERS, STAFF, SCRIPTS = 2000, 400, 40
READS = ("balance", "history", "events", "dashboard")
COLD = ("balance cold", "history cold")
ANEW = 10  # dashboards of different days
WRITES = ("sale", "redemption")
# part of the empty view's rate that a read keeps; part of its own SQL's that a sale keeps
READ_GOAL, SALE_GOAL, TAIL_GOAL, GROWTH_GOAL = 0.8, 0.5, 10.0, 1.2
TABLE = ROOT / ".run" / "bench-speed.txt"


class Paper:
    """What is said goes to the terminal and to a file; goals that were missed are kept."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text("")

    def say(self, text: str) -> None:
        print(text, flush=True)
        with TABLE.open("a") as file:
            file.write(f"{text}\n")

    def verdict(self, what: str, value: float, goal: float, *, most: bool = False) -> str:
        met = value <= goal if most else value >= goal
        said = f"{value:5.2f} ({'≤' if most else '≥'} {goal:g} {'met' if met else 'NOT MET'})"
        if not met:
            self.missed.append(f"{what}: {said}")
        return said


def request_of(method: str, path: str, token: str, body: Any = None) -> str:
    lines = [
        f"{method} /api/v1{path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
    ]
    content = "" if body is None else json.dumps(body)
    if body is not None:
        lines += ["Content-Type: application/json", "Idempotency-Key: {key}",
                  f"Content-Length: {len(content)}"]  # fmt: skip
    return "\r\n".join([*lines, "", content])


def paths_of(stand: Stand) -> dict[str, list[str]]:
    """Requests of each path from many callers, in an order that says nothing."""
    dice = random.Random(7)
    who = dice.sample(range(stand.size.members), min(CALLERS, stand.size.members))
    asked = json.dumps({"members": who, "staff": list(range(STAFF))})
    known = json.loads(stand.python("-m", "tests.bench.speed.tokens", text=asked))
    shop, tokens = known["business"], list(known["members"].values())
    readers = max(1, len(who) // 5)
    each: dict[str, Callable[[int], str]] = {
        "empty": lambda n: request_of("GET", "/bench/empty", tokens[n]),
        "balance": lambda n: request_of("GET", "/loyalty/balance", tokens[n]),
        "history": lambda n: request_of("GET", "/loyalty/history", tokens[n]),
        "balance cold": lambda n: request_of("GET", "/bench/balance", tokens[n]),
        # only the page that nobody asked to be cut otherwise is kept
        "history cold": lambda n: request_of("GET", "/loyalty/history?limit=20", tokens[n]),
        "events": lambda n: request_of("GET", "/events", tokens[n]),
        "dashboard": lambda n: request_of(
            "GET", f"/analytics/dashboard?businessId={shop}", known["staff"][n % STAFF]
        ),
        "sale": lambda n: request_of(
            "POST", "/transactions", known["staff"][n % STAFF],
            {"businessId": shop, "member": {"id": MEMBER + BUYER}, "amount": SUM},
        ),
        "redemption": lambda n: request_of(
            "POST", "/loyalty/redemptions", tokens[n], {"businessId": shop, "amount": "0.01"}
        ),
    }  # fmt: skip
    theirs = {name: range(readers, len(who)) if name in WRITES else range(readers) for name in each}
    return {name: [one(n) for n in theirs[name]] for name, one in each.items()}


def best(rows: list[Answered]) -> Answered:
    return max(rows, key=lambda row: row.rate)


def measured(
    *given: tuple[Stand, dict[str, list[str]]],
    connections: tuple[int, ...],
    beside: Callable[[str, int], object] = lambda _name, _count: None,
) -> list[dict[tuple[str, int], Answered]]:
    """Each path at each number of connections, in turn, so that a noisy minute hits all of them;
    several stands one right after the other, and `beside` after each."""
    rows: list[dict[tuple[str, int], list[Answered]]] = [{} for _one in given]
    names = list(given[0][1])
    for turn in range(ROUNDS + 1):  # the first one warms up: connections, statements, caches
        seconds = SECONDS if turn else min(SECONDS, WARM)
        for count, name in product(connections, names):
            for (stand, paths), found in zip(given, rows, strict=True):
                lead = len(paths[name]) if name in READS else 0
                done = stand.load(paths[name], connections=count, seconds=seconds, lead=lead)
                if turn:
                    found.setdefault((name, count), []).append(done)
            if turn:
                beside(name, count)
    return [{cell: best(done) for cell, done in found.items()} for found in rows]


class Raw:
    """The same requests' SQL under pgbench, measured right after the requests."""

    def __init__(
        self, stand: Stand, paths: dict[str, list[str]], folder: Path, paper: Paper
    ) -> None:
        self.stand = stand
        asked = {
            "folder": str(folder),
            # the one of sales draws its member; of many most would be prepared and hardly run
            "paths": {
                name: requests[: 1 if name == "sale" else SCRIPTS]
                for name, requests in paths.items()
                if name != "empty"
            },
            "members": stand.size.members,
            "staff": STAFF,
        }
        counts = json.loads(stand.python("-m", "tests.bench.speed.raw", text=json.dumps(asked)))
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        paper.say(f"  statements of one request, BEGIN and COMMIT counted: {told}")
        self.scripts = {name: sorted(folder.glob(f"{name}.*.sql")) for name in counts}
        for one in self.scripts["sale"]:
            # After many runs within an hour everybody has sold too much: wait, or `make clean`.
            assert "fraudflag" not in one.read_text(), "a usual sale raises no suspicion"
        self.rates: dict[tuple[str, int], float] = {}  # transactions a second, the best

    def measure(self, name: str, count: int) -> None:
        if name in self.scripts:
            rate = self.stand.pgbench(self.scripts[name], connections=count, seconds=SECONDS)
            self.rates[name, count] = max(rate, self.rates.get((name, count), 0.0))


def test_hot_paths_over_http(capsys: Any, tmp_path: Path) -> None:
    faulthandler.cancel_dump_traceback_later()  # it is long, and does not hang
    big = Size(MEMBERS, SALES)
    small = Size(max(1, MEMBERS // LESS), max(1, SALES // LESS))
    with capsys.disabled(), stands(big, small) as (stand, little):
        paper = Paper()
        paper.say(f"\nHot paths: {MEMBERS:,} members, {SALES:,} sales")
        paths, few = paths_of(stand), paths_of(little)
        raw = Raw(stand, paths, tmp_path, paper)
        [ours] = measured((stand, paths), connections=CONNECTIONS, beside=raw.measure)
        report(ours, raw.rates, paper)
        before, again = measured((little, few), (stand, paths), connections=(16,))
        growth(before, again, paper)
        anew = [made_anew(one, asked) for one, asked in ((little, few), (stand, paths))]
        paper.say(f"  a dashboard made anew: {anew[0]:.0f} and {anew[1]:.0f} ms")
        faults = stand.python("-c", CHECK).strip()
        paper.say(f"\n  the ledger after all of it: {faults}")
        paper.say("  goals not met:" + "".join(f"\n    {one}" for one in paper.missed or ["none"]))
        assert faults == "{}"
        assert not paper.missed, "\n".join(paper.missed)


def made_anew(stand: Stand, paths: dict[str, list[str]]) -> float:
    """Milliseconds of a dashboard that nobody has asked for yet."""
    first, today = paths["dashboard"][0], datetime.now(tz=UTC).date()
    days = [today - timedelta(days=30 + n) for n in range(ANEW)]
    each = [first.replace(" HTTP/1.1", f"&from={day} HTTP/1.1", 1) for day in days]
    return min(stand.load([one], connections=1, seconds=0.1).p50 for one in each)


CHECK = """
import os, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
django.setup()
from django.db import connection
from apps.loyalty.queries import ledger_faults
connection.cursor().execute("SET statement_timeout = 0")
print(ledger_faults())
"""


def report(
    ours: dict[tuple[str, int], Answered], of_sql: dict[tuple[str, int], float], paper: Paper
) -> None:
    paper.say(
        f"\n  {'path':12} {'conn':>4} {'per s':>7} {'p50':>7} {'p95':>7} {'client':>7}"
        f"   {'to the empty view':24}{'to its SQL':24}p95 to p50"
    )
    for count in CONNECTIONS:
        for name in ("empty", *READS, *COLD, *WRITES):
            paper.say(line(name, count, ours, of_sql, paper))


def line(
    name: str,
    count: int,
    ours: dict[tuple[str, int], Answered],
    of_sql: dict[tuple[str, int], float],
    paper: Paper,
) -> str:
    row, own, what = ours[name, count], of_sql.get((name, count)), f"{name} at {count}"
    kept, tail = row.rate / ours["empty", count].rate, row.p95 / row.p50
    part = row.rate / own if own else 0.0
    cells = [
        paper.verdict(f"{what}, of the empty view", kept, READ_GOAL)
        if name in READS
        else f"{kept:5.2f}",
        paper.verdict(f"{what}, of its SQL", part, SALE_GOAL)
        if name == "sale"
        else f"{part:5.2f}" if own else "",
        paper.verdict(f"{what}, p95 to p50", tail, TAIL_GOAL, most=True)
        if count == 16
        else f"{tail:5.2f}",
    ]  # fmt: skip
    return (
        f"  {name:12} {count:4} {row.rate:7.0f} {row.p50:7.1f} {row.p95:7.1f} {row.cpu:7.0%}   "
        + "".join(f"{cell:24}" for cell in cells)
    )


def growth(
    before: dict[tuple[str, int], Answered], after: dict[tuple[str, int], Answered], paper: Paper
) -> None:
    paper.say("\n  growth at 16 connections: time of a request, a hundred times the data")
    for name in (*READS, *COLD, *WRITES):
        grown = before[name, 16].rate / after[name, 16].rate
        said = paper.verdict(f"growth of {name}", grown, GROWTH_GOAL, most=True)
        paper.say(f"  {name:12} {said}")
