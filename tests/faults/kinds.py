"""The kinds of faults: each is injected under load, and each ends with the invariants."""

import fcntl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from apps.loyalty import services as loyalty
from tests.factories.accounts import UserFactory
from tests.faults import points, product
from tests.faults.servers import PROFILE
from tests.faults.stand import Stand, pointed_at


@dataclass(frozen=True)
class Kind:
    """`said`: the fault in a sentence. `inject` breaks something while people shop; the stand puts
    everything up again afterwards."""

    name: str
    said: str
    inject: Callable[[Stand], None]


KINDS: dict[str, Kind] = {}
Inject = Callable[[Stand], None]


def kind(said: str) -> Callable[[Inject], Inject]:
    def register(inject: Inject) -> Inject:
        name = inject.__name__.replace("_", " ")
        KINDS[name] = Kind(name, said, inject)
        return inject

    return register


def _kill_node_at(stand: Stand, point: str) -> None:
    with points.closed(stand.servers, point) as gate:
        node = stand.node_of(gate.catch()[0])
        node.kill()
    node.start()


def _kill_worker_at(stand: Stand, point: str, *tasks: str) -> None:
    with points.closed(stand.servers, point) as gate:
        for task in tasks:
            stand.send(task)
        gate.catch()
        stand.worker.kill()
    stand.worker.start()


DRAIN = "apps.core.tasks.drain_outbox"
LOAD = "apps.analytics.tasks.load_facts"


# --- web -----------------------------------------------------------------------------------------
@kind("kill −9 of a web node: a sale is written whole and not committed")
def web_before_commit(stand: Stand) -> None:
    _kill_node_at(stand, "sale before commit")


@kind("kill −9 of a web node inside of COMMIT: the sale stands, nobody was answered")
def web_after_commit_before_answer(stand: Stand) -> None:
    _kill_node_at(stand, "sale in commit")


@kind("kill −9 of a web node in the middle of a return")
def web_in_the_middle_of_a_return(stand: Stand) -> None:
    _kill_node_at(stand, "middle of return")


@kind("kill −9 of all web nodes at once, at a random moment of the load")
def all_of_web(stand: Stand) -> None:
    time.sleep(stand.dice.uniform(0, 0.6))
    for node in stand.nodes:
        node.kill()
    for node in stand.nodes:
        node.start()


@kind("a node is asked to leave while it works (a release), then the next one")
def web_rolled_over(stand: Stand) -> None:
    for node in stand.nodes:
        node.stop()
        node.start()
        node.wait()
        stand.traffic.wait(3)


# --- the worker ----------------------------------------------------------------------------------
@kind("kill −9 of the worker between commit and outbox: a fact is leased, nobody has heard it")
def worker_after_lease(stand: Stand) -> None:
    _kill_worker_at(stand, "delivery leased", DRAIN)


@kind("kill −9 of the worker: a listener has written and not committed")
def worker_before_commit(stand: Stand) -> None:
    _kill_worker_at(stand, "listener before commit", DRAIN)


@kind("kill −9 of the worker inside of a listener's COMMIT: done, the broker never heard")
def worker_after_commit(stand: Stand) -> None:
    _kill_worker_at(stand, "listener in commit", DRAIN)


@kind("kill −9 of the worker: a batch of facts is frozen and not sent")
def worker_with_a_frozen_batch(stand: Stand) -> None:
    _kill_worker_at(stand, "batch frozen", LOAD)


@kind("kill −9 of the worker in mid-batch: facts are in the engine, nobody wrote that down")
def worker_after_sending_facts(stand: Stand) -> None:
    _kill_worker_at(stand, "batch sent", LOAD)


@kind("kill −9 of the analytics engine's process while it works on its files")
def analytics_engine(stand: Stand) -> None:
    stand.send(LOAD)
    lock = PROFILE.state / "clickhouse.lock"
    until = time.monotonic() + 120
    while not _is_held(lock):
        if time.monotonic() > until:
            raise points.NobodyCame("the engine")
    time.sleep(stand.dice.uniform(0, 0.15))
    stand.worker.kill()
    stand.worker.start()


