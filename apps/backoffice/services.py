"""Writes of the back office's own: the second factor of staff, and who signed in."""

from dataclasses import asdict

from django.db import transaction

from apps.accounts.models import TOTPDevice, User
from apps.accounts.services import unlock_pin
from apps.businesses.models import Business
from apps.core import audit
from apps.transactions.queries import Shift


def prepare_device(*, user: User) -> TOTPDevice:
    """The device she is about to set up: the same secret for every look at the page."""
    device: TOTPDevice
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
    device: TOTPDevice | None = devices.filter(confirmed=False, name="app").first()
    if device is None or not device.verify_token(code):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    audit.record(user, "accounts.second_factor_added", "user", user.pk)
    return device


@transaction.atomic
def note_sign_in(*, user: User, with_code: bool) -> None:
    """A full sign-in leaves a row in the audit log, by what it was, and unlocks the PIN."""
    action = "accounts.web_sign_in_with_code" if with_code else "accounts.web_sign_in"
    audit.record(user, action, "user", user.pk)
    unlock_pin(user=user)


@transaction.atomic
def close_shift(*, user: User, business: Business, totals: Shift) -> None:
    """The end of a shift leaves its totals in the audit log, provable and unreadable."""
    audit.record(
        user,
        "till.shift_closed",
        "business",
        business.pk,
        business_id=business.pk,
        changed=asdict(totals),
    )
