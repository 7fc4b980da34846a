"""Staff at a till: a trusted computer, and a PIN instead of a password."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import Job
from apps.accounts.models import StaffPin, TrustedDevice, User
from apps.core import audit, sealing
from apps.core.errors import Forbidden, Invalid, Refused


class PinInvalid(Invalid):
    field = "pin"
    message = _("A PIN is 4 to 6 digits, not all the same and not in a row.")


class PinWrong(Refused):
    code = "CODE_INVALID"
    message = _("The PIN does not fit.")


class PinLocked(PinWrong):
    message = _("The PIN is locked after five wrong attempts. Sign in with your password.")


@dataclass(frozen=True)
class TrustGiven:
    """`secret` goes into the browser's signed cookie and is not stored here."""

    device: TrustedDevice
    secret: str


@transaction.atomic
def trust_device(*, business_id: UUID, name: str, by: User, at: datetime) -> TrustGiven:
    """Trust this computer with PINs of one business for 90 days. The caller has checked that `by`
    signed in fully and may sell at the business."""
    secret = secrets.token_urlsafe(32)
    device = TrustedDevice(
        business_id=business_id, name=name[:80], trusted_by=by, created_at=at, last_seen_at=at
    )
    device.secret_hash = _secret_hash(device, secret)
    device.save(force_insert=True)
    audit.record(by, "accounts.device_trusted", "trusteddevice", device.pk, business_id=business_id)
    return TrustGiven(device, secret)


def trusted_device(*, device_id: str, secret: str, at: datetime) -> TrustedDevice | None:
    """The trusted computer that this cookie names; None when forgotten, too old or forged."""
    try:
        device = TrustedDevice.objects.filter(pk=UUID(device_id), revoked_at__isnull=True).first()
    except ValueError:
        return None
    if device is None or device.good_until <= at:
        return None
    return device if hmac.compare_digest(_secret_hash(device, secret), device.secret_hash) else None


def _secret_hash(device: TrustedDevice, secret: str) -> str:
    return sealing.pepper_hash(secret, purpose=f"device:{device.pk}")


@transaction.atomic
def forget_device(*, device: TrustedDevice, by: User, at: datetime) -> None:
    """Trust it no longer: its cookie opens nothing."""
    if TrustedDevice.objects.filter(pk=device.pk, revoked_at__isnull=True).update(revoked_at=at):
        audit.record(
            by,
            "accounts.device_forgotten",
            "trusteddevice",
            device.pk,
            business_id=device.business_id,
        )


@transaction.atomic
def set_pin(*, user: User, pin: str, at: datetime) -> None:
    """Give herself a PIN, after a full sign-in. Only staff: owners and admins need their second
    factor every time. Raises PinInvalid, Forbidden."""
    if user.job != Job.STAFF:
        raise Forbidden
    if not rules.PIN_SHAPE.fullmatch(pin) or rules.is_weak_pin(pin):
        raise PinInvalid
    StaffPin.objects.update_or_create(
        user=user, defaults={"pin_hash": make_password(pin), "tries": 0, "set_at": at}
    )
    audit.record(user, "accounts.pin_set", "user", user.pk)


@transaction.atomic
def reset_pin(*, user: User, business_id: UUID, by: User) -> bool:
    """Forget her PIN: she sets another after a full sign-in. Whether she had one. The caller has
    checked that `by` manages the business where she works."""
    gone, _models = StaffPin.objects.filter(user=user).delete()
    if gone:
        audit.record(by, "accounts.pin_reset", "user", user.pk, business_id=business_id)
    return bool(gone)


def sign_in_with_pin(*, device: TrustedDevice, user: User, pin: str, at: datetime) -> User:
    """The person whose PIN fits, at a trusted computer. The caller offers only people of the
    device's business. Raises PinWrong, PinLocked."""
    # The try is taken before the look: parallel guesses cannot share one.
    taken = StaffPin.objects.filter(user=user, tries__lt=rules.PIN_TRIES).update(
        tries=F("tries") + 1
    )
    row = StaffPin.objects.filter(user=user).first()
    if row is None:
        make_password(pin)  # no PIN takes as long as a wrong one
        raise PinWrong
    if not taken:
        raise PinLocked
    if not check_password(pin, row.pin_hash) or not user.is_active or user.job != Job.STAFF:
        raise PinLocked if row.tries >= rules.PIN_TRIES else PinWrong
    with transaction.atomic():
        StaffPin.objects.filter(user=user).update(tries=0)
        TrustedDevice.objects.filter(pk=device.pk).update(last_seen_at=at)
        audit.record(user, "accounts.pin_sign_in", "user", user.pk, business_id=device.business_id)
    return user


def unlock_pin(*, user: User) -> None:
    """A full sign-in forgives the wrong PINs."""
    StaffPin.objects.filter(user=user, tries__gt=0).update(tries=0)
