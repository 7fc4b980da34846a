"""Whoever asks in no language is answered in Russian: also by the libraries' own sentences."""

import re

import pytest

from tests.api import Api

pytestmark = pytest.mark.django_db
LATIN = re.compile(r"[A-Za-z]{3,} [A-Za-z]{2,}")  # two English words


@pytest.mark.parametrize(
    "body",
    [
        {"businessId": 5, "member": [], "amount": "1.00"},
        {"businessId": "x", "member": {"id": "x"}, "amount": "1.00", "items": {}},
        {"businessId": None, "member": None, "amount": None, "receiptNumber": []},
        {"amount": "1.00", "occurredAt": "завтра", "items": [{"quantity": "x", "price": "1.00"}]},
        {"amount": "1.00", "occurredAt": "2026-01-31T10:30:00", "receiptNumber": "\ud800"},
    ],
    ids=range(5),
)
def test_wrong_fields_are_named_in_russian(api: Api, staff, body) -> None:
    if body.get("receiptNumber") == "\ud800":
        body = body | {"receiptNumber": "1" * 500}

    answer = api.as_(staff).post("/transactions", body)

    error = answer.json()["error"]
    said = [error["message"], *(m for messages in error["details"].values() for m in messages)]
    assert answer.status_code == 422
    assert [text for text in said if LATIN.search(text)] == []


def test_a_moment_without_a_zone_is_refused(api: Api, staff, business, member) -> None:
    body = {"businessId": str(business.pk), "member": {"id": str(member.pk)}, "amount": "10.00"}

    naive = api.as_(staff).post("/transactions", body | {"occurredAt": "2026-01-31T10:30:00"})

    assert naive.status_code == 422
    assert list(naive.json()["error"]["details"]) == ["occurredAt"]


@pytest.mark.parametrize("name", ["from", "to"])
def test_the_history_names_its_filters_as_they_were_asked(api: Api, member, name) -> None:
    mine = api.as_(member)

    wrong = mine.get("/loyalty/history", {name: "вчера"})

    assert list(wrong.json()["error"]["details"]) == [name]
    assert mine.get("/loyalty/history", {name: "2026-01-31T10:30:00Z"}).status_code == 200
