"""Invitations of friends.

* ReferralCode: what a member tells her friends; made when she first asks for it.
* Referral: one invited member, once in her life; depth is one: nobody earns on friends of friends.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.loyalty.enums import ReferralState
from apps.loyalty.models.ledger import Journal


class ReferralCode(models.Model):
    member = models.OneToOneField(
        "accounts.User",
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("member"),
    )
    code = models.CharField(_("code"), max_length=12, unique=True)

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")

    def __str__(self) -> str:
        return self.code


class Referral(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    inviter = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("inviter")
    )
    invited = models.OneToOneField(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("invited")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ReferralState.choices, default=ReferralState.WAITING
    )
    why = models.CharField(_("why refused"), max_length=10, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), default=timezone.now)
    lapses_at = models.DateTimeField(_("lapses"))
    device_hash = models.CharField(max_length=64, blank=True, editable=False)
    phone_hash = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Knows a number that joins again"
    )
    sale = models.CharField(_("purchase"), max_length=36, blank=True)
    rewarded_at = models.DateTimeField(_("rewarded"), null=True)
    inviter_journal = models.ForeignKey(
        Journal, null=True, on_delete=models.PROTECT, related_name="+"
    )
    invited_journal = models.ForeignKey(
        Journal, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(
                name="referral_state_known",
                condition=Q(state__in=[state for state, _n in ReferralState.choices]),
            ),
            models.CheckConstraint(
                name="nobody_invites_herself", condition=~Q(inviter=F("invited"))
            ),
            models.UniqueConstraint(
                name="one_referral_per_number",
                fields=["phone_hash"],
                condition=~Q(phone_hash="") & ~Q(state=ReferralState.REFUSED),
            ),
        ]
        indexes = [
            models.Index(name="referral_of_inviter", fields=["inviter", "state"]),
            models.Index(
                name="referral_by_device", fields=["device_hash"], condition=~Q(device_hash="")
            ),
            models.Index(name="referral_by_sale", fields=["sale"], condition=~Q(sale="")),
        ]

    def __str__(self) -> str:
        return f"{self.inviter} → {self.invited}"
