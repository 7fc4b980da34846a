"""A connection is looked at before each request, for nothing while it is quiet."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.postgres import base

pytestmark = pytest.mark.django_db


@pytest.fixture
def line():
    other = connection.copy()
    other.connect()
    yield other
    other.close()


def asked(line) -> list[str]:
    """What PostgreSQL last heard from this line."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE pid = %s", [line.connection.info.backend_pid]
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_quiet_line_is_believed_for_some_seconds(line, monkeypatch):
    assert line.is_usable()
    assert asked(line) == ["SELECT 1"]
    with line.cursor() as cursor:
        cursor.execute("SELECT 2")

    assert line.is_usable()
    assert asked(line) == ["SELECT 2"]
    line.errors_occurred = True  # after an error it is asked
    assert line.is_usable()
    assert asked(line) == ["SELECT 1"]

    with line.cursor() as cursor:
        cursor.execute("SELECT 2")
    line.errors_occurred = False
    monkeypatch.setattr(base, "FRESH", 0.0)
    assert line.is_usable()
    assert asked(line) == ["SELECT 1"]


def test_a_line_that_the_server_ended_is_not_usable(line):
    assert line.is_usable()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [line.connection.info.backend_pid])
    until = time.monotonic() + 5
    while line._is_silent() and time.monotonic() < until:
        time.sleep(0.01)

    assert not line.is_usable()


def test_a_line_that_we_closed_is_not_usable(line):
    assert line.is_usable()

    line.close()

    assert not line.is_usable()


def test_a_request_after_the_server_came_back_does_not_fail(line):
    """The way that Django goes between two requests: look, close, open anew."""
    line.health_check_enabled = True
    assert line.is_usable()
    first = line.connection.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])
    until = time.monotonic() + 5
    while line._is_silent() and time.monotonic() < until:
        time.sleep(0.01)

    line.close_if_unusable_or_obsolete()
    with CaptureQueriesContext(line), line.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert line.connection.info.backend_pid != first
