"""What holds when the database or the broker does not: a job does its work, a bell stays a bell."""

import pytest
from kombu.exceptions import OperationalError as BrokerDown

from apps.core import bells, tasks
from apps.core.models import Beat, JobRun

pytestmark = pytest.mark.django_db


def test_a_job_does_not_fail_because_its_row_could_not_be_written(logs, broken_database):
    with broken_database(on="core_jobrun"):
        tasks.heartbeat.delay()

    assert Beat.objects.filter(name="heartbeat").exists()
    assert not JobRun.objects.exists()
    assert "jobs.not_noted" in logs.getvalue()


def test_a_bell_that_no_broker_carries_is_told_and_nobody_waits(logs, monkeypatch):
    def refuse(**_):
        raise BrokerDown("connection refused")

    monkeypatch.setattr(tasks.heartbeat, "apply_async", refuse)

    assert bells.ring("apps.core.tasks.heartbeat") is False
    assert "bell.broker_down" in logs.getvalue()
