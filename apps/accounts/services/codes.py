"""One-time codes: sending and checking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import Purpose
from apps.accounts.models import OneTimeCode
from apps.core import sealing, throttle
from apps.core.errors import Invalid, Refused, TooMany
from apps.core.gateways import sms


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


def send_code(*, phone: str, at: datetime, purpose: Purpose = Purpose.SIGN_IN) -> CodeSent:
    """Send a six-digit code to a Russian mobile number; earlier codes of the number die.

    Known, unknown and blocked numbers get the same answer. Raises PhoneInvalid, TooMany.
    """
    number = rules.normalize_phone(phone)
    if number is None:
        raise PhoneInvalid
    index = sealing.blind_index(number, purpose="phone")
    _check_sending_limits(index)
    code = rules.new_code()
    with transaction.atomic():
        OneTimeCode.objects.filter(
            phone_index=index, purpose=purpose, used_at__isnull=True, expires_at__gt=at
        ).update(expires_at=at)
        challenge = OneTimeCode(
            purpose=purpose,
            phone_index=index,
            created_at=at,
            expires_at=at + timedelta(seconds=rules.CODE_LIFE),
        )
        challenge.phone_sealed = sealing.seal(number, context=f"code.phone:{challenge.id}")
        challenge.code_hash = sealing.pepper_hash(code, purpose=f"code:{challenge.id}")
        challenge.save()
    text = str(_("Code %(code)s to sign in to Own Circle. Tell it to nobody.") % {"code": code})
    sms.gateway().send(phone=number, text=text)
    return CodeSent(challenge.id, rules.CODE_LIFE, rules.RESEND_AFTER)


def _check_sending_limits(index: str) -> None:
    wait = throttle.hit("code.resend", index, 1, rules.RESEND_AFTER)
    if wait:
        raise TooMany(retry_after=wait)
    for limit, window in rules.SENDS_PER_NUMBER:
        wait = throttle.hit(f"code.send.{window}", index, limit, window)
        if wait:
            raise TooMany(retry_after=wait)


def check_code(*, code_id: UUID, code: str, purpose: Purpose, at: datetime) -> str:
    """The E.164 number that a right code proves; the code is used up.

    Raises CodeInvalid (a try is counted and stays counted) or CodeExpired (late, used, replaced
    by a newer one, or out of tries).
    """
    with transaction.atomic():
        challenge = (
            OneTimeCode.objects.select_for_update().filter(pk=code_id, purpose=purpose).first()
        )
        if challenge is None:
            raise CodeInvalid
        if challenge.used_at or challenge.expires_at <= at or challenge.tries >= rules.CODE_TRIES:
            raise CodeExpired
        right = sealing.pepper_hash(code, purpose=f"code:{challenge.id}") == challenge.code_hash
        if right:
            challenge.used_at = at
        else:
            challenge.tries += 1
        challenge.save(update_fields=["used_at", "tries"])
    if not right:  # outside of the transaction: the counted try must not roll back
        raise CodeInvalid
    return sealing.unseal(challenge.phone_sealed, context=f"code.phone:{challenge.id}").decode()
