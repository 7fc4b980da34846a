"""Calls from outside: proved, remembered, answered at once; none of them moves money by itself."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.crm import services
from apps.crm.adapters.onec.signature import sign
from apps.crm.enums import EventState
from apps.crm.models import CRMIntegration, ExternalRecord, SyncRun, WebhookEvent
from apps.crm.services import webhooks
from apps.crm.services.connections import webhook_key
from apps.crm.simulator.onec import SIGNING, guid
from apps.transactions.models import Transaction
from tests.crm.world import Month, Stand, assert_equals_truth

pytestmark = pytest.mark.django_db
CALLERS = ["yclients", "iiko", "onec", "amocrm"]


def call(integration: CRMIntegration, body: bytes, headers: dict[str, str], key: str = "") -> int:
    client = Client(raise_request_exception=False)
    given = {name: value for name, value in headers.items() if name != "Content-Type"}
    answer = client.post(
        f"/webhooks/crm/{key or webhook_key(integration)}",
        body,
        content_type=headers.get("Content-Type", "application/json"),
        headers=given,
    )
    return answer.status_code


def mutated(dice: random.Random, body: bytes, headers: dict[str, str]) -> tuple[bytes, Any]:
    """One small change of what was signed or of what proves it."""
    names = [name for name in headers if name != "Content-Type"]
    what = dice.choice(["body", *names])
    if what == "body":
        place = dice.randrange(len(body))
        return body[:place] + bytes([body[place] ^ (1 << dice.randrange(7))]) + body[
            place + 1 :
        ], headers
    value = headers[what]
    place = dice.randrange(len(value))
    other = dice.choice([sign for sign in "0123456789abcdefXYZ" if sign != value[place]])
    return body, headers | {what: value[:place] + other + value[place + 1 :]}


def hundreds_of_mutations(stand: Stand, name: str, count: int) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell(name, guest, "1000.00")
    integration = stand.connect(name)
    system = stand.system(name)
    dice = random.Random(11)
    accepted = []
    for _n in range(count):
        body, headers = system.hook("create", sale)
        changed, given = mutated(dice, body, headers)
        if name == "iiko" and changed != body:
            given = headers | {"Authorization": "Bearer " + "x" * dice.randrange(1, 40)}
        status = call(integration, changed, given)
        if status == 200:
            accepted.append((changed, given))

    assert accepted == []
    assert WebhookEvent.objects.count() == 0
    assert Transaction.objects.count() == 0


@pytest.mark.parametrize("name", ["iiko", "onec"])
def test_mutated_calls_are_refused(stand: Stand, name: str, monkeypatch) -> None:
    monkeypatch.setattr("apps.crm.services.webhooks.PER_SECOND", 100_000)
    hundreds_of_mutations(stand, name, 150)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iiko", "onec"])
def test_ten_thousand_mutated_calls_are_refused(stand: Stand, name: str, monkeypatch) -> None:
    monkeypatch.setattr("apps.crm.services.webhooks.PER_SECOND", 100_000)
    hundreds_of_mutations(stand, name, 5000)


def test_calls_of_one_connection_are_counted(stand: Stand, monkeypatch) -> None:
    """Forged ones too: whoever knows the address alone cannot keep us busy."""
    assert webhooks.PER_SECOND == 50
    monkeypatch.setattr(webhooks, "PER_SECOND", 2)
    one, other = stand.connect("iiko"), stand.connect("onec")

    def knock(integration: CRMIntegration) -> Any:
        path = f"/webhooks/crm/{webhook_key(integration)}"
        return Client().post(path, b"{}", content_type="application/json")

    with time_machine.travel(timezone.now(), tick=False) as clock:
        answers = [knock(one) for _ in range(3)]
        elsewhere = knock(other)
        clock.shift(1)
        later = knock(one)

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"
    assert answers[-1]["Retry-After"] == "1"
    assert (elsewhere.status_code, later.status_code) == (401, 401)


@pytest.mark.parametrize("name", ["yclients", "amocrm"])
def test_unsigned_call_only_wakes_the_poller(stand: Stand, name: str) -> None:
    """Whoever knows the address may lie about sums: the object is read again."""
    [guest] = stand.members(1)
    sale = stand.world.sell(name, guest, "1000")
    integration = stand.connect(name)
    body, headers = stand.system(name).hook("create", sale)

    lie = body.replace(b"=1000&", b"=999000&").replace(b": 1000.0", b": 999000.0")
    assert lie != body
    status = call(integration, lie, headers)

    assert status == 200
    assert_equals_truth(stand, integration)


@pytest.mark.parametrize("name", CALLERS)
def test_replayed_shuffled_and_lost_calls_change_nothing(stand: Stand, name: str) -> None:
    month = Month(stand, name, seed=5)
    integration = stand.connect(name)
    system = stand.system(name)
    calls: list[tuple[bytes, dict[str, str]]] = []
    stand.world.listeners.append(lambda what, sale: calls.append(system.hook(what, sale)))
    month.sell(4)
    for _n in range(5):
        month.happen()
    calls *= 2
    month.dice.shuffle(calls)

    for body, headers in calls[: len(calls) * 2 // 3]:
        assert call(integration, body, headers) == 200
    since = datetime.now(UTC) - timedelta(days=35)
    services.sync_transactions(integration.business_id, since)

    assert_equals_truth(stand, integration)


def test_call_of_a_deleted_object_takes_the_sale_back(stand: Stand) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("amocrm", guest, "5000")
    integration = stand.connect("amocrm")
    body, headers = stand.system("amocrm").hook("create", sale)
    call(integration, body, headers)
    assert Transaction.objects.get().amount_left == 5000
    [run] = SyncRun.objects.all()  # the owner's log and figures know it
    assert (run.trigger, run.state, run.received, run.applied) == ("webhook", "done", 1, 1)
    assert run.calls.exists()

    stand.world.delete(sale)
    body, headers = stand.system("amocrm").hook("delete", sale)
    call(integration, body, headers)

    assert Transaction.objects.get().amount_left == 0
    assert ExternalRecord.objects.get().gone


def test_unknown_key_wrong_shape_and_size(stand: Stand) -> None:
    integration = stand.connect("yclients")
    json = {"Content-Type": "application/json"}
    good = b'{"company_id": 4564, "resource": "record", "resource_id": 1, "status": "create"}'

    assert call(integration, good, json, key="x" * 43) == 404
    assert call(integration, good, {"Content-Type": "text/xml"}) == 415
    assert call(integration, b"{" + b" " * 300_000 + b"}", json) == 413
    assert call(integration, b"not json", json) == 400
    assert call(integration, good.replace(b"4564", b"4565"), json) == 400
    assert call(integration, good.replace(b'"record"', b'"staff"'), json) == 200
    assert WebhookEvent.objects.get().state == EventState.IGNORED


def test_old_signature_is_refused_and_two_secrets_are_taken(stand: Stand) -> None:
    integration = stand.connect("onec")
    services.connect(
        business=integration.business, system="onec", by=None, secret="another-secret-of-the-base"
    )
    body = b'{"ref": "%s"}' % guid("6f0d5a60", 1).encode()

    def signed(secret: str, age: int) -> dict[str, str]:
        stamp = str(int((datetime.now(UTC) - timedelta(seconds=age)).timestamp()))
        event = f"event-{secret[:4]}-{age}"
        mark = sign(secret, timestamp=stamp, event=event, body=body)
        return {
            "Content-Type": "application/json",
            "X-Krug-Timestamp": stamp,
            "X-Krug-Event": event,
            "X-Krug-Signature": mark,
        }

    assert call(integration, body, signed(SIGNING, 10)) == 200
    assert call(integration, body, signed("another-secret-of-the-base", 10)) == 200
    assert call(integration, body, signed(SIGNING, 400)) == 401
    assert call(integration, body, signed("a third secret nobody knows", 10)) == 401
