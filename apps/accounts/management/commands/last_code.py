import re
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import rules


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
        for line in reversed(_sent()):
            message = orjson.loads(line)
            code = re.search(r"\b[0-9]{6}\b", message["text"])
            if message["phone"] == number and code:
                self.stdout.write(code.group())
                return
        raise CommandError("No code was sent to that number.")


def _sent() -> list[bytes]:
    try:
        with open(settings.DEV_SMS_FILE, "rb") as outbox:
            return outbox.readlines()
    except FileNotFoundError:
        return []
