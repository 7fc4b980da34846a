"""The code app as a second factor, its seed sealed."""

import time
from base64 import b32encode
from secrets import token_bytes
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from apps.core import sealing


class TOTPDevice(TimestampMixin, ThrottlingMixin, Device):  # type: ignore[misc]
    """An app that shows six digits. django_otp's own keeps the seed in clear: whoever reads the
    database signs in as the superadmin. Here it is sealed with the field keys, for its person.

    `last_t` is the newest step that was taken: a code works once. `drift` follows a phone's clock.
    """

    step, t0, digits, tolerance = 30, 0, 6, 1

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seed_sealed = models.CharField(max_length=120, editable=False)
    drift = models.SmallIntegerField(default=0)
    last_t = models.BigIntegerField(default=-1)

    objects: ClassVar[models.Manager["TOTPDevice"]] = DeviceManager()

    class Meta(Device.Meta):
        verbose_name = _("code app")
        verbose_name_plural = _("code apps")

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.seed_sealed:
            self.seed_sealed = sealing.seal(token_bytes(20), context=self._context)
        super().save(*args, **kwargs)

    @property
    def _context(self) -> str:
        return f"totp.seed:{self.user_id}"

    @property
    def bin_key(self) -> bytes:
        """The seed. Raises SealBroken for a row that was moved to another person."""
        return sealing.unseal(self.seed_sealed, context=self._context)

    def verify_token(self, token: str) -> bool:
        """Take a code once. Wrong ones make the next try wait, longer each time."""
        allowed, _why = self.verify_is_allowed()
        if not allowed:
            return False
        if not (token.isascii() and token.isdigit()):
            self.throttle_increment(commit=True)
            return False
        clock = TOTP(self.bin_key, self.step, self.t0, self.digits, self.drift)
        clock.time = time.time()
        if not clock.verify(int(token), self.tolerance, self.last_t + 1):
            self.throttle_increment(commit=True)
            return False
        self.last_t, self.drift = clock.t(), clock.drift
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1

    @property
    def config_url(self) -> str:
        """What the QR tells the app: https://github.com/google/google-authenticator/wiki/Key-Uri-Format"""
        issuer = settings.OTP_TOTP_ISSUER
        words = {
            "secret": b32encode(self.bin_key).decode(),
            "algorithm": "SHA1",
            "digits": self.digits,
            "period": self.step,
        }
        label = quote(f"{issuer}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode(words)}&issuer={quote(issuer)}"
