"""Sending one SMS: the console in development, SMS.ru over HTTP in production, SMSC.ru after it.

`post` hands a message to a worker, so that a request takes the same time whatever the provider
does. Number and text are sealed on the way: the broker sees neither. A provider that fails is
passed over for a minute; a code that none takes is read to her by phone.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import httpx2 as httpx
import orjson
import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown

from apps.core import redis_line, sealing
from apps.core.errors import Refused
from apps.core.gateways.messages import smsru
from apps.core.gateways.messages.http import client

log = structlog.get_logger(__name__)

SEAL = "sms.message"
# Without a broker the message leaves from here: beside the request, or its time would tell who
# gets one and who does not. The interpreter waits for the pool before it ends.
TIMEOUT = 5  # seconds that a provider may take
REST = 60  # seconds in which a provider that failed is passed over
_beside = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sms")


class SmsFailed(Refused):
    """The provider did not take the message."""

    code = "UNAVAILABLE"


class NumberRefused(SmsFailed):
    """It will not have this number or text; for others it is well."""


class SmsGateway(Protocol):
    def send(self, *, phone: str, text: str) -> None:
        """Hand over one message to an E.164 number. Raises SmsFailed, NumberRefused."""
        ...


class CallGateway(Protocol):
    def call(self, *, phone: str, text: str) -> None:
        """Have a text read to an E.164 number by phone. Raises SmsFailed, NumberRefused."""
        ...


class ConsoleSms:
    """Development and tests: prints the message and appends it to DEV_SMS_FILE."""

    def send(self, *, phone: str, text: str) -> None:
        if settings.ENVIRONMENT == "production":
            raise SmsFailed
        if settings.DEV_SMS_FILE:
            line = orjson.dumps({"at": timezone.now(), "phone": phone, "text": text})
            with open(settings.DEV_SMS_FILE, "ab") as outbox:
                outbox.write(line + b"\n")
        if settings.DEVELOPMENT:
            # The one place that prints a code: a developer's own terminal stands in for a phone.
            print(f"SMS → {phone}: {text}", flush=True)  # noqa: T201


class SmsRu:
    """SMS.ru: two levels of status, HTTP 200 with a refusal inside is a failure."""

    def send(self, *, phone: str, text: str) -> None:
        form = {"api_id": settings.SMSRU_API_ID, "to": phone.lstrip("+"), "msg": text, "json": "1"}
        answer = _ask(f"{settings.SMSRU_URL}/sms/send", form)
        one = _object(next(iter(_object(answer.get("sms")).values()), {}))
        if answer.get("status") == "OK" and one.get("status") == "OK":
            return
        code = str(one.get("status_code", answer.get("status_code")))
        log.warning("sms.refused", provider="smsru", status=code)
        raise NumberRefused if code in smsru.OF_NUMBER else SmsFailed


class Smsc:
    """SMSC.ru: `{"id", "cnt"}` or `{"error", "error_code"}`, HTTP 200 with both. Speaks, too."""

    OF_NUMBER = frozenset("6789")  # the text, the number, no way to it, the same once more

    def send(self, *, phone: str, text: str) -> None:
        self._hand_over(phone=phone, text=text)

    def call(self, *, phone: str, text: str) -> None:
        self._hand_over(phone=phone, text=text, call="1")

    def _hand_over(self, *, phone: str, text: str, **more: str) -> None:
        form = {"apikey": settings.SMSC_API_KEY, "phones": phone, "mes": text}
        answer = _ask(
            f"{settings.SMSC_URL}/sys/send.php", form | {"fmt": "3", "charset": "utf-8"} | more
        )
        if answer.get("id") and "error_code" not in answer:
            return
        code = str(answer.get("error_code"))
        log.warning("sms.refused", provider="smsc", status=code)
        raise NumberRefused if code in self.OF_NUMBER else SmsFailed


def _ask(url: str, form: dict[str, str]) -> dict[str, Any]:
    try:
        return _object(client().post(url, data=form, timeout=TIMEOUT).json())
    except (httpx.HTTPError, ValueError) as broken:
        raise SmsFailed from broken


def _object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def deliver(*, phone: str, text: str, spoken: str = "", turn: int = 0) -> None:
    """By the first provider that takes it, beginning with another one at each `turn`: whoever asks
    again did not get it. `spoken` is read by phone if none takes the text. One that failed is not
    asked for a minute, unless there is no other. Raises SmsFailed."""
    ways: list[tuple[str, Callable[..., None], str]] = [
        (name, import_string(name)().send, text) for name in settings.SMS_GATEWAYS
    ]
    first = turn % len(ways)
    ways = ways[first:] + ways[:first]
    if spoken and settings.CALL_GATEWAY:
        name = settings.CALL_GATEWAY
        ways.append((f"{name}:call", import_string(name)().call, spoken))
    for name, hand_over, words in [way for way in ways if not _rests(way[0])] or ways:
        try:
            return hand_over(phone=phone, text=words)
        except NumberRefused:
            continue
        except SmsFailed:
            log.warning("sms.provider_failed", provider=name)
            _let_rest(name)
    raise SmsFailed


def _let_rest(name: str) -> None:
    redis_line.ask(lambda line: line.set(f"sms:rests:{name}", 1, ex=REST))


def _rests(name: str) -> bool:
    return bool(redis_line.ask(lambda line: line.exists(f"sms:rests:{name}")))


def post(
    *, phone: str, text: str, life: int, drop: bool = False, spoken: str = "", turn: int = 0
) -> None:
    """Have a worker `deliver` the message within `life` seconds. `drop` goes the whole way and is
    not sent: nobody who measures can tell."""
    message = {"phone": phone, "text": text, "drop": drop, "spoken": spoken, "turn": turn}
    sealed = sealing.seal(orjson.dumps(message), context=SEAL)
    task = import_string("apps.core.tasks.send_sms")
    try:
        task.apply_async(kwargs={"sealed": sealed}, expires=life, retry=False, ignore_result=True)
    except BrokerDown:
        log.warning("sms.broker_down")
        _beside.submit(_send_beside, sealed)


def send_sealed(sealed: str) -> None:
    """Open a message of `post` and deliver it. Raises SmsFailed."""
    message = orjson.loads(sealing.unseal(sealed, context=SEAL))
    if not message.pop("drop"):
        deliver(**message)


def _send_beside(sealed: str) -> None:
    try:
        send_sealed(sealed)
    except SmsFailed:
        log.error("sms.lost", retries=0)
