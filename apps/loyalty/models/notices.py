"""What a member was warned of, so that the clock may ring twice."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """One warning: bonuses that lapse at `due_at`, or a tier that falls then, `days` ahead."""

    class Kind(models.TextChoices):
        EXPIRY = "expiry", _("bonuses lapse")
        TIER = "tier", _("a tier falls")

    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    due_at = models.DateTimeField(_("what happens then"))
    days = models.PositiveSmallIntegerField(_("days ahead"))
    at = models.DateTimeField(_("warned"))

    class Meta:
        verbose_name = _("warning")
        verbose_name_plural = _("warnings")
        constraints = [
            # also: what a member was warned of lately
            models.UniqueConstraint(
                name="warned_once", fields=["member", "kind", "due_at", "days"]
            ),
            models.CheckConstraint(
                name="notice_kind_known", condition=Q(kind__in=["expiry", "tier"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.due_at:%d.%m.%Y}"
