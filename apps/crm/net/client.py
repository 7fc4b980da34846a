"""One client for all systems: time-outs, size, retries, limits, journal.

What a system answers is judged by its adapter (`Policy.judge`): an HTTP 200 with a refusal inside
is a failure here, so a failed page can never be taken for an empty one.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import orjson
import structlog
from django.conf import settings

from apps.core.masking import mask_text
from apps.crm import rules
from apps.crm.enums import Trouble
from apps.crm.net.failure import Failed
from apps.crm.net.guard import AddressRefused, Target, approve
from apps.crm.net.limits import Limit, wait_for_turn
from apps.crm.net.reading import parse_json, read_limited

log = structlog.get_logger(__name__)

CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
MOST_BYTES = 5 * 1024 * 1024
MOST_PATIENCE = 60.0  # a pause that a system asks for and a request still waits
RETRIED = {Trouble.NETWORK, Trouble.TIMEOUT, Trouble.THROTTLED, Trouble.SERVER}


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a success; `json` keeps numbers exact."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        try:
            return parse_json(self.body)
        except ValueError as broken:
            raise Failed(Trouble.UNREADABLE, status=self.status) from broken

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


Judge = Callable[[Answer], Trouble | None]


def by_status(answer: Answer) -> Trouble | None:
    """What most systems mean by a status."""
    return STATUSES.get(answer.status) or (
        Trouble.SERVER
        if answer.status >= 500
        else Trouble.REFUSED
        if answer.status >= 300
        else None
    )


STATUSES = {
    401: Trouble.AUTH,
    402: Trouble.UNPAID,
    403: Trouble.RIGHTS,
    408: Trouble.TIMEOUT,
    429: Trouble.THROTTLED,
}


@dataclass(frozen=True)
class Policy:
    """How one system wants to be asked. `deadline`: seconds for a whole answer, however slowly it
    drips. `ports` besides 443 are a decision per system."""

    hosts: tuple[str, ...]
    limits: tuple[Limit, ...]
    judge: Judge = by_status
    ports: frozenset[int] = frozenset({443})
    deadline: float = 30.0
    read_seconds: float = READ_SECONDS
    attempts: int = 4


@dataclass
class Call:
    """One attempt, for the journal."""

    method: str
    path: str
    attempt: int
    status: int | None = None
    trouble: str = ""
    size: int = 0
    duration_ms: int = 0


@dataclass
class Client:
    """Requests to one origin. `scope` is what its limits are counted by; `journal` hears every
    attempt. Use as a context manager."""

    base_url: str
    policy: Policy
    scope: str
    free_address: bool = False
    journal: Callable[[Call], None] = lambda call: None
    dice: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep
    _target: Target | None = None
    _http: httpx.Client | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._http:
            self._http.close()
        self._http = self._target = None

    def get(self, path: str, **how: Any) -> Answer:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> Answer:
        return self.ask("POST", path, **how)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        once: bool = False,
        judge: Judge | None = None,
    ) -> Answer:
        """The answer that the system's own rules call a success. `path` carries its encoded query.
        `once`: a write, never repeated blindly. Raises Failed."""
        content, given = _content(json, form)
        attempts = 1 if once else self.policy.attempts
        for attempt in range(1, attempts + 1):
            try:
                return self._try(
                    method, path, {**given, **(headers or {})}, content, attempt, judge
                )
            except Failed as failed:
                if failed.trouble not in RETRIED or attempt == attempts:
                    raise
                wait = rules.back_off(attempt - 1, asked=failed.wait, dice=self.dice)
                if wait > MOST_PATIENCE:
                    raise
                if settings.CRM_PACE:
                    self.sleep(wait)
        raise AssertionError("unreachable")

    def target(self) -> Target:
        """The approved origin, resolved once for the life of the client. Raises Failed."""
        if self._target is None:
            try:
                self._target = approve(
                    self.base_url,
                    hosts=self.policy.hosts,
                    free=self.free_address,
                    ports=self.policy.ports,
                )
            except AddressRefused as refused:
                log.warning("crm.address_refused", rule=str(refused), scope=self.scope)
                raise Failed(Trouble.ADDRESS) from refused
        return self._target

    def _try(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        attempt: int,
        judge: Judge | None,
    ) -> Answer:
        target = self.target()
        wait_for_turn(self.scope, self.policy.limits)
        # The query never reaches the journal: a phone may stand there.
        call = Call(method, mask_text(urlsplit(path).path)[:200], attempt)
        began = time.monotonic()
        try:
            answer = self._send(target, method, path, headers, content)
            call.status, call.size = answer.status, len(answer.body)
            trouble = (judge or self.policy.judge)(answer)
            if trouble:
                raise Failed(trouble, status=answer.status, wait=_retry_after(answer))
            return answer
        except Failed as failed:
            call.trouble, call.status = failed.trouble, failed.status or call.status
            raise
        finally:
            call.duration_ms = round((time.monotonic() - began) * 1000)
            self.journal(call)

    def _send(
        self,
        target: Target,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> Answer:
        base = urlsplit(self.base_url).path.rstrip("/")
        deadline = time.monotonic() + self.policy.deadline
        try:
            with self._client().stream(
                method,
                f"{target.origin}{base}{path}",
                headers={"Host": target.host_header, "Accept-Encoding": "identity", **headers},
                content=content,
                extensions={"sni_hostname": target.host} if target.scheme == "https" else {},
            ) as response:
                body = read_limited(response, most=MOST_BYTES, deadline=deadline)
                return Answer(response.status_code, dict(response.headers), body)
        except httpx.TimeoutException as late:
            raise Failed(Trouble.TIMEOUT) from late
        except httpx.HTTPError as broken:
            tls = "certificate" in str(broken).lower() or "ssl" in str(broken).lower()
            raise Failed(Trouble.TLS if tls else Trouble.NETWORK) from broken

    def _client(self) -> httpx.Client:
        if self._http is None:
            self._http = httpx.Client(
                verify=trusted(),
                timeout=httpx.Timeout(self.policy.read_seconds, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,  # no proxy of the environment: the guard decides where we go
            )
        return self._http


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that we trust, read once: tens of milliseconds for each client otherwise."""
    return httpx.create_ssl_context(trust_env=False)


def _content(json: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if json is not None:
        return orjson.dumps(json), {"Content-Type": "application/json"}
    if form is not None:
        encoded = str(httpx.QueryParams(dict(form))).encode()
        return encoded, {"Content-Type": "application/x-www-form-urlencoded"}
    return None, {}


def _retry_after(answer: Answer) -> float | None:
    given = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    return float(given) if given.isdecimal() else None
