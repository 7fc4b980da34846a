"""What analytics remembers in PostgreSQL.

* Snapshot: one nightly reckoning of a scope and day, with its summary.
* Export: a long table on its way to whoever asked for it.
* FeedMark: how far rows that are loaded by their numbers have come.
* ChurnModel: a fitted model as a JSON document with its checksum; nothing of it is ever executed.
* ChurnRisk: the guests of a scope whose leaving would cost most, as of the newest night.
* FactBatch: rows frozen for one insert into ClickHouse. Its id is the deduplication token: a
  batch is sent again with the same rows and the same token until it is known to have arrived.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.analytics.enums import Band
from apps.core.ids import end_of, new_id


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
        return f"№{end_of(self.pk)}"


class FeedMark(models.Model):
    """How far a feed is loaded; and a number that is waited for, with who was writing when it was
    seen (virtual transactions of PostgreSQL)."""

    feed = models.CharField(max_length=40, primary_key=True)
    loaded = models.BigIntegerField(default=0)
    waiting = models.BigIntegerField(default=0)
    writers = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(name="mark_never_negative", condition=Q(loaded__gte=0))
        ]

    def __str__(self) -> str:
        return f"{self.feed} {self.loaded}"


class Snapshot(models.Model):
    """One nightly reckoning of one scope and day, with its summary: what stays readable when
    ClickHouse is down, and how a job that was killed knows where to go on. No business is the
    whole network."""

    class Kind(models.TextChoices):
        RFM = "rfm", _("guests by recency and frequency")
        DASHBOARD = "dashboard", _("dashboard")
        CHURN = "churn", _("guests at risk")
        CHECK = "churn_check", _("how the forecast came true")
        RECONCILED = "reconciled", _("facts against books")
        WORTH = "worth", _("what a guest is worth")

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
                name="snapshot_kind_known",
                condition=Q(
                    kind__in=["rfm", "dashboard", "churn", "churn_check", "reconciled", "worth"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class ChurnModel(models.Model):
    """One fit. Published ones score guests; a refused one says why and changes nothing."""

    class Scope(models.TextChoices):
        NETWORK = "network", _("network")
        BUSINESS = "business", _("partners together")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scope = models.CharField(_("scope"), max_length=8, choices=Scope.choices)
    fitted_on = models.DateField(_("as of"), help_text="Nothing later was seen")
    document = models.JSONField(help_text="Features, scales, coefficients, cuts, metrics")
    checksum = models.CharField(max_length=64, help_text="SHA-256 of the document")
    refused_because = models.CharField(_("refused because"), max_length=40, blank=True)
    published_at = models.DateTimeField(_("published"), null=True)
    created_at = models.DateTimeField(_("fitted"), default=timezone.now)

    class Meta:
        verbose_name = _("model of leaving")
        verbose_name_plural = _("models of leaving")
        constraints = [
            models.CheckConstraint(
                name="model_scope_known", condition=Q(scope__in=["network", "business"])
            ),
            models.CheckConstraint(
                name="refused_model_is_not_published",
                condition=Q(refused_because="") | Q(published_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="model_in_force",
                fields=["scope", "-fitted_on"],
                condition=Q(published_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.fitted_on}"


class ChurnRisk(models.Model):
    business = models.ForeignKey(
        "businesses.Business", null=True, on_delete=models.PROTECT, related_name="+"
    )
    member = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="+", verbose_name=_("member")
    )
    rank = models.PositiveIntegerField(help_text="1 is who would cost most")
    day = models.DateField(_("day"))
    probability = models.DecimalField(_("probability"), max_digits=6, decimal_places=5)
    band = models.CharField(_("risk"), max_length=6, choices=Band.choices)
    reasons = models.JSONField(default=list)
    recency = models.PositiveIntegerField(help_text="Days since her last purchase")
    visits = models.PositiveIntegerField(help_text="Days with purchases in the last 365")
    monthly = models.DecimalField(_("₽ a month"), max_digits=12, decimal_places=2)
    held_out = models.BooleanField(help_text="Nobody asks her to come back: she is the control")

    class Meta:
        verbose_name = _("guest at risk")
        verbose_name_plural = _("guests at risk")
        constraints = [
            models.UniqueConstraint(
                name="one_risk_a_scope", fields=["business", "member"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="risk_is_a_probability", condition=Q(probability__gte=0, probability__lte=1)
            ),
            models.CheckConstraint(
                name="risk_band_known", condition=Q(band__in=[band.value for band in Band])
            ),
        ]
        indexes = [models.Index(name="risk_by_rank", fields=["business", "rank"])]

    def __str__(self) -> str:
        return f"{self.band} {self.day}"


class Export(models.Model):
    """A table too long to be waited for: written by a worker, kept for a week, told of by a
    message. It belongs to whoever asked."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business", null=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_by = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=4)
    day = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField()
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="export_state_known", condition=Q(state__in=["waiting", "ready", "failed"])
            ),
            models.CheckConstraint(
                name="ready_export_has_a_body", condition=~Q(state="ready") | Q(body__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.state}"
