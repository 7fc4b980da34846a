"""Everything that runs in a test of faults, and what is asked of it afterwards."""

import itertools
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection, connections
from django.test import override_settings
from kombu.exceptions import OperationalError as BrokerDown

from apps.core.models import IdempotencyKey
from apps.loyalty.models import Gift, Hold
from apps.transactions.models import Refund, Source, Transaction
from svoykrug.dev.checkout import ROOT
from svoykrug.dev.envfile import SECRETS
from tests import invariants
from tests.faults import points, product, world
from tests.faults.proxy import Proxy
from tests.faults.servers import PROFILE, Servers, servers
from tests.faults.traffic import Ledger, Traffic

PATIENCE = 240.0


class Stand:
    """Two web nodes, each behind a network of its own, a worker, Beat, and the traffic.

    `schema` and `code`: whose migrations made the tables, whose source the processes run."""

    def __init__(self, own: Servers, *, schema: Path = ROOT, code: Path = ROOT) -> None:
        self.servers, self.schema = own, schema
        self.environment = _environment(own)
        self.ledger = Ledger()
        self.rounds = 0
        self.months = 0  # how many months of settlement are closed
        self.dice = random.Random(0)  # each run brings its own
        self._prepare()
        self.networks = [Proxy(_port(own.postgres_url)).start() for _ in range(2)]
        self.cache_network = Proxy(_port(own.redis_url)).start()
        self.nodes = [
            product.Web(f"web{number}", self._through(network))
            for number, network in enumerate(self.networks)
        ]
        # Beside the web: a worker, Beat and commands have the same way to the servers.
        self.nursery = product.Nursery(self.environment)
        self.worker = product.worker(self.nursery)
        self.beat = product.beat(self.nursery)
        for nursery in self.nurseries:
            nursery.code = code
            nursery.open()
        self.tasks = Celery("faults", broker=f"{own.redis_url}/1")
        self.traffic: Traffic
        with pointed_at(own):
            self.world = world.build()

    def _prepare(self) -> None:
        static = ("collectstatic", "--noinput", "-v0")
        for words in (("migrate", "--noinput", "-v0"), ("migrate_clickhouse",), static):
            done = product.manage(self.environment, *words, code=self.schema)
            assert done.returncode == 0, done.stderr[-3000:]
        points.install(self.servers)

    def _through(self, network: Proxy) -> dict[str, str]:
        """A node's environment: its servers are reached through its network."""
        addresses = {
            "DATABASE_URL": _moved(self.servers.postgres_url, network.port),
            "REDIS_URL": _moved(self.servers.redis_url, self.cache_network.port),
        }
        return self.environment | addresses

    # --- processes -------------------------------------------------------------------------------
    @property
    def processes(self) -> list[product.Process]:
        return [*self.nodes, self.worker, self.beat]

    @property
    def nurseries(self) -> list[product.Nursery]:
        return [*(node.nursery for node in self.nodes), self.nursery]

    def heal(self) -> None:
        """Start again whatever does not run and make the network fair."""
        self.servers.start_postgres()
        self.servers.start_valkey()
        for network in (*self.networks, self.cache_network):
            network.fair()
            network.release()
        self.supervise()
        for node in self.nodes:
            node.wait()

    def supervise(self) -> None:
        """Start again processes that ended, as the launcher and Docker do."""
        for process in self.processes:
            if not process.is_alive:
                process.start()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for nursery in self.nurseries:
            nursery.close()
        for network in (*self.networks, self.cache_network):
            network.stop()

    def node_of(self, pid: int) -> product.Web:
        """The node whose transaction this serving process of PostgreSQL works on."""
        with self.servers.connect() as asking:
            row = asking.execute(
                "SELECT client_port FROM pg_stat_activity WHERE pid = %s", [pid]
            ).fetchone()
        port = row[0] if row else 0
        for node, network in zip(self.nodes, self.networks, strict=True):
            if network.goes_out_by(port):
                return node
        raise AssertionError(f"process {pid} serves no web node")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.servers.connect() as asking:
            done = asking.execute(statement, values)
            return done.fetchall() if done.description else []

    def send(self, task: str) -> None:
        """Ask the worker for a task, as Beat does."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.tasks.send_task(task, retry=False, ignore_result=True)
                return
            except (BrokerDown, OSError):
                if time.monotonic() > until:
                    raise
                self.tasks = Celery("faults", broker=f"{self.servers.redis_url}/1")
                time.sleep(0.2)

    # --- one round -------------------------------------------------------------------------------
    @contextmanager
    def load(self, *, size: int = 6) -> Iterator[Traffic]:
        """Traffic for the time of a block; it comes to its end before the block does."""
        self.rounds += 1
        ports = [node.port for node in self.nodes]
        self.traffic = Traffic(self.world, ports, self.ledger, seed=self.rounds, size=size).start()
        try:
            yield self.traffic
        except BaseException:
            self.traffic._over.set()
            raise
        self.traffic.stop()

    def settle(self) -> None:
        """Until nothing waits: leases of the dead are over, facts are in the engine. A backlog may
        take its time as long as it gets shorter."""
        until, quiet, least = time.monotonic() + PATIENCE, 0, sys.maxsize
        for turn in itertools.count():
            if turn % 20 == 0:
                self.supervise()
                self.sql("UPDATE core_delivery SET due_at = now() WHERE state = 'waiting'")
            if turn % 5 == 0:
                self.send("apps.core.tasks.drain_outbox")
                self.send("apps.analytics.tasks.load_facts")
            waiting = self.waiting()
            if waiting < least:
                least, until = waiting, time.monotonic() + PATIENCE
            # What is delivered may tell more facts: only quiet that lasts is quiet.
            quiet = 0 if waiting or self._feeds_wait() else quiet + 1
            if quiet == 4:
                return
            time.sleep(0.15)
            if time.monotonic() > until:
                stuck = self.sql(
                    "SELECT listener, attempts, last_error, count(*) FROM core_delivery"
                    " WHERE state = 'waiting' GROUP BY 1, 2, 3 LIMIT 3"
                )
                raise AssertionError(f"{waiting} still wait, such as {stuck}")

    def _feeds_wait(self) -> bool:
        """Lots and postings of the ledger that are not in the engine yet."""
        wanted = {"ledger:lots": "loyalty_lot", "ledger:postings": "loyalty_posting"}
        loaded = dict(self.sql("SELECT feed, loaded FROM analytics_feedmark"))
        return any(
            loaded.get(feed, 0) < self.sql(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]
            for feed, table in wanted.items()
        )

    def faults(self) -> dict[str, str]:
        """Every broken invariant, and what clients were told and is not so."""
        with pointed_at(self.servers), override_settings(AUDIT_ANCHOR_FILE=_anchors()):
            return invariants.broken(at_rest=True) | self._told_and_not_so()

    def _told_and_not_so(self) -> dict[str, str]:
        told = {
            "sale": (Transaction.objects.filter(source=Source.API), self.ledger.ids("sale")),
            "refund": (Refund.objects.all(), self.ledger.ids("refund")),
            "hold": (Hold.objects.all(), self.ledger.ids("hold")),
            "gift": (Gift.objects.all(), self.ledger.ids("gift")),
        }
        found = {}
        for kind, (rows, ids) in told.items():
            made = {str(pk) for pk in rows.values_list("pk", flat=True)}
            if lost := set(ids) - made:
                found[f"{kind} lost"] = f"{len(lost)}, such as {lost.pop()}"
            if doubled := made - set(ids):
                found[f"{kind} that nobody was told of"] = f"{len(doubled)}, {doubled.pop()}"
            if len(ids) != len(set(ids)):
                found[f"{kind} told twice"] = f"{len(ids) - len(set(ids))}"
        keys = set(IdempotencyKey.objects.values_list("key", flat=True))
        answered = {one.key for one in self.ledger.done if one.succeeded and one.kind != "leave"}
        if keys != answered:
            found["keys"] = f"{len(keys - answered)} only here, {len(answered - keys)} only told"
        return found

    def waiting(self) -> int:
        """Deliveries and batches on their way."""
        [(left,)] = self.sql(
            "SELECT (SELECT count(*) FROM core_delivery WHERE state = 'waiting')"
            " + (SELECT count(*) FROM analytics_factbatch WHERE state = 'frozen')"
        )
        return int(left)

    def heard(self) -> dict[str, int]:
        """What clients were told in the end, by kind and answer: for whoever reads a failure."""
        told = Counter(f"{one.kind} {one.code or one.status}" for one in self.ledger.done)
        return dict(told.most_common())


def _environment(own: Servers) -> dict[str, str]:
    """Production on the servers of the faults, with the keys of this process."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "COV_")) and name != "DEV_SMS_FILE"
    }
    folder = PROFILE.state
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    ours = {name: os.environ[name] for name in (*SECRETS, "JWT_KEYS_DIR")}
    addresses = {
        name: own.environment[name] for name in ("DATABASE_URL", "REDIS_URL", "CLICKHOUSE_URL")
    }
    return inherited | ours | addresses | {
        "ENVIRONMENT": "production",
        "SECURE_SSL_REDIRECT": "off",
        "NUM_PROXIES": "1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "ERASURE_JOURNAL": str(folder / "erasures.jsonl"),
        "AUDIT_ANCHOR_FILE": str(_anchors()),
        "STATIC_ROOT": str(folder / "static"),
        "FAULT_LOGS": str(logs),
        "PYTHONWARNINGS": "ignore",
        "CELERY_SKIP_CHECKS": "1",  # seconds of a processor, with the same answer at each start
        "LOG_LEVEL": "WARNING",
        **{f"{channel}_PROVIDER": "" for channel in ("PUSH", "SMS", "MAIL")},
    }  # fmt: skip


