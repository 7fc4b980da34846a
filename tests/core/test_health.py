"""Ready means: everything this installation needs answers."""

from datetime import timedelta
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import InterfaceError
from django.utils import timezone

from apps.core import clickhouse, tasks
from apps.core.models import Beat
from svoykrug.wsgi import application

UP = {"postgres": "ok", "redis": "ok", "clickhouse": "ok", "workerAndBeat": "ok"}


@pytest.fixture
def ready(_clickhouse_ready, db, browser_client):
    """Asks the address; every test begins with a fresh heartbeat."""
    tasks.heartbeat()

    def ask():
        answer = browser_client.get("/health/ready")
        body = answer.json()
        down = {name for name, state in body["checks"].items() if state != "ok"}
        assert body["status"] == ("down" if down else "ok")
        assert set(body["checks"]) == set(UP)
        return answer.status_code, down

    return ask


def test_live_needs_nothing(browser_client):
    answer = browser_client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_entrance_that_gunicorn_opens_answers():
    environ, began = {"HTTP_HOST": "testserver", "PATH_INFO": "/health/live"}, []
    setup_testing_defaults(environ)

    answer = application(environ, lambda status, headers: began.append(status))

    assert (began, b"".join(answer)) == (["200 OK"], b'{"status": "ok"}')


def test_ready_when_all_of_it_is_up(ready):
    assert ready() == (200, set())


@pytest.mark.parametrize(("age", "expected"), [(25, (200, set())), (31, (503, {"workerAndBeat"}))])
def test_a_heartbeat_is_fresh_for_half_a_minute(ready, age, expected):
    Beat.objects.update(at=timezone.now() - timedelta(seconds=age))

    assert ready() == expected


def test_no_heartbeat_at_all_is_down(ready):
    Beat.objects.all().delete()

    assert ready() == (503, {"workerAndBeat"})


def test_a_closed_redis_is_named(ready, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}

    assert ready() == (503, {"redis"})


def test_a_clickhouse_without_its_folder_is_named(ready, settings, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    settings.CLICKHOUSE = {
        **settings.CLICKHOUSE,
        "embedded": True,
        "path": str(tmp_path / "file" / "data"),
    }

    assert ready() == (503, {"clickhouse"})


def test_a_clickhouse_server_that_does_not_answer_is_named(ready, settings):
    settings.CLICKHOUSE = {
        **settings.CLICKHOUSE,
        "embedded": False,
        "url": "http://127.0.0.1:1/svoykrug",
    }

    assert ready() == (503, {"clickhouse"})
    with pytest.raises(clickhouse.Unavailable):
        clickhouse.ping()


@pytest.mark.parametrize("failure", [None, InterfaceError("connection already closed")])
def test_a_gone_postgres_is_named_and_nothing_crashes(ready, broken_database, failure):
    with broken_database(failure):
        assert ready() == (503, {"postgres", "workerAndBeat"})


def test_the_report_tells_no_addresses_and_no_secrets(ready, settings, browser_client):
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://:s3cret@127.0.0.1:1"}
    }

    answer = browser_client.get("/health/ready")

    assert answer.json()["checks"]["redis"] == "no answer"
    assert b"s3cret" not in answer.content
