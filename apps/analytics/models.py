"""What the loader of facts remembers.

* FactBatch: rows frozen for one insert into ClickHouse. Its id is the deduplication token: a
  batch is sent again with the same rows and the same token until it is known to have arrived.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class FactBatch(models.Model):
    class State(models.TextChoices):
        FROZEN = "frozen", _("frozen")
        LOADED = "loaded", _("loaded")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    table = models.CharField(_("table"), max_length=40)
    listener = models.CharField(max_length=120)
    rows = models.PositiveIntegerField(_("rows"))
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the rows as they were frozen")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.FROZEN)
    created_at = models.DateTimeField(_("frozen"), default=timezone.now)
    loaded_at = models.DateTimeField(_("loaded"), null=True)

    class Meta:
        verbose_name = _("batch of facts")
        verbose_name_plural = _("batches of facts")
        constraints = [
            models.CheckConstraint(
                name="loaded_batch_has_time",
                condition=(Q(state="loaded") & Q(loaded_at__isnull=False))
                | (Q(state="frozen") & Q(loaded_at__isnull=True)),
            )
        ]
        indexes = [
            models.Index(name="batch_frozen", fields=["created_at"], condition=Q(state="frozen")),
            models.Index(name="batch_newest", fields=["table", "-loaded_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.rows}"


class Snapshot(models.Model):
    """One nightly reckoning of one scope and day, with its summary: what stays readable when
    ClickHouse is down, and how a job that was killed knows where to go on. No business is the
    whole network."""

    class Kind(models.TextChoices):
        RFM = "rfm", _("guests by recency and frequency")
        DASHBOARD = "dashboard", _("dashboard")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    business = models.ForeignKey(
        "businesses.Business", null=True, on_delete=models.PROTECT, related_name="+"
    )
    day = models.DateField(_("day"))
    rows = models.PositiveIntegerField(_("rows"))
    summary = models.JSONField(default=dict, help_text="Counts and sums; no member")
    computed_at = models.DateTimeField(_("reckoned"))

    class Meta:
        verbose_name = _("nightly figures")
        verbose_name_plural = _("nightly figures")
        constraints = [
            models.UniqueConstraint(
                name="one_snapshot_a_day",
                fields=["kind", "business", "day"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="snapshot_kind_known", condition=Q(kind__in=["rfm", "dashboard"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"
