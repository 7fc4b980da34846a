"""Mail through whatever `EMAIL_URL` names: an SMTP relay in Russia instead of SendGrid."""

import smtplib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict


class DjangoMail:
    name: ClassVar[str] = "smtp"
    batch: ClassVar[int] = 100
    per_second: ClassVar[int] = 50
    repeatable: ClassVar[bool] = False

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        connection = get_connection()
        try:
            connection.open()
        except OSError as failure:  # smtplib's errors are of this kind too
            later = Verdict(Outcome.LATER, code=type(failure).__name__)
            return [later] * len(parcels)
        try:
            return [self._send(one, connection) for one in parcels]
        finally:
            connection.close()

    @staticmethod
    def _send(parcel: Parcel, connection: object) -> Verdict:
        sender = f"{settings.MAIL_FROM_NAME} <{settings.MAIL_FROM}>"
        mail = EmailMultiAlternatives(
            parcel.title,
            parcel.body,
            sender,
            [parcel.addresses[0]],
            headers=dict(parcel.headers),
            connection=connection,
        )
        mail.attach_alternative(parcel.html, "text/html")
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused:
            return Verdict(Outcome.NO_ADDRESS, code="refused")
        except smtplib.SMTPResponseException as said:
            later = 400 <= said.smtp_code < 500
            outcome = Outcome.LATER if later else Outcome.REFUSED
            return Verdict(outcome, code=str(said.smtp_code))
        except OSError as failure:
            return Verdict(Outcome.UNKNOWN, code=type(failure).__name__)
        return Verdict(Outcome.ACCEPTED)

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        raise Forged

    def ask(self, references: Sequence[str]) -> list[News]:
        return []

    def balance(self) -> Decimal | None:
        return None
