"""The simulated providers answer as the documents of the real ones say: what is built against them
holds against those."""

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command

from apps.core.gateways.messages.sendgrid import SendGrid
from apps.core.gateways.messages.smsru import SmsRu
from apps.notifications.management.commands import messages_simulator
from apps.notifications.simulator import callbacks
from apps.notifications.simulator.callbacks import Reporter
from apps.notifications.simulator.sendgrid import public_key
from apps.notifications.simulator.server import Simulator
from tests.serving import serving

KEY = {"api_id": "DEMO-API-ID"}
JSON = "application/json"


def fetch(url, body=None, **headers):
    """(status, what it said) of a GET, or of a POST with a body."""
    asked = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


@pytest.fixture
def ask(simulator):
    """A form to SMS.ru or SMSC.ru; what it said."""

    def posted(path, key=KEY, **form):
        status, said = fetch(simulator.url + path, urlencode(key | form).encode())
        assert status == 200  # both refuse inside of a 200
        return said

    return posted


@pytest.fixture
def send(simulator):
    """An object to Firebase or SendGrid."""

    def posted(path, bearer, **body):
        said = json.dumps(body).encode()
        return fetch(simulator.url + path, said, Authorization=f"Bearer {bearer}")

    return posted


# --- SMS.ru --------------------------------------------------------------------------------------
def code_of(said):
    return said["status"], said["status_code"]


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("/auth/check", KEY, ("OK", 100)),
        ("/auth/check", {"api_id": "guessed"}, ("ERROR", 200)),
        ("/sms/send", {}, ("ERROR", 200)),
        ("/my/nothing", KEY, ("ERROR", 210)),
    ],
)
def test_a_key_opens_what_there_is(ask, path, key, expected):
    assert code_of(ask(path, key=key)) == expected


def test_the_account_says_what_is_left(ask, simulator):
    assert ask("/my/balance")["balance"] == "4122.56"
    assert ask("/my/limit")["total_limit"] == "10"
    assert ask("/my/free")["total_free"] == 5
    by_address = fetch(f"{simulator.url}/my/balance?{urlencode(KEY)}")
    assert by_address[1]["balance"] == "4122.56"


@pytest.mark.parametrize(
    ("number", "text", "taken", "code"),
    [
        ("79161234567", "Код", "79161234567", 100),
        ("8 (916) 123-45-67", "Код", "79161234567", 100),
        ("9161234567", "Код", "79161234567", 100),
        ("916123", "Код", "916123", 202),
        ("79161234567", "", "79161234567", 203),
    ],
)
def test_a_number_is_read_as_people_write_it(ask, simulator, number, text, taken, code):
    said = ask("/sms/send", to=number, msg=text)

    assert said["sms"][taken]["status_code"] == code
    assert simulator.state.counts["smsru"] == (code == 100)


def test_a_hundred_messages_are_the_most_of_one_request(ask, simulator):
    many = {f"to[7916{n:07}]": "Код" for n in range(101)}

    assert code_of(ask("/sms/send", **many)) == ("ERROR", 213)
    assert simulator.state.counts["smsru"] == 0


def test_a_price_is_told_before_anything_is_sent(ask, simulator):
    said = ask("/sms/cost", to="79161234567,79161234568", msg="Код")

    assert (said["total_cost"], said["total_sms"]) == (13.0, 2)
    assert simulator.state.counts["smsru"] == 0


def test_addresses_of_callbacks_come_and_go(ask):
    ours = "https://krug.example/webhooks/messages/smsru"

    assert code_of(ask("/callback/add", url="krug.example")) == ("ERROR", 901)
    assert ask("/callback/add", url=ours)["callback"] == [ours]
    assert ask("/callback/get")["callback"] == [ours]
    assert ask("/callback/del", url=ours)["callback"] == []
    assert code_of(ask("/callback/del", url=ours)) == ("ERROR", 902)


