import re
import time
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import rules
from apps.accounts.models import OneTimeCode
from apps.core import sealing

PATIENCE = 10.0  # seconds: a worker sends the message, a moment after the code was asked for


class Command(BaseCommand):
    help = "Print the newest one-time code sent to a number (development only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("phone")

    def handle(self, *, phone: str, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Codes can be read in development only.")
        number = rules.normalize_phone(phone)
        if number is None:
            raise CommandError("That is not a Russian mobile number.")
        asked_at, deadline = _asked_at(number), time.monotonic() + PATIENCE
        while True:
            code, sent_at = _newest(number)
            if code and (asked_at is None or sent_at >= asked_at):
                self.stdout.write(code)
                return
            if asked_at is None or time.monotonic() > deadline:
                raise CommandError("No code was sent to that number.")
            time.sleep(0.1)


def _asked_at(number: str) -> datetime | None:
    """When the newest code that still works was asked for; its message may be on the way."""
    indexes = sealing.blind_indexes(number, purpose="phone")
    codes = OneTimeCode.objects.filter(phone_index__in=indexes, used_at__isnull=True)
    newest = codes.order_by("-created_at").only("created_at").first()
    return newest.created_at if newest else None


def _newest(number: str) -> tuple[str, datetime]:
    for line in reversed(_sent()):
        message = orjson.loads(line)
        code = re.search(r"\b[0-9]{6}\b", message["text"])
        if message["phone"] == number and code:
            return code.group(), datetime.fromisoformat(message["at"])
    return "", datetime.min.replace(tzinfo=UTC)


def _sent() -> list[bytes]:
    try:
        with open(settings.DEV_SMS_FILE, "rb") as outbox:
            return outbox.readlines()
    except FileNotFoundError:
        return []
