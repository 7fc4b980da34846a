"""How to sign in as each role of the demo."""

import base64
import time
from dataclasses import dataclass
from uuid import UUID

from django_otp.oath import TOTP

from apps.accounts.models import TOTPDevice, User
from apps.backoffice.demo.partners import MINDAL
from apps.backoffice.demo.people import PASSWORD, ROLES, SECOND, Person
from apps.businesses.models import Business

AT_WORK = {"business_staff", "business_owner"}


class DemoMissing(Exception):
    """The demo is not loaded, or not wholly."""


@dataclass(frozen=True)
class Login:
    """`password`, `totp` (base32 secret) and `totp_code` (of this moment) where she has one."""

    role: str
    name: str
    phone: str
    email: str
    password: str | None = None
    totp: str | None = None
    totp_code: str | None = None
    business: str | None = None
    business_id: UUID | None = None


def logins() -> list[Login]:
    """One person for each role, and a second superadmin where the demo is not older than she.
    Raises DemoMissing."""
    salon = Business.objects.filter(slug=MINDAL.slug).first()
    if salon is None:
        raise DemoMissing
    old = User.objects.with_phone(SECOND.phone) is None
    return [_login(person, salon) for person in ROLES if not (old and person is SECOND)]


def _login(person: Person, salon: Business) -> Login:
    user = User.objects.with_phone(person.phone)
    if user is None:
        raise DemoMissing
    device = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    business = salon if person.role in AT_WORK else None
    return Login(
        role=person.role,
        name=f"{person.first_name} {person.last_name}",
        phone=person.phone,
        email=person.email,
        password=PASSWORD if user.has_usable_password() else None,
        totp=base64.b32encode(device.bin_key).decode() if device else None,
        totp_code=_code(device) if device else None,
        business=business.slug if business else None,
        business_id=business.pk if business else None,
    )


def _code(device: TOTPDevice) -> str:
    clock = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    clock.time = time.time()
    return f"{clock.token():0{device.digits}d}"
