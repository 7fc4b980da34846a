"""Children of the supervisor: started in groups of their own, relayed, recorded, stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from svoykrug.dev import processes
from svoykrug.dev.checkout import ROOT, RUN, checkout_id, replace_text
from svoykrug.dev.console import say, trim

RECORD = RUN / "processes.json"
MARK = "SVOYKRUG_SUPERVISED"
GRACE = 10.0
STEADY = 60.0
LONGEST_PAUSE = 30.0


class Child:
    """One process of the project: web, worker or beat."""

    def __init__(
        self, name: str, words: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self._words = [sys.executable, *words]
        self._environment = {**environment, MARK: checkout_id(), "PYTHONUNBUFFERED": "1"}
        self._pause = 1.0
        self._started = 0.0
        self.due = 0.0
        self.hushed = b""  # lines with this text go to the log only
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        trim(self.log)
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            self._words,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._relay, args=(self.process,), daemon=True).start()

    def _relay(self, process: subprocess.Popen[bytes]) -> None:
        """Copy lines to the log whole and to the terminal with the child's name before them."""
        with self.log.open("ab", buffering=0) as log:
            for line in process.stdout or ():
                log.write(line)
                if not self.hushed or self.hushed not in line:
                    say(f"{self.name:<6} | {line.decode('utf-8', 'replace').rstrip()}")

    @property
    def code(self) -> int | None:
        """Exit code of an ended process; None while it lives."""
        return self.process.poll() if self.process else None

    def postpone(self) -> float:
        """Set the time of the next start and return the pause: longer with every quick death."""
        if time.monotonic() - self._started > STEADY:
            self._pause = 1.0
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self.due = time.monotonic() + pause
        return pause

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        """Wait until the deadline (monotonic seconds), then kill the whole group."""
        if not self.process:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def stop_all(children: Sequence[Child]) -> None:
    """Stop all of them at once, at most GRACE seconds together."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + GRACE
    for child in children:
        child.finish(deadline)


def record(children: Sequence[Child], url: str) -> None:
    """Write down who we are, for the next start if we get killed."""
    alive = {c.name: _identity(c.process.pid) for c in children if c.process and c.code is None}
    whole = {"supervisor": _identity(os.getpid()), "url": url, "children": alive}
    replace_text(RECORD, json.dumps(whole, indent=2) + "\n")


def recorded() -> dict[str, Any]:
    """What the last supervisor wrote; empty when nothing (readable) is there."""
    try:
        found = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _identity(pid: int) -> dict[str, float]:
    with suppress(psutil.Error):
        return {"pid": pid, "createTime": psutil.Process(pid).create_time()}
    return {}


def is_same(identity: Mapping[str, float]) -> bool:
    """Whether the recorded process still lives; a pid given to another one does not count."""
    with suppress(psutil.Error, KeyError, TypeError):
        process = psutil.Process(int(identity["pid"]))
        started = process.create_time()
        return abs(started - identity["createTime"]) < 1 and processes.is_alive(process)
    return False


def stop_leftovers() -> int:
    """Stop children of a killed supervisor and return how many there were.

    They are known by the mark in their environment, which their own children inherit, or by the
    recorded pid together with its start time.
    """
    found = _leftovers()
    processes.stop(_leftovers, [(signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)])
    RECORD.unlink(missing_ok=True)
    return len(found)


def _leftovers() -> list[psutil.Process]:
    known = recorded().get("children", {})
    pids = {int(who["pid"]) for who in known.values() if is_same(who)}
    mark = checkout_id()
    return [
        process
        for process in psutil.process_iter()
        if (process.pid in pids or processes.environment_of(process).get(MARK) == mark)
        and processes.is_alive(process)
        and process.pid != os.getpid()
    ]
