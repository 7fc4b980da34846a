"""Figures for Prometheus, and what leaves for Sentry."""

import socket
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk
from celery.signals import task_postrun
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.values import MultiProcessValue
from sentry_sdk.transport import Transport

from apps.core.models import Beat, Delivery, Message
from apps.crm.models import CRMIntegration
from apps.loyalty.tasks import audit
from apps.notifications.models import Attempt
from svoykrug import metrics, reporting
from tests.factories.businesses import BusinessFactory
from tests.factories.notifications import message_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures(client: Client, settings: Any) -> Any:
    settings.METRICS_TOKEN = "t0ken"

    def read() -> dict[tuple[str, ...], float]:
        page = client.get("/metrics", headers={"authorization": "Bearer t0ken"})
        assert page.status_code == 200
        return {
            (one.name, *one.labels.values()): one.value
            for family in text_string_to_metric_families(page.content.decode())
            for one in family.samples
        }

    return read


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer other", "Bearer пароль"])
def test_without_the_token_there_is_nothing_here(client: Client, settings: Any, given: str) -> None:
    for token in ("t0ken", ""):
        settings.METRICS_TOKEN = token
        assert client.get("/metrics", headers={"authorization": given}).status_code == 404


def test_the_oldest_fact_that_waits_gives_the_age(figures: Any) -> None:
    now = timezone.now()
    for minutes, state in ((30, "waiting"), (5, "waiting"), (60, "done"), (90, "dead")):
        message = Message.objects.create(topic="t", payload={})
        Message.objects.filter(pk=message.pk).update(created_at=now - timedelta(minutes=minutes))
        Delivery.objects.create(
            message=message, listener="ears", state=state, done_at=now if state == "done" else None
        )

    read = figures()

    assert 1800 <= read["svoykrug_outbox_age_seconds", "ears"] < 1860
    assert read["svoykrug_outbox_deliveries", "ears", "waiting"] == 2
    assert read["svoykrug_outbox_deliveries", "ears", "dead"] == 1
    assert ("svoykrug_outbox_deliveries", "ears", "done") not in read


def test_queues_lags_and_clocks(figures: Any) -> None:
    hub = CRMIntegration.objects.create(
        business=BusinessFactory(),
        system="iiko",
        state="active",
        last_success_at=timezone.now() - timedelta(hours=1),
        poll_minutes=5,
        lookback_days=7,
    )
    Beat.objects.create(name="heartbeat", at=timezone.now() - timedelta(seconds=40))
    audit()

    read = figures()

    assert 3600 <= read["svoykrug_sync_lag_seconds", str(hub.pk), hub.system] < 3660
    assert 40 <= read["svoykrug_since_seconds", "heartbeat"] < 60
    assert read["svoykrug_since_seconds", "ledger_audit"] < 20
    assert read["svoykrug_queue_length", "critical"] == 0


def test_roubles_spent_on_messages_are_those_of_today(figures: Any, member: Any) -> None:
    message, now = message_to(member), timezone.now()
    for at, cost in ((now, 700), (now, 650), (now - timedelta(days=1), 9000)):
        Attempt.objects.create(
            notification=message, channel="sms", provider="smsru", state="sent", cost=cost, at=at
        )

    assert figures()["svoykrug_messages_spent_roubles", "sms"] == 13.5


def test_counters_of_all_processes_of_a_web_server_add_up(
    figures: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    name = "svoykrug_tasks"
    for process, count in ((4001, 3), (4002, 4)):
        value = MultiProcessValue(lambda pid=process: pid)
        labels = (["task", "state"], ["t", "SUCCESS"])
        value("counter", name, f"{name}_total", *labels, "Tasks ended").inc(count)

    read = figures()

    assert read["svoykrug_tasks_total", "SUCCESS", "t"] == 7
    assert read["svoykrug_queue_length", "critical"] == 0  # and the house is asked once


def test_a_worker_shows_its_figures_on_a_port_of_its_own(monkeypatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("WORKER_METRICS_PORT", str(port))

    metrics._serve()

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        assert b"svoykrug_task_seconds" in page.read()


def test_a_store_that_is_down_takes_only_its_own_figures(figures: Any, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    read = figures()

    assert read["svoykrug_figures_unknown", "queues"] == 1
    assert "svoykrug_queue_length" not in {name for name, *_ in read}


def test_an_audit_with_a_fault_is_not_a_clean_one(monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.loyalty.queries.ledger_faults", lambda: ["lot 1"])
    audit()

    assert not Beat.objects.filter(name="ledger_audit").exists()


def test_tasks_are_counted() -> None:
    def count() -> float:
        labels = {"task": audit.name, "state": "SUCCESS"}
        return metrics.REGISTRY.get_sample_value("svoykrug_tasks_total", labels) or 0.0

    before = count()
    audit.delay()
    task_postrun.send(audit, task_id="of another process", task=audit, state="SUCCESS")

    assert count() == before + 1


def test_no_person_leaves_with_an_error() -> None:
    event = {
        "message": "no such member +79161234567",
        "user": {"id": "1", "ip_address": "10.0.0.1"},
        "timestamp": 1790000000.5,
        "breadcrumbs": {"values": [{"message": "anna@example.ru"}]},
        "request": {
            "url": "https://krug.example/api/v1/users/?q=%2B79161234567",
            "query_string": "q=+79161234567",
            "data": {"phone": "+79161234567"},
            "cookies": {"sessionid": "s"},
            "headers": {"Authorization": "Bearer eyJh.eyJz.c2ln", "User-Agent": "app/1"},
        },
        "exception": {"values": [{"value": "Key (email)=(anna@example.ru) exists"}]},
    }

    scrubbed = reporting.scrub(event)
    left = str(scrubbed)

    for secret in ("9161234567", "anna@example.ru", "eyJh", "10.0.0.1", "sessionid"):
        assert secret not in left
    assert "app/1" in left
    assert "no such member" in left
    assert scrubbed["timestamp"] == 1790000000.5


class Kept(Transport):
    """In place of the way to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.envelopes.append(envelope)


def test_an_error_leaves_without_the_values_it_had_in_hand(monkeypatch: Any) -> None:
    """By the settings of `start`: what Sentry's own client would send."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(sentry_sdk, "init", lambda **options: given.update(options))
    reporting.start("", environment="production", release="1")
    assert not given  # without an address nothing is begun
    reporting.start("http://key@127.0.0.1:1/1", environment="production", release="1")
    sent = Kept()
    client = sentry_sdk.Client(**given, default_integrations=False, transport=sent)

    with sentry_sdk.new_scope() as scope:
        scope.set_client(client)
        try:
            found = {"phone": "+79161234567"}
            raise LookupError(f"nobody has {found['phone']}")
        except LookupError:
            sentry_sdk.capture_exception()

    [left] = [one.get_event() for one in sent.envelopes]
    assert left["exception"]["values"][0]["type"] == "LookupError"
    assert (left["environment"], left["release"]) == ("production", "1")
    assert "9161234567" not in str(left)
    [frame] = left["exception"]["values"][0]["stacktrace"]["frames"]
    assert frame["function"] == "test_an_error_leaves_without_the_values_it_had_in_hand"
    assert "vars" not in frame
    assert "context_line" not in frame  # nor the lines of code around it
