"""What somebody is in the middle of writing on a page of several steps.

* Draft: the fields of a constructor as they were typed, right or wrong. The server keeps them at
  every step, so that going back, reloading or another computer lose nothing; it goes when the
  thing itself is saved.
* SavedView: filters of a list that somebody keeps under a name, for one business.
* Export: a file that was too large to wait for; made in the background, gone after a day.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class DraftKind(models.TextChoices):
    OFFER = "offer", _("offer")
    CHAIN = "chain", _("cross-promo chain")
    CAMPAIGN = "campaign", _("coupon campaign")


class Draft(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("business"),
    )
    kind = models.CharField(_("what is written"), max_length=10, choices=DraftKind.choices)
    subject = models.UUIDField(null=True, help_text="What is being changed; empty: something new")
    seen = models.PositiveIntegerField(
        null=True, help_text="The version or revision of the subject that she had before her"
    )
    data = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("written by"),
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        verbose_name = _("draft of a page")
        verbose_name_plural = _("drafts of pages")
        constraints = [
            models.CheckConstraint(
                name="draft_kind_known",
                condition=Q(kind__in=[kind for kind, _name in DraftKind.choices]),
            ),
        ]
        indexes = [
            models.Index(name="draft_of_business", fields=["business", "kind", "-updated_at"])
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    def get(self, name: str, default: Any = "") -> Any:
        return self.data.get(name, default)


class SavedView(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    business = models.ForeignKey("businesses.Business", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=600, blank=True, help_text="The address after its ?")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="one_view_a_name", fields=["user", "business", "name"])
        ]

    def __str__(self) -> str:
        return self.name


class ExportKind(models.TextChoices):
    SALES = "sales", _("sales")
    GUESTS = "guests", _("guests")


class Export(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    business = models.ForeignKey("businesses.Business", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(
        _("of what"),
        max_length=6,
        choices=ExportKind.choices,
        default=ExportKind.SALES,
        db_default=ExportKind.SALES,
    )
    query = models.CharField(max_length=600, blank=True)
    rows = models.PositiveIntegerField(_("rows"))
    file = models.BinaryField(null=True, help_text="CSV, compressed and sealed")
    asked_at = models.DateTimeField(default=timezone.now)
    made_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(_("ends"))

    class Meta:
        verbose_name = _("file asked for")
        verbose_name_plural = _("files asked for")
        constraints = [
            models.CheckConstraint(
                name="export_kind_known", condition=Q(kind__in=ExportKind.values)
            ),
        ]
        indexes = [models.Index(name="export_of_user", fields=["user", "-asked_at"])]

    def __str__(self) -> str:
        return f"{self.business} {self.rows}"

    @property
    def is_ready(self) -> bool:
        return self.made_at is not None
