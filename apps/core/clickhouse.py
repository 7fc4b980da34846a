"""The one door to ClickHouse: a server by address, or the embedded engine on a folder.

The embedded engine lets one process hold a data folder. So every operation takes a file lock,
opens, works and closes (about 60 ms): web, worker and commands share the folder in turn. It must
never be open when a process forks; nothing here opens it at import time.

Every query carries a name, values are bound, rows come back as tuples in the order of the SELECT.
"""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from django.conf import settings

from apps.core.errors import Refused

log = structlog.get_logger(__name__)

LOCK_WAIT = 20.0  # seconds before another process's long operation counts as "down"
READ_LIMIT = 10  # seconds a dashboard query may take
WRITE_LIMIT = 300  # seconds a nightly statement may take
# The embedded engine is newer than the server we promise to run on: behave as that one.
COMPATIBLE = {"compatibility": "25.8"}

# Each row once, merged or not. Partitions by themselves: their key never changes.
FINAL = {"final": 1, "do_not_merge_across_partitions_select_final": 1}

_turn = threading.RLock()
_local = threading.local()


class Unavailable(Refused):
    """ClickHouse does not answer. Nothing is lost: facts wait in the outbox."""

    code = "UNAVAILABLE"


@contextmanager
def _folder_lock(path: Path) -> Iterator[None]:
    path.mkdir(parents=True, exist_ok=True)
    with (path.parent / f"{path.name}.lock").open("w") as handle:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable from None
                time.sleep(0.01)
        yield


def _engine(path: Path) -> Client:
    return clickhouse_connect.get_client(
        interface="chdb", path=str(path), database="default", tz_mode="aware"
    )


@contextmanager
def _embedded(database: str | None) -> Iterator[Client]:
    path = Path(settings.CLICKHOUSE["path"])
    with _turn, _folder_lock(path):
        client = _engine(path)
        try:
            if database:
                client.command(f"USE `{database}`")
            yield client
        finally:
            client.close()


@contextmanager
def _server(database: str | None) -> Iterator[Client]:
    # One client a thread and process: it keeps its HTTP connection alive between calls.
    key = (os.getpid(), database)
    if getattr(_local, "key", None) != key:
        _local.client = clickhouse_connect.get_client(
            dsn=settings.CLICKHOUSE["url"],
            database=database or "default",
            tz_mode="aware",
            connect_timeout=3,
            send_receive_timeout=60,
        )
        _local.key = key
    yield _local.client


@contextmanager
def patient() -> Iterator[None]:
    """Reads of this thread within the block may take as long as a nightly statement: for jobs and
    commands, never for a request. Works as a decorator too."""
    before = getattr(_local, "limit", READ_LIMIT)
    _local.limit = WRITE_LIMIT
    try:
        yield
    finally:
        _local.limit = before


@contextmanager
def together() -> Iterator[None]:
    """Reads of this thread within the block share one client: the embedded engine is opened once,
    not for each (60 ms). Not for jobs: nobody else may open its folder meanwhile.

    Raises Unavailable."""
    if not settings.CLICKHOUSE["embedded"] or getattr(_local, "shared", None):
        yield
        return
    with session(database=database()) as client:
        _local.shared = client
        try:
            yield
        finally:
            _local.shared = None


@contextmanager
def _shared() -> Iterator[Client]:
    client = getattr(_local, "shared", None)
    if client is None:
        with session(database=database()) as own:
            yield own
        return
    try:
        yield client
    except (ClickHouseError, OSError) as broken:
        log.warning("clickhouse.failed", error=str(broken)[:300])
        raise Unavailable from broken


@contextmanager
def session(*, database: str | None = None) -> Iterator[Client]:
    """A client for several operations in a row; translates what the driver raises.

    Raises Unavailable when the engine cannot be opened or reached.
    """
    opener = _embedded if settings.CLICKHOUSE["embedded"] else _server
    try:
        with opener(database) as client:
            yield client
    except (ClickHouseError, OSError) as broken:
        log.warning("clickhouse.failed", error=str(broken)[:300])
        raise Unavailable from broken


def database() -> str:
    """The database of this installation; tests give each worker its own."""
    name: str = str(settings.CLICKHOUSE["database"])
    return name


def read(name: str, sql: str, /, **values: Any) -> list[tuple[Any, ...]]:
    """Rows of a SELECT. `name` stands in the server's query log; values are bound as {key:Type}."""
    started = time.perf_counter()
    with _shared() as client:
        result = client.query(
            f"/* {name} */ {sql}",
            parameters=values,
            settings={
                **COMPATIBLE,
                "max_execution_time": getattr(_local, "limit", READ_LIMIT),
                **FINAL,
            },
        )
    log.debug("clickhouse.read", name=name, ms=round((time.perf_counter() - started) * 1000))
    return [tuple(row) for row in result.result_rows]


def insert(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, token: str
) -> None:
    """One batch. The same token again within the table's window adds nothing."""
    with session(database=database()) as client:
        client.insert(
            table,
            rows,
            column_names=list(columns),
            settings={
                **COMPATIBLE,
                "insert_deduplication_token": token,
                "insert_deduplicate": 1,
                "deduplicate_blocks_in_dependent_materialized_views": 1,
            },
        )


def write(name: str, sql: str, /, **values: Any) -> None:
    """INSERT … SELECT or DELETE within the engine: rows do not travel. For jobs, not requests."""
    started = time.perf_counter()
    with session(database=database()) as client:
        client.command(
            f"/* {name} */ {sql}",
            parameters=values,
            settings={**COMPATIBLE, "max_execution_time": WRITE_LIMIT, **FINAL},
        )
    log.debug("clickhouse.write", name=name, ms=round((time.perf_counter() - started) * 1000))


def command(sql: str) -> Any:
    """A statement that changes tables, for migrations and maintenance."""
    with session(database=database()) as client:
        return client.command(sql, settings=COMPATIBLE)


def has_rows(table: str) -> bool:
    return bool(read("has_rows", f"SELECT 1 FROM `{table}` LIMIT 1"))  # noqa: S608 - a name of ours


def save_file(table: str, path: Path) -> None:
    """All rows of a table into a file, as ClickHouse itself writes them."""
    query = f"SELECT * FROM `{table}`"  # noqa: S608 - a name of ours
    with session(database=database()) as client, path.open("wb") as out:
        if settings.CLICKHOUSE["embedded"]:  # small, and it cannot stream
            out.write(client.raw_query(query, fmt="Native"))
            return
        with client.raw_stream(query, fmt="Native") as stream:
            shutil.copyfileobj(stream, out)


def load_file(table: str, path: Path) -> None:
    """Rows of `save_file` back into a table with the same columns or more."""
    with session(database=database()) as client, path.open("rb") as rows:
        block = rows.read() if settings.CLICKHOUSE["embedded"] else rows
        client.raw_insert(table, insert_block=block, fmt="Native", settings=COMPATIBLE)


def ping() -> None:
    """Raises Unavailable when the engine cannot answer a trivial question."""
    with session() as client:
        client.command("SELECT 1")
