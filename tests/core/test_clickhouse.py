"""The one door to ClickHouse, on the real engine."""

import fcntl
import threading
import time
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.core import clickhouse, clickhouse_migrations
from apps.core.clickhouse_migrations import MigrationChanged, Step
from apps.core.ids import new_id
from tests.engine import opened
from tests.threads import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_clickhouse_ready")]
TABLE = """
CREATE TABLE IF NOT EXISTS door_test (id UInt32, name String, at DateTime64(3, 'UTC'))
ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100
"""


@pytest.fixture(autouse=True)
def _own_door(engine, monkeypatch):
    """The product's own: opened and closed around every operation."""
    if engine:
        engine.close()
        monkeypatch.setattr(clickhouse, "_embedded", opened)


@pytest.fixture
def table(_clickhouse_ready):
    clickhouse.command(TABLE)
    yield "door_test"
    clickhouse.command("DROP TABLE door_test")


def rows(sql="SELECT id, name FROM door_test ORDER BY id", **values):
    return clickhouse.read("test.door", sql, **values)


def put(*names, token):
    at = datetime(2026, 11, 21, tzinfo=UTC)
    data = [(n, name, at) for n, name in enumerate(names)]
    clickhouse.insert("door_test", ["id", "name", "at"], data, token=token)


# --- reading and writing -------------------------------------------------------------------------
def test_rows_come_back_as_tuples_in_the_order_of_the_select(table):
    put("Анна", "Ольга", token="a")

    assert rows() == [(0, "Анна"), (1, "Ольга")]
    [(at,)] = rows("SELECT max(at) FROM door_test")
    assert at == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["Анна", "'; DROP TABLE door_test --", "\\", "{x:String}", "%s", ""]
)
def test_values_are_bound_and_never_part_of_the_statement(table, name):
    put("somebody else", name, token="a")

    found = rows("SELECT id FROM door_test WHERE name = {name:String}", name=name)

    assert found == [(1,)]
    assert len(rows()) == 2


def test_the_same_token_again_adds_nothing(table):
    for _ in range(3):
        put("Анна", "Ольга", token="a")
    put("Вера", token="b")

    assert rows("SELECT count() FROM door_test") == [(3,)]


def test_the_same_rows_under_another_token_are_other_rows(table):
    put("Анна", token="a")
    put("Анна", token="b")

    assert rows("SELECT count() FROM door_test") == [(2,)]


def test_nothing_found_is_an_empty_list(table):
    assert rows() == []


def test_a_wrong_statement_is_unavailable_and_not_a_crash(table):
    with pytest.raises(clickhouse.Unavailable) as refused:
        rows("SELECT no_such_column FROM door_test")

    assert refused.value.code == "UNAVAILABLE"
    assert rows() == []  # the door still opens


def test_reads_of_one_page_share_the_door(table, monkeypatch):
    put("Анна", token="a")
    opened_, door = [], clickhouse._embedded
    monkeypatch.setattr(
        clickhouse, "_embedded", lambda database: opened_.append(1) or door(database)
    )

    with clickhouse.together():
        found = [rows(), rows("SELECT count() FROM door_test")]
        with clickhouse.together():
            found.append(rows("SELECT 1"))

    assert found == [[(0, "Анна")], [(1,)], [(1,)]]
    assert len(opened_) <= 1  # none where there is a server


def test_a_wrong_statement_among_several_is_unavailable_too(table):
    with clickhouse.together(), pytest.raises(clickhouse.Unavailable):
        rows("SELECT no_such_column FROM door_test")

    assert rows() == []  # the door still opens


# --- who holds the folder ------------------------------------------------------------------------
def test_threads_take_turns(table):
    outcomes = race(4, lambda n: (put(f"name {n}", token=str(n)), rows("SELECT 1"))[1])

    assert outcomes == [[(1,)]] * 4
    assert rows("SELECT count() FROM door_test") == [(4,)]