def _is_held(lock: object) -> bool:
    with open(str(lock), "a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@kind("kill −9 of the worker in the middle of expiry")
def worker_in_the_middle_of_expiry(stand: Stand) -> None:
    long_ago = timezone.now() - timedelta(days=900)
    with pointed_at(stand.servers):
        for number in range(5):
            loyalty.earn_for_purchase(
                member=UserFactory(),
                business=stand.world.businesses[0],
                paid=Decimal(1000),
                key=f"old:{stand.rounds}:{number}",
                occurred_at=long_ago,
                posted_at=long_ago,
            )
    _kill_worker_at(stand, "middle of expiry", "apps.loyalty.tasks.expire")
    stand.send("apps.loyalty.tasks.expire")


@kind("kill −9 of the worker while it seals the audit chain")
def worker_while_sealing(stand: Stand) -> None:
    _kill_worker_at(stand, "middle of sealing", "apps.core.tasks.seal_audit")


# --- settlement ----------------------------------------------------------------------------------
UNSETTLED = """
SELECT 1 FROM loyalty_posting p WHERE p.acceptor_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM loyalty_settled s WHERE s.posting_id = p.id) LIMIT 1
"""


def _closing(stand: Stand) -> product.Process:
    """The command that closes the next month, on a clock of the month after it."""
    now = timezone.localtime()
    after = now.year * 12 + now.month - 1 + stand.months + 1
    moment = datetime(after // 12, after % 12 + 1, 2, 12, tzinfo=now.tzinfo)
    command = product.Process(
        "closing", ["manage.py", "close_month", "--skip-checks"], stand.nursery
    )
    command.start(clock=(moment - now).total_seconds())
    return command


def _close_whole(stand: Stand) -> None:
    command = _closing(stand)
    assert command.child is not None
    assert command.child.wait(240) == 0, command.log.read_text()[-2000:]
    stand.months += 1


def _kill_closing_at(stand: Stand, point: str) -> None:
    with points.closed(stand.servers, point) as gate:
        command = _closing(stand)
        gate.catch(who=command)
        command.kill()
    _close_whole(stand)


@kind("kill −9 in mid-settlement: half of the postings stand in the statement")
def middle_of_settlement(stand: Stand) -> None:
    until = time.monotonic() + points.PATIENCE
    # A month in which nobody spent has no middle.
    while not stand.ledger.failures and not stand.sql(UNSETTLED):
        assert time.monotonic() < until, "Nobody spent anything."
        stand.traffic.wait(1)
    _kill_closing_at(stand, "middle of settlement")


@kind("kill −9 inside of the COMMIT that closes a month")
def settlement_after_commit(stand: Stand) -> None:
    _kill_closing_at(stand, "settlement in commit")


# --- Beat ----------------------------------------------------------------------------------------
@kind("kill −9 of Beat: nothing rings until it is back")
def beat(stand: Stand) -> None:
    stand.beat.kill()
    stand.traffic.wait(5)
    stand.beat.start()
    since, until = timezone.now(), time.monotonic() + 120
    while not stand.sql("SELECT 1 FROM core_beat WHERE name = 'heartbeat' AND at > %s", since):
        if time.monotonic() > until:
            raise AssertionError("No heartbeat two minutes after Beat came back.")
        time.sleep(0.2)


# --- PostgreSQL ----------------------------------------------------------------------------------
@kind("kill −9 of one serving process of PostgreSQL: all of them restart, before commit")
def postgres_before_commit(stand: Stand) -> None:
    with points.closed(stand.servers, "sale before commit") as gate:
        stand.servers.kill_backend(gate.catch()[0])


@kind("kill −9 of all of PostgreSQL at a random moment of the load")
def all_of_postgres(stand: Stand) -> None:
    time.sleep(stand.dice.uniform(0, 0.6))
    stand.servers.kill_postgres()
    time.sleep(stand.dice.uniform(0, 1.5))
    stand.servers.start_postgres()


@kind("the disk under PostgreSQL is full for some seconds")
def disk_full(stand: Stand) -> None:
    before = len(stand.ledger.done)
    with stand.servers.disk_full():
        time.sleep(4)
        heard = len(stand.ledger.done) - before
    stand.servers.start_postgres()
    assert heard < 5000, "writes went on as if the disk had room"


# --- Valkey --------------------------------------------------------------------------------------
@kind("kill −9 of Valkey, down for three seconds under load")
def valkey(stand: Stand) -> None:
    stand.servers.kill_valkey()
    stand.traffic.wait(5)
    time.sleep(2)
    stand.servers.start_valkey()


@kind("kill −9 of Valkey, and everything in it is lost: queues, bells, limits")
def valkey_with_all_it_held(stand: Stand) -> None:
    stand.servers.kill_valkey(lose_everything=True)
    stand.traffic.wait(3)
    stand.servers.start_valkey()


# --- the network ---------------------------------------------------------------------------------
@kind("every packet to and from PostgreSQL is late")
def slow_connection(stand: Stand) -> None:
    for network in stand.networks:
        network.weather.delay = 0.02
    stand.traffic.wait(6, patience=240)


@kind("half-open: PostgreSQL's answers vanish for seconds, then the connection is reset")
def half_open_connection(stand: Stand) -> None:
    network = stand.networks[0]
    network.weather.mute = True
    time.sleep(3)
    network.fair()


@kind("the answer to COMMIT is lost with its connection: was it committed or not?")
def lost_answer_to_commit(stand: Stand) -> None:
    network = stand.networks[0]
    network.weather.lose_after = b"COMMIT"
    until = time.monotonic() + 120
    while network.weather.lost < 3:
        if time.monotonic() > until:
            raise points.NobodyCame("COMMIT")
        time.sleep(0.01)
    network.fair()


@kind("half-open the other way: a node is gone in mid-transaction, PostgreSQL is not told")
def stranded_transaction(stand: Stand) -> None:
    network = stand.networks[0]
    network.weather.strand_at = b"COMMIT"
    until = time.monotonic() + 120
    while network.weather.lost < 2:
        if time.monotonic() > until:
            raise points.NobodyCame("COMMIT")
        time.sleep(0.01)
    network.fair()
    since = time.monotonic()
    while stand.sql(STRANDED):
        if time.monotonic() - since > 60:
            raise AssertionError("a transaction without a client keeps its locks for a minute")
        time.sleep(0.5)


STRANDED = """
SELECT 1 FROM pg_stat_activity
WHERE state = 'idle in transaction' AND state_change < now() - interval '3 seconds'
"""


@kind("connections to Valkey hang without an answer")
def mute_valkey(stand: Stand) -> None:
    stand.cache_network.weather.mute = True
    stand.traffic.wait(3, patience=240)
    stand.cache_network.fair()


# --- time and order ------------------------------------------------------------------------------
@kind("the clocks of the web nodes jump: one ten minutes ahead, one ten minutes back")
def clock_jump(stand: Stand) -> None:
    for node, minutes in zip(stand.nodes, (10, -10), strict=True):
        node.kill()
        node.start(clock=minutes * 60)
    for node in stand.nodes:
        node.wait()
    stand.traffic.wait(10)
    for node in stand.nodes:
        node.kill()
        node.start()


@kind("every fact of the last minute is delivered again, shuffled")
def repeated_and_shuffled_facts(stand: Stand) -> None:
    stand.sql(
        "UPDATE core_delivery d SET state = 'waiting', attempts = 0, done_at = NULL,"
        " batch_id = NULL, due_at = now() - random() * interval '1 hour'"
        " FROM core_message m WHERE m.id = d.message_id AND d.state = 'done'"
        " AND m.created_at > now() - interval '1 minute'"
    )
    for _ in range(3):
        stand.send(DRAIN)
        stand.send(LOAD)


@kind("every task of the schedule arrives three times, shuffled, all at once")
def repeated_and_shuffled_tasks(stand: Stand) -> None:
    tasks = [*RINGS] * 3
    stand.dice.shuffle(tasks)
    for task in tasks:
        stand.send(task)


RINGS = (
    DRAIN,
    LOAD,
    "apps.core.tasks.seal_audit",
    "apps.core.tasks.forget_old",
    "apps.loyalty.tasks.wake",
    "apps.loyalty.tasks.move_tiers",
    "apps.loyalty.tasks.expire",
    "apps.loyalty.tasks.time_out_holds",
    "apps.loyalty.tasks.refresh_exposure",
    "apps.coupons.tasks.expire_due",
    "apps.events.tasks.sweep",
)
