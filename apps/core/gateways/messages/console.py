"""Development without providers: every message counts as accepted; only its kind is told."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

import structlog
from django.conf import settings

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict

log = structlog.get_logger(__name__)


class Console:
    name: ClassVar[str] = ""
    batch: ClassVar[int] = 100
    per_second: ClassVar[int] = 1_000
    repeatable: ClassVar[bool] = True

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        if settings.ENVIRONMENT == "production":
            return [Verdict(Outcome.STOP, code="console")] * len(parcels)
        for one in parcels:
            log.info("message", kind=one.kind, id=one.id)
        return [Verdict(Outcome.ACCEPTED, reference=one.attempt) for one in parcels]

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        raise Forged

    def ask(self, references: Sequence[str]) -> list[News]:
        return []

    def balance(self) -> Decimal | None:
        return None


class ConsolePush(Console):
    name = "console_push"


class ConsoleSms(Console):
    name = "console_sms"


class ConsoleMail(Console):
    name = "console_mail"