def test_a_folder_that_another_process_holds_is_waited_for(table, settings):
    """A lock of another open file is to us what a lock of another process is."""
    path = settings.CLICKHOUSE["path"]
    with open(f"{path}.lock", "w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        free = threading.Timer(0.1, fcntl.flock, (theirs, fcntl.LOCK_UN))
        started = time.monotonic()
        free.start()
        found = rows("SELECT 1")
        waited = time.monotonic() - started
        free.join()

    assert (found, waited >= 0.1) == ([(1,)], True)


def test_a_folder_that_is_never_free_is_unavailable(table, settings, monkeypatch):
    monkeypatch.setattr(clickhouse, "LOCK_WAIT", 0.05)
    with open(f"{settings.CLICKHOUSE['path']}.lock", "w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(clickhouse.Unavailable):
            rows("SELECT 1")

    assert rows("SELECT 1") == [(1,)]


# --- out of reach --------------------------------------------------------------------------------
def test_a_path_that_is_no_folder_is_unavailable(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.CLICKHOUSE = {**settings.CLICKHOUSE, "path": str(tmp_path / "file" / "data")}

    with pytest.raises(clickhouse.Unavailable):
        clickhouse.ping()


def test_a_server_that_does_not_answer_is_unavailable(settings):
    url = "http://127.0.0.1:1/svoykrug"
    settings.CLICKHOUSE = {**settings.CLICKHOUSE, "embedded": False, "url": url}

    with pytest.raises(clickhouse.Unavailable):
        clickhouse.read("test.door", "SELECT 1")


def test_an_engine_in_reach_answers_a_ping():
    clickhouse.ping()


# --- migrations ----------------------------------------------------------------------------------
@pytest.fixture
def extra(monkeypatch):
    """Steps after the project's own; what they made is dropped again."""
    own, added = clickhouse_migrations.steps(), []
    monkeypatch.setattr(clickhouse_migrations, "steps", lambda: own + added)
    name = f"9{new_id().hex[-6:]}_test"
    yield lambda sql, part="a": added.append(Step(f"{name}_{part}", sql))
    for step in added:
        clickhouse.command(f"DELETE FROM schema_migrations WHERE name = '{step.name}'")
    clickhouse.command("DROP TABLE IF EXISTS step_test")


def test_a_second_run_does_nothing():
    assert clickhouse_migrations.migrate() == []


def test_a_new_step_runs_once_with_all_its_statements(extra):
    extra(
        "CREATE TABLE step_test (id UInt32) ENGINE = MergeTree ORDER BY id\n"
        "-- next\n"
        "INSERT INTO step_test VALUES (1), (2)\n"
    )

    first, second = clickhouse_migrations.migrate(), clickhouse_migrations.migrate()

    assert (len(first), second) == (1, [])
    assert rows("SELECT count() FROM step_test") == [(2,)]


def test_a_step_that_was_edited_after_it_ran_stops_the_run(extra, monkeypatch):
    extra("CREATE TABLE step_test (id UInt32) ENGINE = MergeTree ORDER BY id")
    [name] = clickhouse_migrations.migrate()
    *own, ran = clickhouse_migrations.steps()
    edited = [*own, Step(ran.name, ran.sql.replace("UInt32", "UInt64"))]
    monkeypatch.setattr(clickhouse_migrations, "steps", lambda: edited)

    with pytest.raises(MigrationChanged, match=name):
        clickhouse_migrations.migrate()


def test_a_step_that_failed_is_not_remembered(extra):
    extra("SELECT no_such_column FROM schema_migrations")

    for _ in range(2):
        with pytest.raises(clickhouse.Unavailable):
            clickhouse_migrations.migrate()


def test_steps_have_names_that_no_other_has():
    names = [step.name for step in clickhouse_migrations.steps()]

    assert names == sorted(set(names))
    assert names


# --- the command ---------------------------------------------------------------------------------
def migrate_by_hand() -> str:
    said = StringIO()
    call_command("migrate_clickhouse", stdout=said)
    return said.getvalue().strip()


def test_the_command_names_what_ran_and_which_step_was_edited_since(extra, monkeypatch):
    extra("CREATE TABLE step_test (id UInt32) ENGINE = MergeTree ORDER BY id")
    *own, ran = clickhouse_migrations.steps()
    edited = [*own, Step(ran.name, ran.sql.replace("UInt32", "UInt64"))]

    assert migrate_by_hand() == f"ClickHouse: {ran.name}"
    assert migrate_by_hand() == "ClickHouse: up to date"
    monkeypatch.setattr(clickhouse_migrations, "steps", lambda: edited)
    with pytest.raises(CommandError, match=f"Step {ran.name} was edited after it ran"):
        migrate_by_hand()


def test_the_command_says_where_to_look_when_nobody_answers(settings):
    url = "http://127.0.0.1:1/svoykrug"
    settings.CLICKHOUSE = {**settings.CLICKHOUSE, "embedded": False, "url": url}

    with pytest.raises(CommandError, match="check CLICKHOUSE_URL"):
        migrate_by_hand()
