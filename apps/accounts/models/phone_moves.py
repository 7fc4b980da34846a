"""A new number asked for without the old one at hand."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts import rules


class PhoneMove(models.Model):
    """It waits 72 hours, while her devices and the old number are told; one a person. The new
    number is sealed with her own key."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    session = models.ForeignKey(
        "accounts.Session", on_delete=models.CASCADE, related_name="+", help_text="Where she asked"
    )
    phone_sealed = models.CharField(max_length=120)
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="phone_move_waits", condition=models.Q(due_at__gt=models.F("asked_at"))
            ),
        ]
        indexes = [models.Index(name="phone_moves_due", fields=["due_at"])]

    def __str__(self) -> str:
        return f"phone move {self.pk}"

    @property
    def masked(self) -> str:
        """The new number as it may be shown."""
        return rules.mask_phone(self.user.open_own("phone_move", self.phone_sealed))
