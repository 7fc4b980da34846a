"""What is remembered of a provider."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.notifications.enums import Channel


class Provider(models.Model):
    """`next_at`: when the next message may go, so that all workers together keep the pace."""

    name = models.CharField(_("provider"), max_length=24, primary_key=True)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    is_on = models.BooleanField(_("on"), default=True)
    per_second = models.PositiveIntegerField(_("messages a second"), default=100)
    price = models.BigIntegerField(_("price of one message or SMS part, kopecks"), default=0)
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    trouble = models.CharField(_("last error"), max_length=80, blank=True)
    next_at = models.DateTimeField(default=timezone.now)
    balance = models.DecimalField(
        _("balance, ₽"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    balance_at = models.DateTimeField(_("balance asked"), null=True, blank=True)
    least_balance = models.DecimalField(
        _("alarm below, ₽"), max_digits=12, decimal_places=2, default=1000
    )

    class Meta:
        verbose_name = _("message provider")
        verbose_name_plural = _("message providers")
        constraints = [
            models.CheckConstraint(
                name="provider_channel_known", condition=Q(channel__in=list(Channel))
            ),
            models.CheckConstraint(name="provider_has_a_pace", condition=Q(per_second__gt=0)),
            models.CheckConstraint(name="provider_price_not_negative", condition=Q(price__gte=0)),
        ]

    def __str__(self) -> str:
        return self.name


class Callback(models.Model):
    """`key`: the provider's id of an event, or the digest of what it said. Kept 30 days."""

    provider = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_callback_heard_once", fields=["provider", "key"])
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.key}"
