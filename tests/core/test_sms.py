"""SMS.ru against a server that answers as its documentation says, and as it should not."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from apps.core.gateways import sms

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
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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


def test_the_gateway_is_the_one_that_the_settings_name(settings):
    settings.SMS_GATEWAY = "apps.core.gateways.sms.SmsRu"

    assert isinstance(sms.gateway(), sms.SmsRu)


def test_the_console_never_stands_in_for_a_phone_in_production(settings):
    settings.ENVIRONMENT = "production"

    with pytest.raises(sms.SmsFailed):
        sms.ConsoleSms().send(phone="+79161234567", text="Код 123456")
