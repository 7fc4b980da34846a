"""Recovery codes: ten words of paper for the day the phone with the code app is lost."""

import secrets

from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from apps.accounts import rules
from apps.accounts.models import User
from apps.core import audit, sealing

COUNT = 10
NAME = "recovery"
LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that reads like something else


@transaction.atomic
def new_recovery_codes(*, user: User) -> list[str]:
    """Ten one-use codes, `ABCDE-FGHJK`, shown once; older ones stop working."""
    device, _made = StaticDevice.objects.select_for_update().get_or_create(user=user, name=NAME)
    device.token_set.all().delete()
    codes = ["".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(COUNT)]
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=_digest(user, code)) for code in codes
    )
    audit.record(user, "accounts.recovery_codes", "user", user.pk)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


@transaction.atomic
def use_recovery_code(*, user: User, code: str) -> StaticDevice | None:
    """The device when the code fits, and the code is used up; None when it does not."""
    device = StaticDevice.objects.select_for_update().filter(user=user, name=NAME).first()
    if device is None or not device.verify_token(_digest(user, rules.plain_recovery_code(code))):
        return None
    audit.record(user, "accounts.recovery_code_used", "user", user.pk)
    return device


def _digest(user: User, code: str) -> str:
    """What the table holds: 16 digits of a keyed hash, so that a dump opens nothing."""
    return sealing.pepper_hash(code, purpose=f"recovery:{user.pk}")[:16]
