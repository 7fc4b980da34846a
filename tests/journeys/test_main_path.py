"""The one path everything hangs on: code → sale → bonus in the app → figure on the owner's page."""

import json
import re

import pytest

from apps.analytics import loader


def sent_code(settings) -> str:
    with open(settings.DEV_SMS_FILE) as outbox:
        last = json.loads(outbox.readlines()[-1])
    return re.search(r"\d{6}", last["text"]).group()


@pytest.mark.django_db
def test_from_a_code_to_the_owners_figure(api, business, staff, owner, facts, settings):
    # she signs in by a code
    asked = api.post("/auth/send-code", {"phone": "8 (916) 123-45-67"})
    assert asked.status_code == 200, asked.content
    code_id = asked.json()["data"]["codeId"]
    done = api.post("/auth/verify-code", {"codeId": code_id, "code": sent_code(settings)})
    assert done.status_code == 200, done.content
    signed_in = done.json()["data"]
    assert (signed_in["isNew"], signed_in["user"]["phone"]) == (True, "+79161234567")
    bearer = {"Authorization": f"Bearer {signed_in['accessToken']}"}

    # staff record her purchase
    body = {
        "businessId": str(business.pk),
        "member": {"phone": "+79161234567"},
        "amount": "2500.00",
    }
    sold = api.as_(staff).post("/transactions", body)
    assert sold.status_code == 201, sold.content
    assert sold.json()["data"]["bonusAccrued"] == "125.00"

    # the bonus is in her wallet
    balance = api.get("/loyalty/balance", **bearer).json()["data"]
    assert balance["available"] == "125.00"
    history = api.get("/loyalty/history", **bearer).json()["data"]
    assert [(line["type"], line["amount"]) for line in history] == [("earn", "125.00")]
    mine = api.get("/transactions", **bearer).json()["data"]
    assert [line["id"] for line in mine] == [sold.json()["data"]["id"]]

    # the fact is in ClickHouse, the owner sees it and a stranger does not
    assert loader.load_waiting() == 1
    listed = api.as_(owner).get("/transactions", {"businessId": str(business.pk)}).json()["data"]
    assert [line["amount"] for line in listed] == ["2500.00"]
