"""The cookie of a trusted computer: signed, out of reach of scripts, bound to this host."""

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts import rules
from apps.accounts import services as accounts
from apps.accounts.models import TrustedDevice

COOKIE, SECURE_COOKIE = "till-device", "__Host-till-device"
SALT = "till.device"


def _name(request: HttpRequest) -> str:
    return SECURE_COOKIE if request.is_secure() else COOKIE


def device_of(request: HttpRequest) -> TrustedDevice | None:
    """The trusted computer that this browser is; None for any other."""
    try:
        raw = request.get_signed_cookie(_name(request), salt=SALT, default="")
    except signing.BadSignature:
        return None
    device_id, _dot, secret = raw.partition(".")
    return accounts.trusted_device(device_id=device_id, secret=secret, at=timezone.now())


def remember_device(
    request: HttpRequest, response: HttpResponse, given: accounts.TrustGiven
) -> None:
    response.set_signed_cookie(
        _name(request),
        f"{given.device.pk}.{given.secret}",
        salt=SALT,
        max_age=rules.TRUST_DAYS * rules.DAY,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
