"""Public clients of the providers against our simulator: what it answers is what they expect.

`make check` installs them beside the project (requirements/clients.in) and runs these.
"""

import json

import pytest

from apps.notifications.management.commands.messages_simulator import service_account

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def smsru(simulator):
    client = pytest.importorskip("smsru_api").Client("DEMO-API-ID")
    client._base_url = simulator.url
    return client


def test_smsru_api_sends_asks_and_reads_the_balance(smsru, simulator):
    simulator.state.switches["smsru_numbers"] = {"79161230002": 209}

    sent = smsru.send("9161230001", "9161230002", message="Здравствуйте")

    rows = sent["sms"]
    assert (rows["79161230001"]["status"], rows["79161230002"]["status_code"]) == ("OK", 209)
    sms_id = rows["79161230001"]["sms_id"]
    assert smsru.status(sms_id)["sms"][sms_id]["status_code"] == 102
    assert smsru.balance()["balance"] == "4122.56"
    assert smsru.limit()["total_limit"] == "10"
    assert smsru.senders()["senders"] == ["SvoyKrug"]


def test_smsru_api_sends_different_texts(smsru, simulator):
    smsru.send(multi={"9161230001": "Один", "9161230002": "Два"})

    assert {one["text"] for one in simulator.state.taken["smsru"]} == {"Один", "Два"}


@pytest.fixture
def messaging(simulator, tmp_path, monkeypatch):
    admin = pytest.importorskip("firebase_admin")
    messaging = pytest.importorskip("firebase_admin.messaging")
    path = tmp_path / "account.json"
    path.write_text(json.dumps(service_account(simulator.url)))
    url = simulator.url + "/v1/projects/{0}/messages:send"
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", url)
    app = admin.initialize_app(admin.credentials.Certificate(str(path)))
    yield messaging
    admin.delete_app(app)


def test_firebase_admin_sends_and_knows_our_errors(messaging, simulator):
    simulator.state.switches["fcm_tokens"] = {
        "gone": "UNREGISTERED",
        "foreign": "SENDER_ID_MISMATCH",
    }
    data = {"id": "1", "kind": "gift_received"}

    name = messaging.send(messaging.Message(token="good", data=data))

    assert name.startswith("projects/svoy-krug-demo/messages/0:")
    assert simulator.state.taken["fcm"][0]["data"] == data
    with pytest.raises(messaging.UnregisteredError):
        messaging.send(messaging.Message(token="gone", data=data))
    with pytest.raises(messaging.SenderIdMismatchError):
        messaging.send(messaging.Message(token="foreign", data=data))
