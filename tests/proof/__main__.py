"""`make proof`: runs every test that the tables name and writes docs/proof.md from what happened.

`python -m tests.proof run [WORDS]` runs what is not proven at this commit yet (all of it, or the
tests whose name, or whose row's name, holds one of the words), writes the page and goes on after a
failure; asked again, it goes on where it was. `write` writes the page alone, `again` forgets what
is known first. Nothing on the page is typed by hand: a row without a result says so.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.proof import page, results

RUNS = int(os.environ.get("FAULT_RUNS") or 20)
MINUTES = float(os.environ.get("PROOF_MINUTES") or 24 * 60)  # for the whole
LEAST = 60.0  # seconds without which no part begins
WORKERS = min(4, os.cpu_count() or 2)


@dataclass(frozen=True)
class Batch:
    """Tests of one pytest. `limit`: seconds for one test; `seconds`: for all of them."""

    name: str
    starts: tuple[str, ...]
    limit: int
    seconds: int
    workers: int = 0


KINDS = len(results.kinds())
# The first whose start fits takes the test. Faults have the machine for themselves.
BATCHES = (
    Batch("operations", ("faults/test_operations.py",), 1200, 1300),
    Batch("faults", ("faults/",), 240 + 60 * RUNS, 600 + 25 * RUNS * KINDS),
    Batch("releases", ("releases/",), 300, 600),
    Batch("rest", ("",), 400, 900, WORKERS),
)
ORDER = ("rest", "faults", "releases", "operations")


def batches(names: Sequence[str]) -> list[tuple[Batch, list[str]]]:
    parts: dict[str, list[str]] = {name: [] for name in ORDER}
    for name in names:
        batch = next(one for one in BATCHES if name.startswith(one.starts))
        parts[batch.name].append(name)
    by_name = {batch.name: batch for batch in BATCHES}
    return [(by_name[name], tests) for name, tests in parts.items() if tests]


def wanted(words: Sequence[str], commit: str) -> list[str]:
    """Tests to run now: those of the words that did not pass at this commit."""
    known = results.read()
    rows = [row for row in results.TABLES if row.name in words]
    asked = {test for row in rows for test in row.tests}
    names = [
        name
        for name in results.named()
        if not words or name in asked or any(one in name for one in words)
    ]
    return [name for name in names if not _is_proven(name, known.get(name), commit)]


def _is_proven(name: str, known: results.Result | None, commit: str) -> bool:
    """Faults are proven by as many runs as are asked for now."""
    if known is None or known.state != "passed" or commit.endswith("+changes"):
        return False
    enough = int(known.figures.get("runs", RUNS)) >= RUNS
    return enough and results.still_holds(name, ran_at=known.commit, now=commit)


def run(words: Sequence[str]) -> int:
    """How many batches did not end well."""
    commit = results.commit()
    names = wanted(words, commit)
    kept = len(results.named()) - len(names)
    say(f"{commit}: {len(names)} to run, {kept} not asked for or proven at this commit already")
    bad, until = 0, time.monotonic() + MINUTES * 60
    for batch, tests in batches(names):
        seconds = min(batch.seconds, until - time.monotonic())
        if seconds < LEAST:
            say(f"{batch.name}: no time is left for it")
            bad += 1
            continue
        bad += _run(batch, tests, commit, seconds=seconds) != 0
        page.write()
    return bad


def _run(batch: Batch, tests: list[str], commit: str, *, seconds: float) -> int:
    """pytest's exit code. What it does not end in its time is ended and named on the page."""
    most = seconds / 60
    now = datetime.now().astimezone()
    say(f"{now:%H:%M:%S} {batch.name}: {len(tests)}, at most {most:.0f} min")
    results.append({"begin": tests, "commit": commit, "at": now.isoformat(timespec="seconds")})
    spread = ["-n", str(batch.workers), "--dist", "loadgroup"] if batch.workers else ["-n", "0"]
    command = [
        *(sys.executable, "-m", "pytest", "-p", "tests.proof.record", "-p", "no:randomly"),
        *("-v", "-m", "slow or not slow", "--tb=short", *spread),
        *(f"tests/{test}" for test in tests),
    ]
    own = {"PROOF_RESULTS": str(results.RESULTS), "PROOF_LIMIT": str(batch.limit)}
    child = subprocess.Popen(
        command, cwd=results.ROOT, env={**os.environ, **own}, start_new_session=True
    )
    began = time.monotonic()
    try:
        code = child.wait(seconds)
        why = "pytest ended without a word of it"
    except subprocess.TimeoutExpired:
        code, why = 1, f"its part of the proof did not end within {most:.0f} min"
    finally:
        _end(child)
    known = results.read()
    cut = [name for name in tests if name not in known]
    results.append({"end": batch.name, "cut": cut, "why": why})
    say(f"{batch.name}: {time.monotonic() - began:.0f} s, exit {code}")
    return code


def _end(child: subprocess.Popen[bytes]) -> None:
    """pytest may clean up after itself for some seconds; then it is killed with its children."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(45)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main(words: Sequence[str]) -> int:
    asked, more = (words[0], words[1:]) if words else ("run", [])
    if asked == "again":
        results.RESULTS.unlink(missing_ok=True)
    bad = run(more) if asked in ("run", "again") else 0
    page.write()
    say(f"Written: {results.PAGE.relative_to(results.ROOT)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
