"""Sending one SMS: the console in development, SMS.ru over HTTP in production."""

from typing import Any, Protocol

import httpx2 as httpx
import orjson
import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.core.errors import Refused

log = structlog.get_logger(__name__)


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
            answer = httpx.post(f"{settings.SMSRU_URL}/sms/send", data=form, timeout=10).json()
        except (httpx.HTTPError, ValueError) as broken:
            raise SmsFailed from broken
        one: dict[str, Any] = next(iter(answer.get("sms", {}).values()), {})
        if answer.get("status") != "OK" or one.get("status") != "OK":
            log.warning("sms.refused", status=one.get("status_code", answer.get("status_code")))
            raise SmsFailed


def gateway() -> SmsGateway:
    """The gateway that the settings name."""
    chosen: type[SmsGateway] = import_string(settings.SMS_GATEWAY)
    return chosen()
