"""Badges: what a member is proud of.

Progress is never stored: it is read from her purchases, invitations and marks (facts of events and
gifts, one row a fact), so that a rebuild gives the same.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.loyalty.enums import BadgePeriod
from apps.loyalty.models.ledger import Journal


class Badge(models.Model):
    code = models.CharField(_("code"), max_length=20, primary_key=True)
    name_ru = models.CharField(_("name in Russian"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    text_ru = models.CharField(_("text in Russian"), max_length=200)
    text_en = models.CharField(_("text in English"), max_length=200)
    period = models.CharField(_("how often"), max_length=8, choices=BadgePeriod.choices)
    target = models.PositiveSmallIntegerField(_("target"))
    bonus = models.DecimalField(_("bonuses"), max_digits=12, decimal_places=2)
    rolls_back = models.BooleanField(_("taken back after a return"))
    position = models.PositiveSmallIntegerField(_("position"), unique=True)
    is_active = models.BooleanField(_("can be earned"), default=True)

    class Meta:
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                name="badge_target_and_bonus", condition=Q(target__gte=1, bonus__gte=0)
            ),
            models.CheckConstraint(
                name="badge_period_known",
                condition=Q(period__in=[period for period, _n in BadgePeriod.choices]),
            ),
        ]

    def __str__(self) -> str:
        return self.name_ru


class BadgeMark(models.Model):
    member = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    badge = models.ForeignKey(Badge, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=40, help_text="Id of what happened")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_mark_per_fact", fields=["member", "badge", "key"])
        ]

    def __str__(self) -> str:
        return f"{self.badge_id} {self.key}"


class BadgeAward(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    badge = models.ForeignKey(
        Badge, on_delete=models.PROTECT, related_name="awards", verbose_name=_("badge")
    )
    period = models.CharField(_("period"), max_length=8, blank=True)
    at = models.DateTimeField(_("earned"), default=timezone.now)
    revoked_at = models.DateTimeField(_("taken back"), null=True)
    times = models.PositiveSmallIntegerField(default=1, help_text="Given, counting returns")
    journal = models.ForeignKey(Journal, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("earned badge")
        verbose_name_plural = _("earned badges")
        constraints = [
            models.UniqueConstraint(
                name="one_award_per_period", fields=["member", "badge", "period"]
            )
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"
