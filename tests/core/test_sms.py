"""SMS.ru against a server that answers as its documentation says, and as it should not; and which
of the providers gets a message."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from django_redis import get_redis_connection

from apps.core.gateways import sms
from apps.core.gateways.messages import http
from apps.notifications.simulator.server import Simulator
from tests.serving import serving

GOOD = b'{"status":"OK","status_code":100,"sms":{"79161234567":{"status":"OK","status_code":100}}}'
BAD = {
    "one number refused": b'{"status":"OK","sms":{"79161234567":{"status":"ERROR","status_code":202}}}',
    "all refused": b'{"status":"ERROR","status_code":200,"status_text":"wrong api_id"}',
    "no numbers": b'{"status":"OK","sms":{}}',
    "null": b'{"status":"OK","sms":null}',
    "a list": b"[]",
    "a word": b'"OK"',
    "not json": b"<html>502</html>",
    "empty": b"",
}


@pytest.fixture(autouse=True)
def _lines_are_closed():
    yield
    http.client().close()
    http.client.cache_clear()


@pytest.fixture
def provider(settings):
    """`provider.answer` is what it says next; `provider.asked` what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.asked.append((self.path, parse_qs(body)))
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.answer)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer, server.status = [], GOOD, 200
    settings.SMSRU_URL = f"http://127.0.0.1:{server.server_port}"
    settings.SMSRU_API_ID = "test-id"
    with serving(server):
        yield server


def send():
    sms.SmsRu().send(phone="+79161234567", text="Код 123456 для входа.")


def test_a_message_is_handed_over_as_the_provider_wants_it(provider):
    send()

    assert provider.asked == [
        (
            "/sms/send",
            {
                "api_id": ["test-id"],
                "to": ["79161234567"],
                "msg": ["Код 123456 для входа."],
                "json": ["1"],
            },
        )
    ]


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_refusal_inside_of_a_200_is_a_failure(provider, answer):
    provider.answer = answer

    with pytest.raises(sms.SmsFailed) as failed:
        send()
    assert failed.value.code == "UNAVAILABLE"


def test_a_server_that_is_not_there_is_a_failure(settings):
    settings.SMSRU_URL = "http://127.0.0.1:1"

    with pytest.raises(sms.SmsFailed):
        send()


def test_the_console_never_stands_in_for_a_phone_in_production(settings):
    settings.ENVIRONMENT = "production"

    with pytest.raises(sms.SmsFailed):
        sms.ConsoleSms().send(phone="+79161234567", text="Код 123456")


# --- one after another ---------------------------------------------------------------------------
NUMBER, TEXT, SPOKEN = "+79161234567", "Код 493817 для входа.", "Код 4, 9, 3, 8, 1, 7 для входа."
SMSRU, SMSC = "apps.core.gateways.sms.SmsRu", "apps.core.gateways.sms.Smsc"


@pytest.fixture
def two(settings):
    """The simulator of both providers, as a production has them."""
    server = Simulator()
    settings.SMSRU_URL = settings.SMSC_URL = server.url
    settings.SMSRU_API_ID = settings.SMSC_API_KEY = server.state.api_id
    settings.SMS_GATEWAYS, settings.CALL_GATEWAY = [SMSRU, SMSC], SMSC
    with serving(server):
        yield server.state


def deliver(**more):
    sms.deliver(phone=NUMBER, text=TEXT, spoken=SPOKEN, **more)


def taken(state):
    """Who took what, in order of providers: (provider, kind, text)."""
    return [
        (name, one.get("kind", "sms"), one["text"])
        for name in ("smsru", "smsc")
        for one in state.taken[name]
    ]


def test_the_first_provider_has_it_and_nobody_else(two):
    deliver()

    assert taken(two) == [("smsru", "sms", TEXT)]


@pytest.mark.parametrize("trouble", [{"down": ["smsru"]}, {"drop": ["smsru"]}, {"smsru_all": 201}])
def test_the_second_one_takes_over_and_the_first_rests_until_a_minute_is_over(two, trouble):
    two.switches |= trouble
    deliver()
    two.switches |= {"down": [], "drop": [], "smsru_all": 0}
    deliver()

    assert two.requests == {"smsru": 1, "smsc": 2}
    assert taken(two)[-2:] == [("smsc", "sms", TEXT)] * 2

    line = get_redis_connection("default")
    assert 0 < line.ttl(f"sms:rests:{SMSRU}") <= sms.REST
    line.delete(f"sms:rests:{SMSRU}")  # the minute is over
    deliver()
    assert two.requests["smsru"] == 2


def test_a_code_that_nobody_takes_is_read_to_her_digit_by_digit(two):
    two.switches |= {"down": ["smsru"], "smsc": {"sms": 3}}
    deliver()

    assert taken(two) == [("smsc", "call", SPOKEN)]


def test_only_a_code_is_read_to_anybody(two):
    two.switches |= {"down": ["smsru", "smsc"]}
    with pytest.raises(sms.SmsFailed):
        sms.deliver(phone=NUMBER, text="Вас пригласили: https://example.ru/i/1")

    assert two.requests == {"smsru": 1, "smsc": 1}


def test_a_number_that_one_provider_cannot_reach_is_no_reason_to_rest(two):
    two.switches |= {"smsru_numbers": {NUMBER[1:]: 207}}
    deliver()
    sms.deliver(phone="+79161234500", text=TEXT)

    assert taken(two) == [("smsru", "sms", TEXT), ("smsc", "sms", TEXT)]
    assert two.taken["smsru"][0]["phone"] == "79161234500"


def test_who_asks_again_gets_it_another_way(two):
    for turn in range(3):
        deliver(turn=turn)

    assert two.requests == {"smsru": 2, "smsc": 1}


def test_providers_that_all_rest_are_asked_all_the_same(two):
    two.switches |= {"down": ["smsru", "smsc"]}
    with pytest.raises(sms.SmsFailed):
        deliver()
    assert two.requests == {"smsru": 1, "smsc": 2}

    two.switches |= {"down": []}
    deliver()
    assert taken(two) == [("smsru", "sms", TEXT)]


def test_without_redis_nobody_rests_and_messages_go_on(two, monkeypatch):
    monkeypatch.setattr(sms.redis_line, "ask", lambda _question: None)
    two.switches |= {"down": ["smsru"]}
    deliver()
    deliver()

    assert two.requests == {"smsru": 2, "smsc": 2}


@pytest.mark.parametrize("answer", [b"[]", b'"OK"', b"{}", b"<html>", b"", b'{"error_code":[]}'])
def test_what_smsc_should_not_say_is_a_failure(provider, settings, answer):
    settings.SMSC_URL, provider.answer = settings.SMSRU_URL, answer

    with pytest.raises(sms.SmsFailed):
        sms.Smsc().send(phone=NUMBER, text=TEXT)


def test_smsc_is_asked_as_it_wants(provider, settings):
    settings.SMSC_URL, settings.SMSC_API_KEY = settings.SMSRU_URL, "test-key"
    provider.answer = b'{"id":7,"cnt":1}'
    sms.Smsc().call(phone=NUMBER, text=SPOKEN)

    form = {"apikey": "test-key", "phones": NUMBER, "mes": SPOKEN, "fmt": "3", "charset": "utf-8"}
    asked = {name: [value] for name, value in {**form, "call": "1"}.items()}
    assert provider.asked == [("/sys/send.php", asked)]