def _anchors() -> Path:
    return PROFILE.state / "audit-anchors.jsonl"


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def _moved(url: str, port: int) -> str:
    return url.replace(f":{_port(url)}", f":{port}")


@contextmanager
def pointed_at(own: Servers) -> Iterator[None]:
    """Models of this process read and write the database of the faults within the block."""
    address = psycopg.conninfo.conninfo_to_dict(own.postgres_url)
    theirs = {
        "HOST": address["host"],
        "PORT": str(address["port"]),
        "USER": address["user"],
        "PASSWORD": address["password"],
        "NAME": address["dbname"],
    }
    before, engine = connections["default"], dict(settings.CLICKHOUSE)
    # A connection of its own: the test's may be in the middle of a transaction.
    connections["default"] = type(before)(before.settings_dict | theirs, "default")
    settings.CLICKHOUSE.update(path=str(PROFILE.state / "clickhouse"), database="svoykrug")
    ContentType.objects.clear_cache()  # another database has other numbers
    try:
        _wait_for_database()
        yield
    finally:
        ContentType.objects.clear_cache()
        connection.close()
        connections["default"] = before
        settings.CLICKHOUSE.update(engine)


def _wait_for_database() -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextmanager
def stand(*, schema: Path = ROOT, code: Path = ROOT) -> Iterator[Stand]:
    with servers() as own:
        made = Stand(own, schema=schema, code=code)
        try:
            made.heal()
            yield made
        finally:
            made.close()
