"""Mail through whatever `EMAIL_URL` names: an SMTP relay in Russia instead of SendGrid."""

import smtplib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict

TIMEOUT = 10  # seconds; without one a relay that hangs would keep the worker
FAREWELL = "421"  # the relay says it and closes the line


class DjangoMail:
    name: ClassVar[str] = "smtp"
    batch: ClassVar[int] = 100
    per_second: ClassVar[int] = 50
    repeatable: ClassVar[bool] = False

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        """By one connection. Once it broke, the rest was never handed over."""
        connection, verdicts = get_connection(timeout=TIMEOUT), []
        try:
            connection.open()
            for one in parcels:
                verdict = self._send(one, connection)
                verdicts.append(verdict)
                if verdict.outcome == Outcome.UNKNOWN or verdict.code == FAREWELL:
                    break
        except smtplib.SMTPAuthenticationError as refused:
            return [Verdict(Outcome.STOP, code=str(refused.smtp_code))] * len(parcels)
        except OSError as failure:  # smtplib's errors are of this kind too
            return [Verdict(Outcome.LATER, code=type(failure).__name__)] * len(parcels)
        finally:
            connection.close()
        left = len(parcels) - len(verdicts)
        return verdicts + [Verdict(Outcome.LATER, code="broken")] * left

    @staticmethod
    def _send(parcel: Parcel, connection: Any) -> Verdict:
        mail = EmailMultiAlternatives(
            parcel.title,
            parcel.body,
            f"{settings.MAIL_FROM_NAME} <{settings.MAIL_FROM}>",
            [parcel.addresses[0]],
            headers=dict(parcel.headers),
            connection=connection,
        )
        mail.attach_alternative(parcel.html, "text/html")
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as refused:
            [(code, _said)] = refused.recipients.values()
            return _judged(code, Outcome.NO_ADDRESS)
        except smtplib.SMTPResponseException as said:
            return _judged(said.smtp_code, Outcome.REFUSED)
        except OSError as failure:
            return Verdict(Outcome.UNKNOWN, code=type(failure).__name__)
        return Verdict(Outcome.ACCEPTED)

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        raise Forged

    def ask(self, references: Sequence[str]) -> list[News]:
        return []

    def balance(self) -> Decimal | None:
        return None


def _judged(code: int, for_good: Outcome) -> Verdict:
    """4xx is for now (a grey list, a full mailbox); the rest is for good."""
    return Verdict(Outcome.LATER if 400 <= code < 500 else for_good, code=str(code))
