"""The HTTP face of all of them, on one port: paths tell them apart.

/sms/…, /my/…, /callback/…   SMS.ru        /token, /v1/projects/…   Firebase
/sys/…                       SMSC.ru       /v3/mail/send            SendGrid
/control                     switches and what arrived
"""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apps.notifications.simulator import fcm, sendgrid, smsc, smsru
from apps.notifications.simulator.state import State

PROVIDERS = {"/v1": "fcm", "/token": "fcm", "/v3": "sendgrid", "/sys": "smsc"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Simulator"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        if path == "/control":
            return self._control(body)
        provider = next((name for start, name in PROVIDERS.items() if path.startswith(start)), "")
        provider, state = provider or "smsru", self.server.state
        state.requests[provider] += 1
        if provider in state.switches["down"]:
            return self._answer(503, {"error": {"code": 503, "status": "UNAVAILABLE"}}, {})
        answer = self._of_provider(provider, path, body)
        if provider in state.switches["drop"]:  # taken, and the line breaks
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._answer(*answer)

    def _of_provider(self, provider: str, path: str, body: bytes) -> Any:
        state, bearer = self.server.state, self.headers.get("Authorization", "")
        if path == "/token":
            return fcm.token(dict(parse_qsl(body.decode())))
        if provider == "fcm":
            return fcm.send(state, path.split("/")[3], json.loads(body), bearer)
        if provider == "sendgrid":
            return sendgrid.send(state, json.loads(body), bearer)
        query = urlsplit(self.path).query
        form = dict(parse_qsl(body.decode() or query, keep_blank_values=True))
        form = dict(parse_qsl(query, keep_blank_values=True)) | form
        if provider == "smsc":
            return 200, smsc.answer(state, path, form), {}
        return 200, smsru.answer(state, path, form), {"Sms-Api": "1"}

    def _control(self, body: bytes) -> None:
        state = self.server.state
        if body:
            asked = json.loads(body)
            if asked.pop("reset", False):
                state.reset()
            state.statuses |= asked.pop("statuses", {})
            state.switches |= asked
        self._answer(200, state.told() | {"sendgrid_key": sendgrid.public_key()}, {})

    def _answer(self, status: int, data: Any, headers: dict[str, str]) -> None:
        raw = b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: Any) -> None:
        """Silent: a request may name a phone."""


class Simulator(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, *, api_id: str = "DEMO-API-ID") -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.state = State(api_id=api_id)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
