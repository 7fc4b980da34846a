"""A way in for somebody who was let work somewhere."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.ids import new_id


class Invitation(models.Model):
    """A link that sets her first password: for a day, once, only while she has none. The link
    itself is in her phone alone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", help_text="Who may"
    )
    business_id = models.UUIDField(help_text="Where she was invited")
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invitation_ends", condition=models.Q(expires_at__gt=models.F("made_at"))
            ),
        ]
        indexes = [models.Index(name="invitation_of_user", fields=["user", "-made_at"])]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
