"""Sending one SMS: the console in development, SMS.ru over HTTP in production.

`post` hands a message to a worker, so that a request takes the same time whatever the provider
does. Number and text are sealed on the way: the broker sees neither.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import httpx2 as httpx
import orjson
import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown

from apps.core import sealing
from apps.core.errors import Refused

log = structlog.get_logger(__name__)

SEAL = "sms.message"
# Without a broker the message leaves from here: beside the request, or its time would tell who
# gets one and who does not. The interpreter waits for the pool before it ends.
SMSRU_TIMEOUT = 5  # seconds
_beside = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sms")


class SmsFailed(Refused):
    """The provider did not take the message."""

    code = "UNAVAILABLE"


class SmsGateway(Protocol):
    def send(self, *, phone: str, text: str) -> None:
        """Hand over one message to an E.164 number. Raises SmsFailed."""
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
        try:
            answer = httpx.post(
                f"{settings.SMSRU_URL}/sms/send", data=form, timeout=SMSRU_TIMEOUT
            ).json()
            one: dict[str, Any] = next(iter((answer.get("sms") or {}).values()), {})
        except (httpx.HTTPError, ValueError, AttributeError) as broken:  # no JSON, or no object
            raise SmsFailed from broken
        if answer.get("status") != "OK" or one.get("status") != "OK":
            log.warning("sms.refused", status=one.get("status_code", answer.get("status_code")))
            raise SmsFailed


def gateway() -> SmsGateway:
    """The gateway that the settings name."""
    chosen: type[SmsGateway] = import_string(settings.SMS_GATEWAY)
    return chosen()


def post(*, phone: str, text: str, life: int, drop: bool = False) -> None:
    """Have a worker send the message within `life` seconds. `drop` goes the whole way and is not
    sent: nobody who measures can tell."""
    sealed = sealing.seal(orjson.dumps({"phone": phone, "text": text, "drop": drop}), context=SEAL)
    task = import_string("apps.core.tasks.send_sms")
    try:
        task.apply_async(kwargs={"sealed": sealed}, expires=life, retry=False, ignore_result=True)
    except BrokerDown:
        log.warning("sms.broker_down")
        _beside.submit(_send_beside, sealed)


def send_sealed(sealed: str) -> None:
    """Open a message of `post` and send it. Raises SmsFailed."""
    message = orjson.loads(sealing.unseal(sealed, context=SEAL))
    if not message["drop"]:
        gateway().send(phone=message["phone"], text=message["text"])


def _send_beside(sealed: str) -> None:
    try:
        send_sealed(sealed)
    except SmsFailed:
        log.error("sms.lost", retries=0)
