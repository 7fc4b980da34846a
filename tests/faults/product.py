"""The product's own processes, started by the commands of production and killed like anything."""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from svoykrug.dev import ports
from svoykrug.dev.checkout import ROOT
from svoykrug.dev.supervisor import COMMANDS

NURSERY = Path(__file__).parent / "nursery.py"
PATIENCE = 240.0
EVERY_QUEUE = "celery,critical,high,medium"


def manage(
    environment: Mapping[str, str], *words: str, code: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "manage.py", *words]
    return subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True)


class Child:
    """A process that a nursery gave birth to: as much of Popen as is needed here."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.nursery, self.pid = nursery, pid

    def poll(self) -> int | None:
        return self.nursery.died.get(self.pid)

    def wait(self, timeout: float) -> int:
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


class Nursery:
    """Reads the source once in one environment and forks processes off it (nursery.py)."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment, self.code = dict(environment), ROOT
        self.log = Path(environment["FAULT_LOGS"]) / "nursery.log"
        self.died: dict[int, int] = {}
        self._program: subprocess.Popen[bytes] | None = None
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock, self._is_ready = threading.Lock(), False

    def open(self) -> None:
        """Begin to read; nobody waits for it here."""
        if self._program is not None:
            return
        with self.log.open("ab") as log:
            self._program = subprocess.Popen(
                [sys.executable, str(NURSERY)],
                cwd=self.code,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, daemon=True, name="nursery").start()

    def _listen(self) -> None:
        assert self._program is not None
        assert self._program.stdout is not None
        for line in self._program.stdout:
            said = json.loads(line)
            if "died" in said:
                self.died[said["died"]] = said["code"]
            else:
                self._said.put(said)
        self._said.put({})

    def _hear(self) -> dict[str, Any]:
        """The next word of it. An empty line of it is its end."""
        try:
            said = self._said.get(timeout=PATIENCE)
        except queue.Empty:
            said = {}
        if not said:
            raise AssertionError(f"no birth: {self.log.read_text()[-3000:]}")
        return said

    def fork(self, words: Sequence[str], *, log: Path, clock: float) -> Child:
        """`words`: as after `python`. `clock`: seconds by which its clock is wrong."""
        self.open()
        with self._lock:
            if not self._is_ready:
                self._is_ready = bool(self._hear())
            order = {"words": list(words), "log": str(log), "clock": clock}
            assert self._program is not None
            assert self._program.stdin is not None
            self._program.stdin.write(json.dumps(order).encode() + b"\n")
            self._program.stdin.flush()
            return Child(self, self._hear()["born"])

    def close(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program.communicate()
            self._program = None


class Process:
    """One of them, with everything it forked, in a group of its own."""

    def __init__(self, name: str, words: Sequence[str], nursery: Nursery) -> None:
        self.name, self.words, self.nursery = name, words, nursery
        self.log = Path(nursery.environment["FAULT_LOGS"]) / f"{name}.log"
        self.child: Child | None = None

    def start(self, *, clock: float = 0.0) -> None:
        """`clock`: seconds by which this process's clock is wrong."""
        self.child = self.nursery.fork(self.words, log=self.log, clock=clock)

    def kill(self) -> None:
        """kill −9, the whole group at once."""
        if self.child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(60)
        self.child = None

    def stop(self) -> None:
        """As an orchestrator asks: finish what is under way, then leave."""
        if self.child is None:
            return
        self.child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(30)
        self.kill()

    @property
    def is_alive(self) -> bool:
        return self.child is not None and self.child.poll() is None


class Web(Process):
    """A web node on a port of its own."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.port = ports.choose()
        own = {"PORT": str(self.port), "HOST": "127.0.0.1", "WEB_WORKERS": "1", "WEB_THREADS": "8"}
        super().__init__(name, COMMANDS["web"], Nursery({**environment, **own}))

    def answers(self, path: str = "/health/live") -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.answers():
            if not self.is_alive or time.monotonic() > until:
                raise AssertionError(f"{self.name} does not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.02)


def worker(nursery: Nursery) -> Process:
    """One worker for every queue: the command of production, the queues of both of its workers."""
    words = [EVERY_QUEUE if "," in word else word for word in COMMANDS["worker"]]
    return Process("worker", words, nursery)


def beat(nursery: Nursery) -> Process:
    return Process("beat", COMMANDS["beat"], nursery)
