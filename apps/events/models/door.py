from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.events.enums import Scanned


class Scan(models.Model):
    """What a device at the door saw. The server never rejects what physically happened."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="scans")
    registration = models.ForeignKey(
        "events.EventRegistration", null=True, on_delete=models.SET_NULL, related_name="scans"
    )
    nonce = models.CharField(max_length=64)  # made by the device before it sends
    code_hash = models.CharField(max_length=64, blank=True)
    result = models.CharField(_("result"), max_length=16, choices=Scanned.choices)
    device = models.CharField(_("device"), max_length=60, blank=True)
    device_at = models.DateTimeField(_("device time"))
    server_at = models.DateTimeField(_("server time"))
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    manual = models.BooleanField(_("found by name, identity checked"), default=False)
    was_offline = models.BooleanField(_("offline"), default=False)
    would_refuse = models.BooleanField(_("would have been refused"), default=False)
    # two devices without a network let the same ticket in: this is the later one
    is_double = models.BooleanField(_("let in twice without a network"), default=False)
    clock_offset = models.IntegerField(
        _("device's clock ahead, seconds"), null=True, help_text=_("Measured when it was sent")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    annulled_at = models.DateTimeField(_("annulled"), null=True)

    class Meta:
        verbose_name = _("scan")
        verbose_name_plural = _("scans")
        constraints = [
            models.UniqueConstraint(name="one_scan_per_nonce", fields=["event", "nonce"]),
            models.UniqueConstraint(
                name="one_entry_per_registration",
                fields=["registration"],
                condition=Q(result=Scanned.OK, annulled_at__isnull=True),
            ),
        ]
        indexes = [models.Index(name="scan_of_event", fields=["event", "-server_at"])]

    def __str__(self) -> str:
        return self.get_result_display()


class Feedback(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    registration = models.OneToOneField(
        "events.EventRegistration", on_delete=models.CASCADE, related_name="feedback"
    )
    rating = models.PositiveSmallIntegerField(_("rating"))
    comment = models.CharField(_("comment"), max_length=1000, blank=True)
    given_at = models.DateTimeField(_("given"))
    changed_at = models.DateTimeField(null=True)
    answer = models.CharField(_("answer of the host"), max_length=1000, blank=True, db_default="")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("answered by"),
    )

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.CheckConstraint(
                name="rating_one_to_five", condition=Q(rating__gte=1, rating__lte=5)
            ),
            models.CheckConstraint(
                name="reply_has_its_moment",
                condition=Q(answer="", answered_at__isnull=True)
                | ~Q(answer="") & Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.rating)
