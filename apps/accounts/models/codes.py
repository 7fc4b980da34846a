"""One-time codes and the limits that an admin may change."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import Purpose
from apps.core.ids import new_id


class OneTimeCode(models.Model):
    """A code sent by SMS: hashed, good once, newest only, for one purpose and one subject."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    subject = models.CharField(
        max_length=64, blank=True, help_text="What it confirms: an id of a redemption, a person"
    )
    phone_index = models.CharField(max_length=64)
    phone_sealed = models.CharField(max_length=120, help_text="Needed to create the member")
    code_hash = models.CharField(max_length=64)
    device_key = models.CharField(max_length=64, blank=True, help_text="Works on this device only")
    network = models.CharField(max_length=64, blank=True, help_text="Digest of the /24 that asked")
    prefix = models.CharField(max_length=6, blank=True, help_text="First six digits of the number")
    resends = models.PositiveSmallIntegerField(default=0, help_text="How many were sent before it")
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="code_tries_bounded", condition=Q(tries__lte=rules.CODE_TRIES)
            ),
        ]
        indexes = [
            models.Index(name="code_by_number", fields=["phone_index", "-created_at"]),
            # the share of codes that were used, every minute, over the last 15
            models.Index(name="code_by_time", fields=["created_at"]),
            # neighbours of a number asked from the same network
            models.Index(name="code_by_network", fields=["network", "phone_index"]),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class CodeLimits(models.Model):
    """The one row of limits on SMS codes that cost money; the rest stand in `rules`."""

    sms_price_kopecks = models.PositiveIntegerField(
        _("price of one SMS part, kopecks"), default=700
    )
    cap_hour_rub = models.PositiveIntegerField(_("most roubles an hour"), default=3_000)
    cap_day_rub = models.PositiveIntegerField(_("most roubles a day"), default=20_000)
    failures_hour = models.PositiveIntegerField(_("most failed checks an hour"), default=200)
    countries = models.CharField(
        _("other country codes"),
        max_length=200,
        blank=True,
        help_text=_("Besides Russian mobiles, for example: 375, 374. Each costs more."),
    )

    class Meta:
        verbose_name = _("limits of SMS codes")
        verbose_name_plural = _("limits of SMS codes")
        constraints = [models.CheckConstraint(name="one_row_of_limits", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(_("limits of SMS codes"))

    @property
    def country_codes(self) -> frozenset[int]:
        return rules.country_codes(self.countries)
