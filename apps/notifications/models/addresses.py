"""Where a member can be reached, and where she must not be."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.notifications.enums import Channel, Platform, Topic
from apps.notifications.rules import new_stop_code


class Device(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    # a phone that signed out takes no more push
    session = models.ForeignKey(
        "accounts.Session", on_delete=models.CASCADE, null=True, related_name="+"
    )
    platform = models.CharField(_("platform"), max_length=8, choices=Platform.choices)
    token_sealed = models.CharField(max_length=1000, editable=False)
    token_index = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("push device")
        verbose_name_plural = _("push devices")
        constraints = [
            models.CheckConstraint(
                name="device_platform_known", condition=Q(platform__in=list(Platform))
            )
        ]
        indexes = [
            # all phones of the members of one batch
            models.Index(name="device_of_member", fields=["member"]),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.pk}"


class Mute(models.Model):
    member = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=12, choices=Topic.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_mute_per_topic_and_channel", fields=["member", "topic", "channel"]
            ),
            models.CheckConstraint(
                name="mute_of_known_topic",
                condition=Q(topic__in=list(Topic)) & ~Q(topic="security"),
            ),
            models.CheckConstraint(
                name="mute_on_known_channel", condition=Q(channel__in=list(Channel))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.channel}"


class StopCode(models.Model):
    """The end of the address in every advert by SMS to her: short, for a letter costs money."""

    member = models.OneToOneField(
        "accounts.User", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    code = models.CharField(max_length=10, unique=True, default=new_stop_code)

    def __str__(self) -> str:
        return f"stop code {self.pk}"


class Suppression(models.Model):
    """An address that bounced, complained or is barred by its operator. A digest: another address
    of the same member is not concerned."""

    member = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="+", verbose_name=_("member")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    address_index = models.CharField(max_length=64)
    reason = models.CharField(_("reason"), max_length=40)
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        constraints = [
            models.UniqueConstraint(
                name="one_suppression_per_address", fields=["channel", "address_index"]
            ),
            models.CheckConstraint(
                name="suppression_on_known_channel", condition=Q(channel__in=list(Channel))
            ),
        ]
        indexes = [models.Index(name="suppression_of_member", fields=["member"])]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} №{self.pk}"
