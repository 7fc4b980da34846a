"""Servers, two databases of different size, and the production web server over each."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from svoykrug.dev import embedded, ports
from svoykrug.dev.checkout import ROOT, Profile
from svoykrug.dev.postgres import Postgres
from svoykrug.dev.supervisor import COMMANDS
from tests.database import fingerprint

MADE_OF = fingerprint()  # of the migrations: other ones need other data
WSGI = "tests.bench.speed.wsgi"
READY = 120  # seconds until a web server must answer


@dataclass(frozen=True)
class Size:
    members: int
    sales: int

    @property
    def name(self) -> str:
        return f"speed_{self.members}_{self.sales}_{MADE_OF}"


@dataclass(frozen=True)
class Answered:
    """What a load came to: requests a second, milliseconds, the client's share of one core."""

    rate: float
    p50: float
    p95: float
    cpu: float


class Stand:
    """One size of the data with a web server over it."""

    def __init__(self, size: Size, environment: Mapping[str, str]) -> None:
        self.size = size
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port = ports.choose()
        base = urlsplit(environment["DATABASE_URL"])
        self.service = base._replace(path="/postgres").geturl()
        self.url = base._replace(path=f"/{size.name}").geturl()
        folder = Path(urlsplit(environment["CLICKHOUSE_URL"]).path).parent
        self.environment = {
            **environment,
            "ENVIRONMENT": "production",
            "SECURE_SSL_REDIRECT": "off",
            "DATABASE_URL": self.url,
            "CLICKHOUSE_URL": f"chdb://{folder}/{size.name}?database=svoykrug",
            "STATIC_ROOT": str(folder / "static"),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "DEBUG"):
            self.environment.pop(name, None)

    def python(self, *words: str, text: str = "") -> str:
        """A Python module of ours against this data; its standard output."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *words],
            input=text,
            env=self.environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{' '.join(words)}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
        return done.stdout

    def prepare(self) -> None:
        self._make()
        # It is day at the partners whenever the bench runs: at night each sale is a suspicion.
        is_day = 6 <= datetime.now(tz=UTC).hour < 18
        zone = "Europe/Moscow" if is_day else "Asia/Kamchatka"
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE businesses_business SET zone = %s", [zone])

    def _make(self) -> None:
        """Make the data, unless an earlier run has left it; older ones make room."""
        with psycopg.connect(self.service, autocommit=True) as connection:
            found = connection.execute(
                "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database "
                "WHERE datname LIKE 'speed\\_%'"
            ).fetchall()
            if (self.size.name, "whole") in found:
                return
            for name, _note in found:
                if not name.endswith(MADE_OF) or name == self.size.name:
                    connection.execute(
                        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                    )
            name = sql.Identifier(self.size.name)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        size = ("--members", str(self.size.members), "--sales", str(self.size.sales))
        said = self.python("-m", "tests.bench.speed.load", *size)
        sys.stdout.write(f"  {', '.join(said.splitlines()[1:])}\n")
        with psycopg.connect(self.service, autocommit=True) as connection:
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'whole'").format(name))

    @contextmanager
    def serving(self, *others: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """The web server's production command, its application with one view more; and `others` of
        the production processes, by name."""
        started = {}
        try:
            for name in ("web", *others):
                words = [word.replace("svoykrug.wsgi", WSGI) for word in COMMANDS[name]]
                with self._log(name).open("w") as out:
                    started[name] = subprocess.Popen(
                        [sys.executable, *words], env=self.environment, cwd=ROOT,
                        stdout=out, stderr=out,
                    )  # fmt: skip
            self._wait(started["web"], self._log("web"))
            yield started
        finally:
            for process in started.values():
                process.send_signal(signal.SIGTERM)
            for process in started.values():
                process.wait(40)

    def _log(self, name: str) -> Path:
        return Path(self.environment["STATIC_ROOT"]).parent / f"{name}-{self.size.name}.log"

    def _wait(self, web: subprocess.Popen[bytes], log: Path) -> None:
        until = time.monotonic() + READY
        while time.monotonic() < until and web.poll() is None:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                line.request("GET", "/health/live")
                if line.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.2)
            finally:
                line.close()
        raise AssertionError(f"The web server does not answer:\n{log.read_text()[-3000:]}")

    def load(
        self,
        requests: Sequence[str],
        *,
        connections: int,
        seconds: float,
        rate: float = 0,
        lead: int = 0,
    ) -> Answered:
        """Send them from so many connections, as fast as answers come or at a rate; the first
        `lead` answers do not count."""
        asked: dict[str, Any] = {
            "lead": lead,
            "members": self.size.members,
            "rate": rate,
            "port": self.port,
            "connections": connections,
            "seconds": seconds,
            "requests": list(requests),
        }
        found = json.loads(self.python("-m", "tests.bench.speed.client", text=json.dumps(asked)))
        wrong = {code: n for code, n in found["statuses"].items() if not code.startswith("2")}
        assert not wrong, f"{wrong}: {found['wrong']}"
        return Answered(found["rate"], found["p50"], found["p95"], found["cpu"])

    def pgbench(self, scripts: Sequence[Path], *, connections: int, seconds: float) -> float:
        """Transactions a second of the raw statements, prepared, from as many connections."""
        chosen = [word for script in scripts for word in ("-f", str(script))]
        done = subprocess.run(
            [pgbench(), "-n", "-M", "prepared", "-c", str(connections), "-j", "2",
             "-T", str(max(1, round(seconds))), *chosen, self.url],
            text=True, capture_output=True, check=False, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        said = [line for line in done.stdout.splitlines() if line.startswith("tps = ")]
        assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
        assert "number of failed transactions: 0 " in done.stdout, done.stdout[-2000:]
        return float(said[0].split()[2])


def pgbench() -> str:
    """The one that came with the embedded server."""
    return str(Postgres(Profile("bench"))._binaries / "pgbench")


@contextmanager
def stands(*sizes: Size, others: Sequence[str] = ()) -> Iterator[list[Stand]]:
    """A stand of each size, all of them serving; with `others` of the production processes beside
    the web server. Servers of their own, with full durability."""
    with ExitStack() as stack:
        environment = stack.enter_context(embedded.in_use(Profile("bench")))
        made = [Stand(size, environment) for size in sizes]
        for stand in made:
            stand.prepare()
        made[0].python("manage.py", "collectstatic", "--noinput", "-v0", "-i", "drf_spectacular*")
        for stand in made:
            stand.processes = stack.enter_context(stand.serving(*others))
        yield made
