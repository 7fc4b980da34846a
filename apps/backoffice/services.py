"""Writes of the back office's own: the second factor of staff, and guesses taken back."""

import hashlib

from django.db import transaction
from django.db.models import F
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.models import User
from apps.core import audit
from apps.core.models import Counter


def prepare_device(*, user: User) -> TOTPDevice:
    """The device she is about to set up: the same secret for every look at the page."""
    device, _made = TOTPDevice.objects.get_or_create(user=user, confirmed=False, name="app")
    return device


@transaction.atomic
def confirm_device(*, user: User, code: str) -> TOTPDevice | None:
    """Make the prepared device her second factor when the code fits it; None when it does not.

    A person who already has one gets None: a password alone must not add another.
    """
    devices = TOTPDevice.objects.select_for_update().filter(user=user)
    if devices.filter(confirmed=True).exists():
        return None
    device = devices.filter(confirmed=False, name="app").first()
    if device is None or not device.verify_token(code):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    audit.record(user, "accounts.second_factor_added", "user", user.pk)
    return device


def take_back_guess(*, name: str, key: str) -> None:
    """A right password is no guess: uncount it, so that a busy address is not locked out."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    Counter.objects.filter(name=name, key=digest, count__gt=0).update(count=F("count") - 1)
