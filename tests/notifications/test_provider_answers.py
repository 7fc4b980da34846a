"""Whatever a provider answers, and whatever becomes of the line: the right thing happens next."""

import base64
import json
import time
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import httpx2 as httpx
import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from apps.core.gateways.messages import Parcel, base, console, fcm, http
from apps.core.gateways.messages.fcm import Fcm
from apps.core.gateways.messages.sendgrid import SIGNATURE, TIMESTAMP, SendGrid
from apps.core.gateways.messages.smsru import SmsRu
from apps.notifications.models import Notification, Provider
from apps.notifications.simulator.environment import service_account
from apps.notifications.simulator.sendgrid import KEY, public_key
from tests.factories.notifications import device_of
from tests.logs import captured
from tests.notifications.conftest import deliver_all, write
from tests.serving import serving

PHONE = "+79161234567"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def provider(settings):
    """A server that says one thing: `says` is (status, headers, body); `asked` is what it heard."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.asked.append((self.path, body))
            status, headers, said = server.says
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.says = [], (200, {}, b"{}")
    settings.SMSRU_URL = settings.SENDGRID_URL = f"http://127.0.0.1:{server.server_port}"
    settings.SMSRU_API_ID, settings.SENDGRID_API_KEY = "id", "SG.test"
    with serving(server):
        yield server
    http.client.cache_clear()


def parcel(address, **more):
    return Parcel(id="1", attempt="a1", addresses=(address,), kind="gift_received", **more)


def sms():
    [verdict] = SmsRu().send([parcel(PHONE, text="Подарок 300")])
    return verdict.outcome.value, verdict.code


def mail():
    words = {"title": "Тема", "body": "Текст", "html": "<p>Текст</p>"}
    [verdict] = SendGrid().send([parcel("anna@example.com", **words)])
    return verdict.outcome.value, verdict.code, verdict.retry_after


# --- SMS.ru --------------------------------------------------------------------------------------
def row_of(**row):
    return json.dumps({"status": "OK", "sms": {PHONE[1:]: row}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"<html>maintenance</html>", ("unknown", "RemoteProtocolError")),
        (200, b"[]", ("unknown", "RemoteProtocolError")),
        (200, b'{"status":"OK","sms":{}}', ("unknown", "missing")),
        (200, b'{"status":"OK","sms":["79161234567"]}', ("unknown", "missing")),
        (200, row_of(status="OK", status_code=199), ("accepted", "199")),
        (200, row_of(status="ERROR", status_code=199), ("refused", "199")),
        (200, row_of(status="ERROR", status_code=None), ("refused", "0")),
        (502, b"<html>bad gateway</html>", ("later", "500")),
    ],
)
def test_an_sms_is_perhaps_gone_unless_they_say_what_became_of_it(provider, status, body, expected):
    provider.says = (status, {}, body)

    assert sms() == expected


def test_an_sms_leaves_under_our_name(provider, settings):
    settings.SMSRU_FROM = "SvoyKrug"

    sms()

    form = parse_qs(provider.asked[0][1])
    assert (form["from"], form[f"to[{PHONE[1:]}]"]) == (["SvoyKrug"], ["Подарок 300"])


def test_without_a_line_nothing_has_left(settings):
    settings.SMSRU_URL = settings.SENDGRID_URL = NOWHERE

    assert sms() == ("later", "ConnectError")
    assert mail() == ("later", "ConnectError", None)
    assert SmsRu().ask(["202640-1"]) == []
    assert SmsRu().balance() is None


@pytest.mark.parametrize(
    ("cost", "known"), [("6.5", Decimal("6.50")), (None, None), ("dear", None), ("Infinity", None)]
)
def test_what_became_of_an_sms_and_its_price(provider, cost, known):
    rows = {
        "202640-1": {"status_code": 103, "cost": cost},
        "202640-2": {"status_code": 102, "cost": "6.50"},  # on its way: no news
        "202640-3": "not found",
    }
    provider.says = (200, {}, json.dumps({"sms": rows}).encode())

    [news] = SmsRu().ask(["202640-1", "202640-2", "202640-3"])

    assert (news.reference, news.state, news.cost) == ("202640-1", "delivered", known)


@pytest.mark.parametrize(
    ("answer", "left", "alarm"),
    [
        ({"status": "OK", "balance": "12.5"}, Decimal("12.50"), False),
        ({"status": "OK", "balance": "—"}, None, False),
        ({"status": "ERROR", "status_code": 200}, None, True),
    ],
)
def test_a_key_that_is_refused_is_an_alarm_before_the_next_sms(provider, answer, left, alarm):
    provider.says = (200, {}, json.dumps(answer).encode())

    with captured() as logs:
        assert SmsRu().balance() == left

    assert ("messages.stopped" in logs.getvalue()) == alarm


# --- SendGrid ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (202, {}, ("accepted", "202", None)),
        (401, {}, ("stop", "401", None)),
        (403, {}, ("stop", "403", None)),
        (400, {}, ("refused", "400", None)),
        (413, {}, ("refused", "413", None)),
        (429, {"Retry-After": "30"}, ("later", "429", 30)),
        (503, {"Retry-After": "Sun, 22 Nov 2026 19:00:00 GMT"}, ("later", "503", None)),
        (503, {"Retry-After": "86400"}, ("later", "503", 3600)),
    ],
)
def test_a_letter_waits_stops_or_ends_as_its_answer_says(provider, status, headers, expected):
    provider.says = (status, headers, b"")

    assert mail() == expected
    assert "headers" not in json.loads(provider.asked[0][1])  # a letter of service has none


def signed(body, *, at=None):
    """Headers of a true signature over any bytes."""
    stamp = str(int(at or time.time()))
    signature = KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: stamp}


@pytest.mark.parametrize("body", [b"{", b'{"event":"open"}', b'"open"'])
def test_a_signed_body_that_is_no_list_is_refused(settings, body):
    settings.SENDGRID_WEBHOOK_KEY = public_key()

    with pytest.raises(base.Forged):
        SendGrid().heard(body=body, headers=signed(body))


def test_an_event_without_their_id_is_known_by_ours(settings):
    settings.SENDGRID_WEBHOOK_KEY = public_key()
    body = json.dumps([{"event": "delivered", "attempt": "a1"}, "noise"]).encode()

    [news] = SendGrid().heard(body=body, headers=signed(body))

    assert (news.key, news.attempt, news.state) == ("delivered:a1", "a1", "delivered")


def test_a_key_of_another_kind_signs_nothing(settings):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    settings.SENDGRID_WEBHOOK_KEY = base64.b64encode(der).decode()

    with pytest.raises(base.Forged):
        SendGrid().heard(body=b"[]", headers=signed(b"[]"))


# --- Firebase ------------------------------------------------------------------------------------
def error(word, **more):
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": word}
    return {"error": {"status": "S", "message": "m", "details": [detail]} | more}


@pytest.mark.parametrize(
    ("status", "said", "headers", "expected"),
    [
        (403, error("SENDER_ID_MISMATCH"), {}, ("no_address", None)),
        (401, error("THIRD_PARTY_AUTH_ERROR"), {}, ("refused", None)),
        (401, {"error": {"status": "UNAUTHENTICATED"}}, {}, ("stop", None)),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, {}, ("stop", None)),
        (429, error("QUOTA_EXCEEDED"), {}, ("later", 60)),
        (429, error("QUOTA_EXCEEDED"), {"Retry-After": "90"}, ("later", 90)),
        (503, error("UNAVAILABLE"), {"Retry-After": "15"}, ("later", 15)),
        (500, ["no object"], {}, ("later", None)),
        (502, "<html>", {}, ("later", None)),
        (404, {"error": {"status": "NOT_FOUND"}}, {}, ("refused", None)),
        (400, {"error": None}, {}, ("refused", None)),
    ],
)
def test_a_push_is_judged_by_their_word_and_then_by_the_status(status, said, headers, expected):
    verdict = fcm.judged(httpx.Response(status, json=said, headers=headers))

    assert (verdict.outcome.value, verdict.retry_after) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["QUOTA_EXCEEDED", "UNAVAILABLE", "INTERNAL"])
def test_a_push_that_is_busy_rests_for_as_long_as_it_asks(world, member, word):
    device_of(member, token="token-busy")
    world.switches |= {"fcm_tokens": {"token-busy": word}, "fcm_retry_after": "120"}

    write("bonus_added", member, amount="1.00")
    deliver_all()

    rests = Provider.objects.get(name="fcm").rests_until - timezone.now()
    assert timedelta(seconds=110) < rests <= timedelta(seconds=120)
    assert Notification.objects.get().state == "waiting"


@pytest.mark.django_db
def test_a_push_whose_answer_was_lost_goes_again(world, member):
    """The phone knows its id: a second copy takes the place of the first."""
    device_of(member)
    write("bonus_added", member, amount="1.00", source="first")
    deliver_all()
    world.switches["drop"] = ["fcm"]
    write("bonus_added", member, amount="2.00", source="second")
    deliver_all()
    world.switches["drop"] = []
    lost = Notification.objects.get(source="second")

    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        deliver_all()

    assert lost.state == "waiting"
    assert [one["data"]["id"] for one in world.taken["fcm"]][1:] == [str(lost.pk)] * 2
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}


def push(gateway):
    [verdict] = gateway.send([parcel("token")])
    return verdict.outcome.value, verdict.code


def test_a_key_that_google_refuses_stops_pushes(world, provider, settings):
    good, gateway = settings.FCM_TOKEN_URL, Fcm()
    provider.says = (400, {}, b'{"error":"invalid_grant"}')
    settings.FCM_TOKEN_URL = f"http://127.0.0.1:{provider.server_port}/token"
    before = push(gateway)
    settings.FCM_TOKEN_URL = good
    works = push(gateway)
    settings.FCM_TOKEN_URL = f"http://127.0.0.1:{provider.server_port}/token"
    world.switches["fcm_expired"] = 1

    assert (before, works, push(gateway)) == (("stop", "400"), ("accepted", ""), ("stop", "400"))
    assert world.counts["fcm"] == 1


def test_without_a_key_file_pushes_stop(settings, tmp_path):
    settings.FCM_SERVICE_ACCOUNT = str(tmp_path / "account.json")

    assert push(Fcm()) == ("stop", "no service account")


@pytest.mark.parametrize("damage", [{"private_key": "-----BEGIN"}, {"client_email": None}, {}])
def test_with_a_wrong_key_file_pushes_stop(settings, tmp_path, damage):
    account = service_account(NOWHERE) | damage if damage else {"type": "service_account"}
    whole = {name: said for name, said in account.items() if said is not None}
    (tmp_path / "account.json").write_text(json.dumps(whole))
    settings.FCM_SERVICE_ACCOUNT = str(tmp_path / "account.json")

    assert push(Fcm()) == ("stop", "wrong service account")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"token_type":"Bearer"}'])
def test_a_token_server_that_says_something_else_is_asked_later(world, provider, settings, body):
    provider.says = (200, {}, body)
    settings.FCM_TOKEN_URL = f"http://127.0.0.1:{provider.server_port}/token"

    assert push(Fcm()) == ("later", "ConnectError")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_a_push_that_was_taken_without_a_number_is_sent(world, provider, settings, body):
    provider.says = (200, {}, body)
    settings.FCM_URL = f"http://127.0.0.1:{provider.server_port}"

    assert push(Fcm()) == ("accepted", "")


def test_nobody_calls_back_for_firebase():
    assert Fcm().ask(["projects/x/messages/1"]) == []
    with pytest.raises(base.Forged):
        Fcm().heard(body=b"{}", headers={})


# --- no provider at all --------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [console.ConsoleSms, console.ConsoleMail, console.ConsolePush])
def test_the_console_never_stands_in_for_a_provider_in_production(settings, kind):
    here = kind().send([parcel(PHONE, text="Подарок")])
    settings.ENVIRONMENT = "production"
    there = kind().send([parcel(PHONE, text="Подарок")])

    assert [one.outcome.value for one in here + there] == ["accepted", "stop"]
    assert (kind().ask(["1"]), kind().balance()) == ([], None)