# --- SMSC.ru -------------------------------------------------------------------------------------
def test_smsc_refuses_strangers_and_empty_messages(ask):
    key = {"apikey": "DEMO-API-ID"}

    assert ask("/sys/balance.php", key={"apikey": "guessed"})["error_code"] == 2
    assert ask("/sys/balance.php", key=key)["balance"] == "4122.56"
    assert ask("/sys/send.php", key=key, phones="79161234567")["error_code"] == 1
    assert ask("/sys/send.php", key=key, phones="", mes="Код")["error_code"] == 1
    assert ask("/sys/send.php", key=key, phones="79161234567", mes="Код", cost="2")["cost"] == "3"


# --- Firebase ------------------------------------------------------------------------------------
PUSH = "/v1/projects/svoy-krug-demo/messages:send"


def test_a_token_wants_a_signed_claim(ask, simulator):
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    for form in ({"grant_type": grant, "assertion": "x"}, {"grant_type": "password"}):
        status, said = fetch(f"{simulator.url}/token", urlencode(form).encode())
        assert (status, said["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "message",
    [
        {"data": {"id": "1"}},
        {"token": "t", "topic": "news"},
        {"token": "t", "data": {"count": 1}},
        {"token": "t", "data": {"from": "us"}},
        {"token": "t", "data": {"google.id": "1"}},
    ],
)
def test_a_push_that_firebase_would_not_take(send, simulator, message):
    status, said = send(PUSH, "ya29.sim", message=message)

    assert (status, said["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert simulator.state.counts["fcm"] == 0


def test_a_push_that_is_only_checked_is_not_sent(send, simulator):
    assert send(PUSH, "ya29.old", message={"token": "t"})[0] == 401
    assert send(PUSH, "ya29.sim", message={"token": "t"}, validate_only=True)[0] == 200
    assert simulator.state.counts["fcm"] == 0


# --- SendGrid ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "people", "status"),
    [
        ("ya29", [{"to": [{"email": "a@example.com"}]}], 401),
        ("SG.x", [], 400),
        ("SG.x", [{"to": [{"email": "a@example.com"}]}, {"to": []}], 400),
        ("SG.x", [{"to": [{"email": "a@example.com"}]}], 202),
    ],
)
def test_a_letter_wants_a_key_and_somebody_to_read_it(send, simulator, key, people, status):
    assert send("/v3/mail/send", key, personalizations=people)[0] == status
    assert simulator.state.counts["sendgrid"] == (status == 202)


def test_a_letter_may_be_refused_by_a_switch(send, simulator):
    simulator.state.switches["sendgrid_status"] = 413
    status, said = send("/v3/mail/send", "SG.x", personalizations=[{"to": [{"email": "a@b.c"}]}])

    assert (status, said["errors"][0]["message"]) == (413, "refused")


# --- the switchboard -----------------------------------------------------------------------------
def test_the_switchboard_sets_tells_and_forgets(ask, simulator):
    def control(**asked):
        said = json.dumps(asked).encode() if asked else None
        return fetch(f"{simulator.url}/control", said)[1]

    control(balance="1.00", keep=False, statuses={"202640-1": 103})
    ask("/sms/send", to="79161234567", msg="Код")
    told = control()

    assert ask("/my/balance")["balance"] == "1.00"
    assert ask("/sms/status", sms_id="202640-1")["sms"]["202640-1"]["status_code"] == 103
    assert told["counts"] == {"smsru": 1}
    assert told["taken"]["smsru"] == []  # counted only
    assert told["sendgrid_key"] == public_key()
    control(reset=True)
    assert (control()["counts"], control()["switches"]["balance"]) == ({}, "4122.56")
    assert ask("/sms/status", sms_id="202640-1")["sms"]["202640-1"]["status_code"] == -1


# --- what they tell later ------------------------------------------------------------------------
@pytest.fixture
def site(settings, monkeypatch):
    """Our product, as far as callbacks know it: each is read as the product reads it."""
    settings.SMSRU_API_ID, settings.SENDGRID_WEBHOOK_KEY = "DEMO-API-ID", public_key()
    readers = {"smsru": SmsRu(), "sendgrid": SendGrid()}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reader = readers[self.path.removeprefix("/webhooks/messages/")]
            server.heard += reader.heard(body=body, headers=self.headers)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard = []
    monkeypatch.setattr(callbacks, "DELAY", 0.0)
    with serving(server):
        yield server


def test_deliveries_are_told_in_order_and_signed(site, simulator, ask, send):
    Reporter(simulator.state, f"http://127.0.0.1:{site.server_port}")
    people = [{"to": [{"email": "a@example.com"}], "custom_args": {"attempt": "a1"}}]

    send("/v3/mail/send", "SG.x", personalizations=people)
    send(PUSH, "ya29.sim", message={"token": "t"})
    sms = ask("/sms/send", to="79161234567", msg="Код")["sms"]["79161234567"]["sms_id"]
    until = time.monotonic() + 5
    while len(site.heard) < 3 and time.monotonic() < until:
        time.sleep(0.005)

    assert [(one.state, one.attempt or one.reference) for one in site.heard] == [
        ("delivered", "a1"),
        ("opened", "a1"),
        ("delivered", sms),
    ]


def test_what_nobody_answers_is_lost_and_the_next_is_told(site, simulator, ask):
    reporter = Reporter(simulator.state, "http://127.0.0.1:1")
    told, post = [], reporter._post
    reporter._post = lambda *call: told.append((reporter.site, post(*call)))

    for number, port in enumerate((1, site.server_port)):
        reporter.site = f"http://127.0.0.1:{port}"
        ask("/sms/send", to="79161234567", msg="Код")
        until = time.monotonic() + 5
        while len(told) <= number and time.monotonic() < until:
            time.sleep(0.005)

    assert [one.state for one in site.heard] == ["delivered"]


# --- the command ---------------------------------------------------------------------------------
@pytest.fixture
def command(settings, tmp_path, monkeypatch):
    """Runs it, looks at what it serves, and presses Ctrl-C."""
    settings.BASE_DIR, seen = tmp_path, []

    class Watched(Simulator):
        def serve_forever(self, poll_interval=0.01):
            thread = threading.Thread(target=super().serve_forever, args=(poll_interval,))
            thread.start()
            seen.append(fetch(f"{self.url}/control"))
            self.shutdown()
            thread.join()
            raise KeyboardInterrupt

    monkeypatch.setattr(messages_simulator, "Simulator", Watched)

    def run(*words):
        out = StringIO()
        call_command("messages_simulator", *words, stdout=out)
        assert [status for status, _said in seen] == [200]
        return out.getvalue()

    return run


def test_the_command_serves_and_prints_the_settings_that_lead_to_it(command, tmp_path):
    printed = dict(line.split("=", 1) for line in command().splitlines())

    account = json.loads((tmp_path / ".run" / "fcm-simulator.json").read_text())
    assert printed["SMSRU_URL"] == printed["SENDGRID_URL"] == printed["FCM_URL"]
    assert account["token_uri"] == f"{printed['FCM_URL']}/token"
    assert printed["FCM_SERVICE_ACCOUNT"] == str(tmp_path / ".run" / "fcm-simulator.json")
    assert printed["SENDGRID_WEBHOOK_KEY"] == public_key()
    with pytest.raises(urllib.error.URLError):  # nothing of it is left
        fetch(f"{printed['SMSRU_URL']}/control")


def test_the_command_speaks_to_programs_too(command):
    printed = json.loads(command("--json", "--site", "http://127.0.0.1:1"))

    assert printed["SMS_PROVIDER"] == "apps.core.gateways.messages.smsru.SmsRu"
    assert printed["QUIET_HOURS"] == ""


def test_simulated_providers_are_not_for_production(command, settings):
    settings.ENVIRONMENT = "production"

    with pytest.raises(CommandError, match="not for production"):
        command()
