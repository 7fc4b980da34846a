"""Named points at which a process can be caught, without a line in the product.

Each point is a trigger in the database of the faults. While its gate is closed, whoever comes by
waits there on an advisory lock, in the middle of its transaction or inside of its COMMIT, and can
be killed in exactly that state.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.faults.product import Process
from tests.faults.servers import Servers

PATIENCE = 180.0
LOCKS = 0x6661_756C  # "faul"


@dataclass(frozen=True)
class Point:
    """`late`: the trigger is deferred, so it waits inside of COMMIT: nothing can undo it there, and
    nobody has heard of it yet."""

    table: str
    event: str
    late: bool = False
    when: str = ""


POINTS = {
    # web
    "sale before commit": Point("core_idempotencykey", "INSERT"),
    "sale in commit": Point("core_idempotencykey", "INSERT", late=True),
    # outbox
    "delivery leased": Point(
        "core_delivery", "UPDATE", late=True, when="NEW.attempts > OLD.attempts"
    ),
    "listener before commit": Point(
        "core_delivery", "UPDATE", when="NEW.state = 'done' AND NEW.batch_id IS NULL"
    ),
    "listener in commit": Point(
        "core_delivery", "UPDATE", late=True, when="NEW.state = 'done' AND NEW.batch_id IS NULL"
    ),
    # facts
    "batch frozen": Point("analytics_factbatch", "INSERT", late=True),
    "batch sent": Point("analytics_factbatch", "UPDATE", when="NEW.state = 'loaded'"),
    # jobs
    "middle of settlement": Point("loyalty_settled", "INSERT"),
    "settlement in commit": Point("loyalty_statement", "INSERT", late=True),
    "middle of expiry": Point("loyalty_posting", "INSERT", when="NEW.dst = 'expired'"),
    "middle of sealing": Point("core_auditseal", "INSERT"),
    "middle of return": Point("transactions_refund", "INSERT"),
}

MAKE = """
CREATE TABLE IF NOT EXISTS fault_gate (number int PRIMARY KEY, closed boolean NOT NULL);
CREATE OR REPLACE FUNCTION fault_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM fault_gate WHERE number = TG_ARGV[0]::int AND closed) THEN
        PERFORM pg_advisory_xact_lock_shared({locks}, TG_ARGV[0]::int);
    END IF;
    RETURN NULL;
END $$;
"""
WAITING = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s
  AND mode = 'ShareLock' AND NOT granted
"""


def _number(name: str) -> int:
    return list(POINTS).index(name)


def install(servers: Servers) -> None:
    with servers.connect() as connection:
        connection.execute(MAKE.format(locks=LOCKS))
        for name, point in POINTS.items():
            number = _number(name)
            when = f"WHEN ({point.when})" if point.when else ""
            kind, late = (
                ("CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED") if point.late else ("", "")
            )
            # "zz": after every trigger of the product on that table
            connection.execute(
                f"CREATE {kind}TRIGGER zz_fault_{number} AFTER {point.event} ON {point.table} "
                f"{late} FOR EACH ROW {when} EXECUTE FUNCTION fault_wait({number})"
            )
            connection.execute("INSERT INTO fault_gate VALUES (%s, false)", [number])


class NobodyCame(AssertionError):
    """The traffic never reached the point: the fault was not injected."""


class Gate:
    def __init__(self, connection: "psycopg.Connection[tuple]", name: str) -> None:
        self.name, self.number, self._connection = name, _number(name), connection

    def waiting(self) -> list[int]:
        """Serving processes of PostgreSQL that stand here."""
        rows = self._connection.execute(WAITING, [LOCKS, self.number]).fetchall()
        return [pid for (pid,) in rows]

    def catch(self, *, patience: float = PATIENCE, who: Process | None = None) -> list[int]:
        """Wait until somebody stands here; if only `who` can come, no longer than it lives."""
        until = time.monotonic() + patience
        while not (caught := self.waiting()):
            if who and not who.is_alive:
                raise NobodyCame(f"{self.name}: {who.name} ended: {who.log.read_text()[-2000:]}")
            if time.monotonic() > until:
                raise NobodyCame(self.name)
            time.sleep(0.01)
        return caught


@contextmanager
def closed(servers: Servers, name: str) -> Iterator[Gate]:
    """The gate of a point, open again at the end even if the database was killed meanwhile."""
    holder = servers.connect()
    gate = Gate(holder, name)
    holder.execute("SELECT pg_advisory_lock(%s, %s)", [LOCKS, gate.number])
    holder.execute("UPDATE fault_gate SET closed = true WHERE number = %s", [gate.number])
    try:
        yield gate
    finally:
        holder.close()  # whoever waits goes on; a killed server has forgotten the lock by itself
        servers.start_postgres()
        _open(servers, gate.number)


def _open(servers: Servers, number: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with servers.connect() as connection:
                connection.execute(
                    "UPDATE fault_gate SET closed = false WHERE number = %s", [number]
                )
            return
        except psycopg.OperationalError:  # it is still reading its log
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
