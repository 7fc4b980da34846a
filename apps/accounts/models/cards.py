"""The member's card as a changing code."""

from django.conf import settings
from django.db import models


class MemberCard(models.Model):
    """The secret behind a member's changing QR, sealed with her own data key, and the newest step
    that a till took: an older or equal one is not taken again."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    secret_sealed = models.CharField(max_length=200, editable=False)
    used_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"card of {self.pk}"
