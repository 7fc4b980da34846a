"""Bonuses that one member gave to another."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import end_of, new_id
from apps.loyalty.models.ledger import Journal


class Gift(models.Model):
    """The pair of journal rows that a gift is: lots closed at the sender, the same lots with their
    issuers and dates born at the receiver."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sender = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("from whom")
    )
    receiver = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("to whom")
    )
    amount = models.BigIntegerField(_("bonuses, kopecks"))
    # sealed with the receiver's key, emptied when either of them is erased
    message_sealed = models.CharField(max_length=2000, blank=True, editable=False)
    sent = models.OneToOneField(
        Journal, on_delete=models.PROTECT, related_name="gift_sent", verbose_name=_("taken by")
    )
    received = models.OneToOneField(
        Journal, on_delete=models.PROTECT, related_name="gift_received", verbose_name=_("given by")
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("gift")
        verbose_name_plural = _("gifts")
        constraints = [
            models.CheckConstraint(name="gift_gives_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="gift_goes_to_somebody_else", condition=~Q(sender=F("receiver"))
            ),
        ]
        indexes = [
            # what she gave today; her own list
            models.Index(name="gifts_sent", fields=["sender", "-at", "-id"]),
            models.Index(name="gifts_received", fields=["receiver", "-at", "-id"]),
        ]

    def __str__(self) -> str:
        return f"№{end_of(self.pk)}"
