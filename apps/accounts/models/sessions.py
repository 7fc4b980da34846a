"""Devices signed in, and devices of a till that staff unlock by PIN."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import SessionKind
from apps.core.ids import new_id


class Session(models.Model):
    """One device signed in: the app with its refresh token, or a browser with its cookie."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions"
    )
    kind = models.CharField(
        max_length=8, choices=SessionKind.choices, default=SessionKind.APP, editable=False
    )
    device_name = models.CharField(_("device"), max_length=80, blank=True)
    platform = models.CharField(max_length=16, blank=True)
    device_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Digest of the id the app made itself"
    )
    is_new_device = models.BooleanField(
        default=False, editable=False, help_text="She had others and not this one when it began"
    )
    # null, not "": unique lets the nulls of app sessions repeat
    web_key = models.CharField(  # noqa: DJ001
        max_length=40, null=True, unique=True, editable=False, help_text="Key of a browser session"
    )
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    refresh_jti = models.UUIDField(default=new_id, help_text="The refresh token that works now")
    previous_jti = models.UUIDField(null=True, help_text="The one it replaced, kept for the grace")
    confirmed_at = models.DateTimeField(
        default=timezone.now,
        help_text="When she last proved that it is she, at first by signing in",
    )
    rotated_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(_("ended"), null=True)
    revoked_because = models.CharField(max_length=32, blank=True)

    along: Any = None  # what a request asked along with it, no column

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.CheckConstraint(
                name="ended_session_has_reason",
                condition=Q(revoked_at__isnull=True) | ~Q(revoked_because=""),
            ),
            models.CheckConstraint(
                name="only_web_session_has_key",
                condition=Q(kind=SessionKind.WEB) | Q(web_key__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="session_live_of_user", fields=["user"], condition=Q(revoked_at__isnull=True)
            ),
            # is this device known to the owner of a number: asked when codes are short
            models.Index(
                name="session_by_device", fields=["device_key"], condition=~Q(device_key="")
            ),
        ]

    def __str__(self) -> str:
        return self.device_name or str(self.id)

    def is_strange(self, *, at: datetime) -> bool:
        """A device she had not used before, for its first day."""
        return self.is_new_device and at - self.created_at < timedelta(seconds=rules.NEW_DEVICE)

    @property
    def place(self) -> str:
        """Roughly where: the network only, there is no map of addresses here."""
        return rules.network_of(self.address) if self.address else ""


class TrustedDevice(models.Model):
    """A computer of a till where staff sign in by PIN. Bound to one business by its id: accounts
    stand below businesses. The secret lies in the browser's cookie, its hash here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business_id = models.UUIDField(_("business"))
    name = models.CharField(_("device"), max_length=80, blank=True)
    secret_hash = models.CharField(max_length=64, editable=False)
    trusted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    revoked_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("trusted device")
        verbose_name_plural = _("trusted devices")
        indexes = [models.Index(name="trusted_of_business", fields=["business_id"])]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def good_until(self) -> datetime:
        return self.created_at + timedelta(days=rules.TRUST_DAYS)


class StaffPin(models.Model):
    """A person's PIN for trusted devices. `tries` counts wrong ones since the last right one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    pin_hash = models.CharField(max_length=128, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="pin_tries_bounded", condition=Q(tries__lte=rules.PIN_TRIES)
            ),
        ]

    def __str__(self) -> str:
        return f"PIN {self.pk}"
