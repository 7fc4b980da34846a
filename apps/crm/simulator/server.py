"""HTTP on loopback for all five systems; each has an address prefix of its own."""

import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from apps.crm.simulator.faults import Faults
from apps.crm.simulator.world import World

LOOPBACK = "127.0.0.1"
HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"
MOST_SILENCE = 30.0


@dataclass
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    raw_query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def args(self) -> dict[str, str]:
        return dict(self.query)

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {}

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, default=str).encode()


class Simulated:
    """One system. `answer` knows its contract; `refusal` is its own envelope of a failure."""

    name: ClassVar[str]
    kind: ClassVar[str] = ""
    limits: ClassVar[tuple[tuple[int, float], ...]] = ()

    def __init__(self, world: World, zone: str = "Europe/Moscow") -> None:
        self.world, self.zone = world, zone
        self.faults = Faults()
        self.recent: deque[float] = deque(maxlen=1000)
        self.asked: list[str] = []  # every request, for tests

    def __init_subclass__(cls) -> None:
        # A second installation of a system has a name of its own and the same kind.
        cls.kind = cls.kind or cls.name

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def refusal(self, status: int, message: str) -> Reply:
        return Reply({"message": message}, status)

    def throttled_inside(self) -> Reply:
        return self.refusal(200, "Превышен лимит запросов")

    def credentials(self) -> dict[str, Any]:
        """What `--json` prints besides the address."""
        raise NotImplementedError

    def is_over_limit(self) -> bool:
        now = time.monotonic()
        over = any(
            sum(1 for moment in self.recent if now - moment < seconds) >= count
            for count, seconds in self.limits
        )
        if not over:
            self.recent.append(now)
        return over


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go in two writes: 40 ms apart otherwise
    systems: ClassVar[dict[str, Simulated]]

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        prefix, _slash, rest = parts.path.lstrip("/").partition("/")
        system = self.systems.get(prefix)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if system is None:
            return self._send(Reply({"systems": sorted(self.systems)}, 404))
        request = Request(
            self.command,
            unquote("/" + rest),
            parse_qsl(parts.query, keep_blank_values=True),
            parts.query,
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        system.asked.append(f"{request.method} {request.path}")
        fault = system.faults.next()
        if not fault and "limits" in system.faults.habits and system.is_over_limit():
            fault = "throttle"
        if fault in TRICKS:
            return TRICKS[fault](self, system, request)
        with system.world.lock:
            reply = system.answer(request)
        return self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, reply: Reply) -> None:
        body = reply.encoded()
        self.send_response(reply.status)
        if body or reply.status not in (204, 304):
            self.send_header("Content-Type", reply.type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


# --- tricks --------------------------------------------------------------------------------------
def _plain(status: int, message: str) -> Callable[..., None]:
    return lambda handler, system, request: handler._send(system.refusal(status, message))


def _html(status: int) -> Callable[..., None]:
    return lambda handler, system, request: handler._send(Reply(HTML, status, "text/html"))


def _inside(handler: Handler, system: Simulated, request: Request) -> None:
    handler._send(system.throttled_inside())


def _broken(handler: Handler, system: Simulated, request: Request) -> None:
    with system.world.lock:
        reply = system.answer(request)
    whole = reply.encoded() or b"{}"
    handler._send(Reply(whole[: max(1, len(whole) // 2)], reply.status))


def _slow(handler: Handler, system: Simulated, request: Request) -> None:
    with system.world.lock:
        body = system.answer(request).encoded()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body) + 1000))
    handler.end_headers()
    ends = time.monotonic() + MOST_SILENCE
    try:
        for sign in body + b" " * 1000:
            if time.monotonic() > ends:
                break
            handler.wfile.write(bytes([sign]))
            handler.wfile.flush()
            time.sleep(0.2)
    except OSError:  # the caller had enough
        pass
    handler.close_connection = True


def _hang(handler: Handler, system: Simulated, request: Request) -> None:
    time.sleep(1)
    handler.close_connection = True


def _drop(handler: Handler, system: Simulated, request: Request) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'{"success": true, "data": [')
    handler.close_connection = True


def _huge(handler: Handler, system: Simulated, request: Request) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    try:
        for _part in range(200):
            handler.wfile.write(b" " * 65536)
    except OSError:  # the caller had enough
        pass
    handler.close_connection = True


def _packed(handler: Handler, system: Simulated, request: Request) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    handler._send(Reply(bomb, headers={"Content-Encoding": "gzip"}))


def _redirect(handler: Handler, system: Simulated, request: Request) -> None:
    handler._send(Reply(b"", 302, headers={"Location": "http://127.0.0.1:1/inside"}))


TRICKS: dict[str, Callable[..., None]] = {
    "throttle": _plain(429, "Превышен лимит запросов"),
    "throttle_html": _html(429),
    "throttle_inside": _inside,
    "broken_json": _broken,
    "error_500": _plain(500, "Внутренняя ошибка"),
    "html_503": _html(503),
    "slow": _slow,
    "hang": _hang,
    "drop": _drop,
    "huge": _huge,
    "packed": _packed,
    "redirect": _redirect,
    "unauthorized": _plain(401, "Необходима авторизация"),
    "unpaid": _plain(402, "Необходимо продлить лицензию"),
    "forbidden": _plain(403, "Недостаточно прав"),
}


class Server:
    """All systems on one port of loopback, in threads of their own."""

    def __init__(self, systems: Mapping[str, Simulated], port: int = 0) -> None:
        handler = type("Bound", (Handler,), {"systems": dict(systems)})
        self.http = ThreadingHTTPServer((LOOPBACK, port), handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.systems = dict(systems)
        # It looks so often whether it shall stop; the default is twice a second.
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> "Server":
        self.thread.start()
        return self

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.port}/{name}"

    def describe(self) -> dict[str, Any]:
        return {
            name: {"baseUrl": self.url(name), "zone": one.zone, **one.credentials()}
            for name, one in self.systems.items()
        }
