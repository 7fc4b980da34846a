"""Showing the second factor again, before an act that asks for a fresh one."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp import match_token
from django_otp.models import Device

from apps.accounts import rules
from apps.accounts.models import Session, TOTPDevice, User
from apps.accounts.services.recovery import use_recovery_code
from apps.core import audit, throttle
from apps.core.errors import Refused, TooMany
from apps.core.throttle import Bucket


class FactorWrong(Refused):
    code = "CODE_INVALID"
    message = _("The code does not fit or was already used. Wait for the next one.")


class FactorMissing(Refused):
    code = "WRONG_STATE"
    message = _("Set a code app up first: it is your second factor.")


def match_factor(*, user: User, code: str) -> Device | None:
    """The app whose six digits these are, or the sheet of recovery codes; None when neither."""
    if len(code) == rules.CODE_DIGITS:
        return match_token(user, code)
    return use_recovery_code(user=user, code=code)


def confirm_factor(*, user: User, code: str, at: datetime, session: Session | None = None) -> None:
    """She shows her second factor once more; `session` of the API keeps when it was. Ten wrong
    tries a day. Raises FactorMissing, FactorWrong, TooMany."""
    if not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        raise FactorMissing
    tries = Bucket("confirm", str(user.pk), *rules.CONFIRM_TRIES)
    taken = throttle.take([tries])
    if taken.wait:
        raise TooMany(retry_after=taken.wait)
    if match_factor(user=user, code=code) is None:
        raise FactorWrong
    throttle.give_back([tries])
    with transaction.atomic():
        if session is not None:
            Session.objects.filter(pk=session.pk).update(confirmed_at=at)
        audit.record(user, "accounts.confirmed", "user", user.pk)
