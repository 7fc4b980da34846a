"""One-time codes: sending and checking."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import Job, Purpose, TierCode
from apps.accounts.models import OneTimeCode, User
from apps.accounts.services import code_guard
from apps.accounts.services.code_guard import Asker
from apps.core import sealing, throttle
from apps.core.errors import Invalid, Refused
from apps.core.gateways import sms

TEXTS: dict[str, Any] = {
    Purpose.SIGN_IN: _("Code %(code)s to sign in to Own Circle. Tell it to nobody."),
    Purpose.STAFF_SIGN_IN: _("Code %(code)s to sign in to Own Circle. Tell it to nobody."),
    Purpose.PHONE_CHANGE: _(
        "Code %(code)s to change your number in Own Circle. Tell it to nobody."
    ),
    Purpose.REDEMPTION: _("Code %(code)s to pay with bonuses in Own Circle."),
    Purpose.ENROLMENT: _("Code %(code)s to join Own Circle."),
}


class PhoneInvalid(Invalid):
    field = "phone"
    message = _("Enter a Russian mobile number, such as +7 916 123-45-67.")


class CodeInvalid(Refused):
    code = "CODE_INVALID"
    message = _("The code is wrong. Check the message and try again.")


class CodeExpired(Refused):
    code = "CODE_EXPIRED"
    message = _("The code no longer works. Ask for a new one.")


@dataclass(frozen=True)
class CodeSent:
    """What the app needs to ask for the code: seconds it lives, seconds to the next sending."""

    code_id: UUID
    expires_in: int
    resend_in: int


def send_code(
    *,
    phone: str,
    at: datetime,
    purpose: Purpose = Purpose.SIGN_IN,
    subject: str = "",
    asker: Asker = Asker(),  # noqa: B008 - frozen
) -> CodeSent:
    """Send a six-digit code to a mobile number; earlier codes of the number die.

    Known, unknown and blocked numbers take the same path and get the same answer. `subject` binds
    the code to what it confirms. Call outside of a transaction: the message leaves at the end.
    Raises PhoneInvalid, TooMany, CodesStopped.
    """
    limits = code_guard.current_limits()
    number = rules.normalize_phone(phone, countries=limits.country_codes)
    if number is None:
        raise PhoneInvalid
    index = sealing.blind_index(number, purpose="phone")
    asked = code_guard.attempt(index, asker)
    code_guard.check_doors(asked, number=number)
    code = rules.new_code()
    text = _text(code, purpose)
    sent = _sent_before(index, purpose, at=at)
    resend_in = code_guard.take_sending(
        asked,
        purpose=purpose,
        sent=sent,
        kopecks=limits.sms_price_kopecks * rules.sms_parts(text),
        caps=limits,
    )
    code_guard.watch_neighbours(asker, number=number, at=at)
    challenge = OneTimeCode(
        purpose=purpose,
        subject=subject,
        phone_index=index,
        device_key=asker.device_key,
        network=asker.network_key,
        prefix=rules.phone_prefix(number),
        resends=sent,
        created_at=at,
        expires_at=at + timedelta(seconds=rules.CODE_LIFE),
    )
    _replace(challenge, number=number, code=code)
    _post(challenge, number=number, code=code, text=text)
    return CodeSent(challenge.id, rules.CODE_LIFE, resend_in)


def _post(challenge: OneTimeCode, *, number: str, code: str, text: str) -> None:
    """Last, and the same work for everybody: only the worker learns that nothing is to be sent."""
    purpose = Purpose(challenge.purpose)
    sms.post(
        phone=number,
        text=text,
        spoken=str(TEXTS[purpose] % {"code": ", ".join(code)}),
        turn=challenge.resends,
        drop=not _may_receive(number, purpose),
        life=rules.CODE_LIFE,
    )


def _text(code: str, purpose: Purpose) -> str:
    text = str(TEXTS[purpose] % {"code": code})
    site = urlsplit(settings.SITE_URL)
    # The last line lets phones fill the code in on our own pages and nowhere else.
    return f"{text}\n@{site.hostname} #{code}" if site.scheme == "https" else text


def _sent_before(index: str, purpose: Purpose, *, at: datetime) -> int:
    """How many codes went before in this attempt; a used code or a long rest starts anew."""
    last = (
        OneTimeCode.objects.filter(phone_index=index, purpose=purpose)
        .order_by("-created_at")
        .only("used_at", "created_at", "resends")
        .first()
    )
    rest = timedelta(seconds=rules.RESEND_REST)
    if last is None or last.used_at or at - last.created_at >= rest:
        return 0
    return last.resends + 1


@transaction.atomic
def _replace(challenge: OneTimeCode, *, number: str, code: str) -> None:
    """Store the code as the only one of its number and purpose."""
    OneTimeCode.objects.filter(
        phone_index=challenge.phone_index,
        purpose=challenge.purpose,
        used_at__isnull=True,
        expires_at__gt=challenge.created_at,
    ).update(expires_at=challenge.created_at)
    challenge.phone_sealed = sealing.seal(number, context=f"code.phone:{challenge.id}")
    challenge.code_hash = sealing.pepper_hash(code, purpose=f"code:{challenge.id}")
    challenge.save(force_insert=True)


def _may_receive(number: str, purpose: Purpose) -> bool:
    """Blocked people get no message; a code for the pages goes to staff, and to those members who
    may propose or moderate: which page stands open to them, the pages ask.

    The question is put so that a known and an unknown number both have no row to read: building
    a person out of a row takes a time that can be measured.
    """
    indexes = sealing.blind_indexes(number, purpose="phone")
    people = User.objects.filter(phone_index__in=indexes)
    if purpose == Purpose.STAFF_SIGN_IN:
        guests = Q(job=Job.NONE) & ~Q(tier__code=TierCode.INSIDER)
        return people.filter(Q(job=Job.STAFF) | guests, blocked_at__isnull=True).exists()
    return not people.filter(blocked_at__isnull=False).exists()


def check_code(
    *,
    code_id: UUID,
    code: str,
    purpose: Purpose,
    at: datetime,
    subject: str = "",
    asker: Asker = Asker(),  # noqa: B008 - frozen
) -> str:
    """The E.164 number that a right code proves; the code is used up.

    Purpose, subject and device must be those it was sent for. Raises CodeInvalid (a try is
    counted and stays counted), CodeExpired (late, used, replaced by a newer one, or out of
    tries), TooMany.
    """
    code_guard.take_address(asker)
    challenge = OneTimeCode.objects.filter(pk=code_id, purpose=purpose, subject=subject).first()
    if challenge is None:
        raise CodeInvalid
    if not _is_alive(challenge, at=at):
        raise CodeExpired
    asked = code_guard.attempt(challenge.phone_index, asker)
    reserved = code_guard.take_check(asked)
    right = _try(challenge, code=code, device_key=asker.device_key, at=at)
    if right is False:
        code_guard.count_failure(asked)
        raise CodeInvalid
    throttle.give_back(reserved)
    if right is None:
        raise CodeExpired
    code_guard.forget_failures(asked, purpose=purpose)
    return sealing.unseal(challenge.phone_sealed, context=f"code.phone:{challenge.id}").decode()


def _is_alive(challenge: OneTimeCode, *, at: datetime) -> bool:
    return (
        challenge.used_at is None
        and challenge.expires_at > at
        and challenge.tries < rules.CODE_TRIES
    )


@transaction.atomic
def _try(challenge: OneTimeCode, *, code: str, device_key: str, at: datetime) -> bool | None:
    """One try under lock: right, wrong (False, counted), or too late by now (None)."""
    row = OneTimeCode.objects.select_for_update().get(pk=challenge.pk)
    if not _is_alive(row, at=at):
        return None
    digest = sealing.pepper_hash(code, purpose=f"code:{row.id}")
    right = hmac.compare_digest(digest, row.code_hash)
    if row.device_key and row.device_key != device_key:
        right = False
    if right:
        row.used_at = at
    else:
        row.tries += 1
    row.save(update_fields=["used_at", "tries"])
    return right


def forget_codes(*, at: datetime) -> int:
    """Codes are kept one day: long enough for the daily limits to be explained."""
    count, _rows = OneTimeCode.objects.filter(
        created_at__lt=at - timedelta(seconds=rules.DAY)
    ).delete()
    return count
