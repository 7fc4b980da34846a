"""Corrections of a balance by hand."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.ids import end_of, new_id
from apps.loyalty.models.ledger import Journal, Wallet


class AdjustmentState(models.TextChoices):
    WAITING = "waiting", _("waits for a second person")
    DONE = "done", pgettext_lazy("adjustment", "done")
    DECLINED = "declined", _("declined")


class Adjustment(models.Model):
    """What an admin asked to add to or take from a wallet. A large one is carried out by another
    admin; the network pays for what is added."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, related_name="adjustments", verbose_name=_("wallet")
    )
    amount = models.BigIntegerField(_("bonuses, kopecks, signed"))
    reason = models.CharField(_("reason"), max_length=500)
    key = models.CharField(max_length=255, unique=True)
    state = models.CharField(
        _("state"),
        max_length=8,
        choices=AdjustmentState.choices,
        default=AdjustmentState.WAITING,
    )
    asked_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    decided_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    journal = models.OneToOneField(
        Journal,
        null=True,
        on_delete=models.PROTECT,
        related_name="adjustment",
        verbose_name=_("operation"),
    )

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        constraints = [
            models.CheckConstraint(name="adjustment_moves_something", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="adjustment_state_known",
                condition=Q(state__in=[state for state, _n in AdjustmentState.choices]),
            ),
            models.CheckConstraint(
                name="adjustment_decided_by_another", condition=~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="adjustment_done_has_operation",
                condition=Q(state="done", journal__isnull=False)
                | (~Q(state="done") & Q(journal__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(name="adjustments_by_state", fields=["state", "-asked_at", "-id"]),
            # what one admin did alone today
            models.Index(name="adjustments_by_asker", fields=["asked_by", "wallet", "asked_at"]),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"№{end_of(self.pk)}"
