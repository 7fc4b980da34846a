"""A POST that moves value happens once: key, effect and stored answer commit together."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import sealing, tasks
from apps.core.models import AuditEntry, IdempotencyKey, Message
from apps.loyalty.models import Journal
from apps.transactions.api.views import SaleViewSet
from apps.transactions.models import Transaction
from tests.factories.businesses import staff_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(api, staff):
    return api.as_(staff)


@pytest.fixture
def body(business, member):
    return {"businessId": str(business.pk), "member": {"id": str(member.pk)}, "amount": "1000.00"}


def data_of(answer):
    """The bytes of `data` as they stand on the wire."""
    return answer.content.partition(b'"data":')[2].rpartition(b',"meta":')[0]


def effects():
    """How many of everything a sale writes there are."""
    tables = (Transaction, Journal, Message, IdempotencyKey)
    sold = AuditEntry.objects.filter(action="transactions.record").count()
    return [table.objects.count() for table in tables] + [sold]


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_repeat_gets_the_first_answer_byte_for_byte(till, body):
    first = till.post("/transactions", body, key="k")
    again = till.post("/transactions", body, key="k")

    assert (first.status_code, again.status_code) == (201, 201)
    assert data_of(again) == data_of(first) != b""
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert effects() == [1, 1, 1, 1, 1]


def test_a_repeat_has_a_request_id_of_its_own(till, body):
    first = till.post("/transactions", body, key="k").json()["meta"]["requestId"]
    again = till.post("/transactions", body, key="k").json()["meta"]["requestId"]

    assert first != again


def test_the_order_of_fields_does_not_matter(till, body):
    till.post("/transactions", body, key="k")

    again = till.post("/transactions", dict(reversed(body.items())), key="k")

    assert again["Idempotency-Replayed"] == "true"


def test_the_answer_stays_the_first_one_although_the_world_moved_on(till, body):
    first = till.post("/transactions", body, key="k")
    till.post("/transactions", body, key="other")

    again = till.post("/transactions", body, key="k")

    assert data_of(again) == data_of(first)
    assert again.json()["data"]["member"]["available"] == "50.00"


@pytest.mark.parametrize("change", [{"amount": "1000.01"}, {"receiptNumber": "1"}])
def test_another_body_under_the_same_key_is_a_mismatch(till, body, change):
    till.post("/transactions", body, key="k")

    answer = till.post("/transactions", body | change, key="k")

    assert error(answer) == (422, "IDEMPOTENCY_MISMATCH")
    assert effects() == [1, 1, 1, 1, 1]


def test_a_key_belongs_to_its_caller(api, till, body, business):
    colleague = api.as_(staff_of(business))

    first = till.post("/transactions", body, key="k")
    other = colleague.post("/transactions", body | {"amount": "5.00"}, key="k")

    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["data"]["id"] != other.json()["data"]["id"]
    assert effects() == [2, 2, 2, 2, 2]


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a\tb", "\x7f", "k" * 256])
def test_a_broken_key_is_malformed(till, body, key):
    headers = till.headers | {"Idempotency-Key": key}
    answer = till.client.post(
        "/api/v1/transactions", body, content_type="application/json", headers=headers
    )

    assert error(answer) == (400, "MALFORMED")
    assert list(answer.json()["error"]["details"]) == ["Idempotency-Key"]
    assert effects() == [0, 0, 0, 0, 0]


def test_no_key_is_malformed(till, body):
    answer = till.client.post(
        "/api/v1/transactions", body, content_type="application/json", headers=till.headers
    )

    assert error(answer) == (400, "MALFORMED")


@pytest.mark.parametrize("key", ["k", "!~", "k" * 255, "a/b|c:d;e,f\"'%"])
def test_any_visible_ascii_is_a_key(till, body, key):
    first = till.post("/transactions", body, key=key)
    again = till.post("/transactions", body, key=key)

    assert (first.status_code, data_of(again)) == (201, data_of(first))


def test_two_long_keys_that_begin_alike_are_two_sales(till, body):
    first = till.post("/transactions", body, key="k" * 254 + "a")
    second = till.post("/transactions", body, key="k" * 254 + "b")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["data"]["id"] != second.json()["data"]["id"]
    assert effects() == [2, 2, 2, 2, 2]


def test_a_refusal_stores_nothing_so_a_mended_request_goes_through(till, body):
    refused = till.post("/transactions", body | {"amount": "99999999.00"}, key="k")
    invalid = till.post("/transactions", body | {"amount": "1e5"}, key="k")
    before = effects()

    mended = till.post("/transactions", body, key="k")

    assert [error(refused), error(invalid)] == [(422, "VALIDATION_ERROR")] * 2
    assert before == [0, 0, 0, 0, 0]
    assert (mended.status_code, mended.get("Idempotency-Replayed")) == (201, None)


def test_a_crash_between_effect_and_answer_leaves_nothing(till, body, broken_database):
    with broken_database(RuntimeError("power cut"), on='INSERT INTO "core_idempotencykey"'):
        crashed = till.post("/transactions", body, key="k")
    after_crash = effects()

    again = till.post("/transactions", body, key="k")

    assert error(crashed) == (500, "INTERNAL")
    assert after_crash == [0, 0, 0, 0, 0]
    assert (again.status_code, again.get("Idempotency-Replayed")) == (201, None)
    assert effects() == [1, 1, 1, 1, 1]


def test_a_repeat_of_the_blocked_is_refused_too(till, body, staff, at):
    till.post("/transactions", body, key="k")
    staff.blocked_at = at
    staff.save()

    assert error(till.post("/transactions", body, key="k")) == (403, "BLOCKED")


def test_every_call_that_moves_value_is_marked():
    """The contract's ◆: a view method wrapped by `idempotent` says so."""
    assert SaleViewSet.create.idempotent is True
    assert not hasattr(SaleViewSet.quote, "idempotent")


def test_the_kept_answer_is_sealed(till, body, member):
    till.post("/transactions", body, key="k")

    kept = IdempotencyKey.objects.get().answer

    assert member.first_name not in kept
    assert "data" not in kept
    assert sealing.unseal(kept, context="idempotency.answer:k").startswith(b"{")


def test_a_key_lives_a_day(till, body):
    till.post("/transactions", body, key="old")
    till.post("/transactions", body | {"amount": "2.00"}, key="young")
    now = timezone.now()
    keys = IdempotencyKey.objects
    keys.filter(key="old").update(created_at=now - timedelta(hours=24, seconds=1))
    keys.filter(key="young").update(created_at=now - timedelta(hours=23))

    tasks.forget_old()

    assert [row.key for row in keys.all()] == ["young"]
