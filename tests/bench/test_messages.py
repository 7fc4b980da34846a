"""A broadcast of 100,000 over HTTP while one-time codes leave: `make bench`.

Two real workers, as the launcher starts them, a real broker, the simulated SMS.ru. PEOPLE in the
environment makes it smaller.
"""

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Consent, ConsentText, StatusTier, User
from apps.core.gateways import sms
from apps.notifications import services
from apps.notifications.models import Attempt, Broadcast, Notification, Provider
from apps.notifications.services import Text
from apps.notifications.simulator.server import Simulator
from svoykrug.celery import app
from svoykrug.dev.supervisor import COMMANDS
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
PEOPLE = int(os.environ.get("PEOPLE", "100000"))
CODE_PHONE = "+79990000001"
WITHIN = 2.0  # seconds from asking for a code to the provider having it


def make_people() -> None:
    """Members with sealed phones and a consent to SMS each, in bulk."""
    tier = StatusTier.objects.get(code="insider")
    text = ConsentText.objects.filter(purpose="marketing_sms").latest("version")
    now = timezone.now()
    for start in range(0, PEOPLE, 5_000):
        people = []
        for number in range(start, min(start + 5_000, PEOPLE)):
            one = User(first_name="Имя", tier=tier)
            one.set_phone(f"+7916{number:07d}")
            one.set_unusable_password()
            people.append(one)
        User.objects.bulk_create(people)
        Consent.objects.bulk_create(
            Consent(
                member=one, purpose="marketing_sms", given=True, version=text.version,
                text_sha256=text.sha256, at=now, proof="session:1", language="ru",
            )
            for one in people
        )  # fmt: skip


def start_workers(url: str, logs: Path) -> list[subprocess.Popen[bytes]]:
    parts = connection.settings_dict
    database = (
        f"postgres://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}"
        f"/{parts['NAME']}"
    )
    gateways = "apps.core.gateways"
    environment = dict(os.environ) | {
        "ENVIRONMENT": "development",
        "DATABASE_URL": database,
        "SMS_GATEWAY": f"{gateways}.sms.SmsRu",
        "SMS_PROVIDER": f"{gateways}.messages.smsru.SmsRu",
        "SMSRU_URL": url,
        "SMSRU_API_ID": "DEMO-API-ID",
        "QUIET_HOURS": "",
        "LOG_LEVEL": "WARNING",
    }
    started = []
    for name in ("worker", "express"):
        with (logs / f"{name}.log").open("wb") as log:
            command = [sys.executable, *COMMANDS[name]]
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    return started


def wait_for_code(simulator: Simulator, text: str) -> float:
    """Seconds until the provider has this code."""
    began = time.monotonic()
    sms.post(phone=CODE_PHONE, text=text, life=300)
    while time.monotonic() - began < 60:
        if any(one["text"] == text for one in list(simulator.state.taken["smsru"])):
            return time.monotonic() - began
        time.sleep(0.02)
    return 60.0


class Counting(Simulator):
    """Remembers codes only: a hundred thousand messages would be a lot of memory."""

    def __init__(self) -> None:
        super().__init__()
        take = self.state.take

        def remember(provider, message):
            self.state.switches["keep"] = message["phone"] == CODE_PHONE[1:]
            take(provider, message)

        self.state.take = remember


def test_codes_pass_a_broadcast(tmp_path, settings, capsys, monkeypatch):
    settings.CELERY_TASK_ALWAYS_EAGER = False
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    admin, second = UserFactory(job="admin"), UserFactory(job="admin")
    make_people()
    simulator = Counting()
    threading.Thread(target=simulator.serve_forever, daemon=True).start()
    Provider.objects.create(name="smsru", channel="sms", per_second=5_000, price=700)
    workers = start_workers(simulator.url, tmp_path)
    try:
        warm = wait_for_code(simulator, "warm up")
        began = time.monotonic()
        broadcast = services.ask_broadcast(
            name="100 000", text=Text("Осень", "Двойные бонусы"), channels=["sms"], segment={},
            purpose="advertising", by=admin, at=timezone.now(),
        )  # fmt: skip
        services.approve_broadcast(broadcast_id=broadcast.pk, by=second, at=timezone.now())
        waits, beat = [], time.monotonic()
        while simulator.state.counts["smsru"] - len(waits) - 1 < PEOPLE:
            assert time.monotonic() - began < 1_500, (tmp_path / "worker.log").read_text()[-2000:]
            waits.append(wait_for_code(simulator, f"Code {len(waits):06d}"))
            if time.monotonic() - beat > 5:  # what Beat does every five seconds
                app.send_task("apps.notifications.tasks.deliver_due", queue="high")
                beat = time.monotonic()
            time.sleep(0.5)
        took = time.monotonic() - began
        time.sleep(3)
    finally:
        for one in workers:
            one.terminate()
        for one in workers:
            one.wait(30)
        simulator.shutdown()

    states = dict(Broadcast.objects.values_list("pk", "state"))
    sent = Notification.objects.filter(state="sent").count()
    with capsys.disabled():
        waits.sort()
        print(
            f"\nbroadcast: {sent} in {took:.0f} s, {sent / took:.0f} a second, "
            f"{simulator.state.requests['smsru']} requests; codes: {len(waits)}, "
            f"median {waits[len(waits) // 2]:.2f} s, worst {waits[-1]:.2f} s (first {warm:.1f} s)"
        )
    assert states[broadcast.pk] == "done"
    assert sent == PEOPLE
    assert Attempt.objects.filter(state="sent", consent_id__isnull=False).count() == PEOPLE
    assert waits[-1] < WITHIN
    assert took < timedelta(minutes=25).total_seconds()
