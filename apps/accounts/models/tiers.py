"""What a tier was worth before, and who stood on which tier when. Rows are added, never changed."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import StatusTier, User


class TierVersion(models.Model):
    """Terms of a tier that another version replaced. The terms of today stand in StatusTier."""

    tier = models.ForeignKey(
        StatusTier, on_delete=models.PROTECT, related_name="versions", verbose_name=_("tier")
    )
    name = models.CharField(_("name"), max_length=40)
    rate_bp = models.PositiveSmallIntegerField(_("rate, hundredths of a percent"))
    threshold = models.DecimalField(
        _("threshold, ₽ in 12 months"), max_digits=12, decimal_places=2, null=True
    )
    min_partners = models.PositiveSmallIntegerField(_("least partners"))
    vote_weight = models.PositiveSmallIntegerField(_("vote weight"))
    since = models.DateTimeField(_("in force from"))
    until = models.DateTimeField(_("in force until"))
    replaced_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("replaced by")
    )
    reason = models.CharField(_("reason of the change"), max_length=500)

    class Meta:
        verbose_name = _("former terms of a tier")
        verbose_name_plural = _("former terms of tiers")
        constraints = [
            models.CheckConstraint(
                name="tier_terms_begin_before_they_end", condition=Q(since__lte=F("until"))
            ),
            # which terms held at a moment; also: nothing is replaced twice at once
            models.UniqueConstraint(name="tier_terms_end_once", fields=["tier", "until"]),
        ]
        triggers = [
            pgtrigger.Protect(
                name="tier_version_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return self.name


class TierChange(models.Model):
    """One step of a member from a tier to another. Nobody who never moved has a row."""

    member = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="tier_changes", verbose_name=_("member")
    )
    before = models.ForeignKey(
        StatusTier, on_delete=models.PROTECT, related_name="+", verbose_name=_("from the tier")
    )
    after = models.ForeignKey(
        StatusTier, on_delete=models.PROTECT, related_name="+", verbose_name=_("to the tier")
    )
    reason = models.CharField(_("reason"), max_length=40, help_text="A word, never a sentence")
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("change of a tier")
        verbose_name_plural = _("changes of tiers")
        constraints = [
            models.CheckConstraint(
                name="tier_change_changes_something", condition=~Q(before=F("after"))
            )
        ]
        indexes = [
            # the tier of a member at a moment
            models.Index(name="tier_changes_of_member", fields=["member", "-at", "-id"])
        ]
        triggers = [
            pgtrigger.Protect(
                name="tier_change_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
