"""The product's own processes, started by the commands of production and killed like anything."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from svoykrug.dev import ports
from svoykrug.dev.checkout import ROOT
from svoykrug.dev.supervisor import COMMANDS

CLOCK = Path(__file__).parent / "clock"
PATIENCE = 90.0
EVERY_QUEUE = "celery,critical,high,medium"


def manage(
    environment: Mapping[str, str], *words: str, code: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "manage.py", *words]
    return subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True)


class Process:
    """One of them, with everything it forked, in a group of its own. `code`: whose source runs."""

    code = ROOT

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name, self.words, self.environment = name, words, dict(environment)
        self.log = Path(environment["FAULT_LOGS"]) / f"{name}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, *, clock: float = 0.0) -> None:
        """`clock`: seconds by which this process's clock is wrong."""
        environment = self.environment
        if clock:
            environment = environment | {"PYTHONPATH": str(CLOCK), "FAULT_CLOCK": str(clock)}
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, *self.words],
                cwd=self.code,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill −9, the whole group at once."""
        if self.child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(10)
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
        super().__init__(name, COMMANDS["web"], {**environment, **own})

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
            time.sleep(0.1)


def worker(environment: Mapping[str, str]) -> Process:
    """One worker for every queue: the command of production, the queues of both of its workers."""
    words = [EVERY_QUEUE if "," in word else word for word in COMMANDS["worker"]]
    return Process("worker", words, environment)


def beat(environment: Mapping[str, str]) -> Process:
    return Process("beat", COMMANDS["beat"], environment)
