"""Documents of the outside and what the ledger holds for them."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.crm.enums import Kind, Reason, RecordState
from apps.crm.models.integrations import CRMIntegration, SyncRun


class ExternalRecord(models.Model):
    """The phone is kept as the blind index only: guests who are no members have no name here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    integration = models.ForeignKey(
        CRMIntegration, on_delete=models.PROTECT, related_name="records"
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices, default=Kind.SALE)
    entity = models.CharField(_("kind of document there"), max_length=40)
    external_id = models.CharField(_("number there"), max_length=100)
    refund_of = models.CharField(_("return of"), max_length=100, blank=True)
    amount = models.DecimalField(_("sum, ₽"), max_digits=12, decimal_places=2)
    occurred_at = models.DateTimeField(_("occurred"))
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    gone = models.BooleanField(default=False, help_text="Cancelled there, or no longer listed")
    receipt_number = models.CharField(max_length=60, blank=True)
    customer_ref = models.CharField(max_length=100, blank=True)
    phone_index = models.CharField(max_length=64, blank=True)
    matched_by_hand = models.BooleanField(default=False)
    member = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
    )
    sale = models.ForeignKey(
        "transactions.Transaction",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("sale"),
    )
    applied = models.DecimalField(
        _("in the ledger, ₽"), max_digits=12, decimal_places=2, default=Decimal("0.00")
    )
    revision = models.PositiveIntegerField(default=0)
    state = models.CharField(_("state"), max_length=10, choices=RecordState.choices)
    reason = models.CharField(_("why"), max_length=16, choices=Reason.choices, blank=True)
    # the synchronisation that brought it or changed it last; none for the past that was read in
    run = models.ForeignKey(
        SyncRun,
        null=True,
        on_delete=models.SET_NULL,
        related_name="records",
        db_index=False,
        verbose_name=_("synchronisation"),
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("record of a CRM")
        verbose_name_plural = _("records of CRMs")
        constraints = [
            models.UniqueConstraint(
                name="one_record_per_document", fields=["integration", "entity", "external_id"]
            ),
            models.CheckConstraint(
                name="record_state_known", condition=Q(state__in=RecordState.values)
            ),
            models.CheckConstraint(name="record_kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="record_reason_known", condition=Q(reason="") | Q(reason__in=Reason.values)
            ),
            models.CheckConstraint(name="record_applied_not_negative", condition=Q(applied__gte=0)),
            models.CheckConstraint(
                name="applied_record_has_sale", condition=Q(applied=0) | Q(sale__isnull=False)
            ),
        ]
        indexes = [
            # what a window held when it was read last
            models.Index(name="record_by_moment", fields=["integration", "occurred_at"]),
            # the queue on the page, newest first
            models.Index(name="record_by_state", fields=["integration", "state", "-seen_at"]),
            # guests who join later
            models.Index(
                name="record_unclaimed", fields=["phone_index"], condition=Q(state="unclaimed")
            ),
            # returns of one sale
            models.Index(
                name="record_returns",
                fields=["integration", "refund_of"],
                condition=Q(kind="refund"),
            ),
            # what is held about a person; which record a sale came from
            models.Index(name="record_of_member", fields=["member"]),
            models.Index(name="record_of_sale", fields=["sale"]),
            # what a row of the log brought, newest first
            models.Index(
                name="record_of_run",
                fields=["run", "-occurred_at"],
                condition=Q(run__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} №{self.external_id}"


class Supplement(models.Model):
    """What was added when the sum of a record grew, as a sale of its own key."""

    record = models.ForeignKey(ExternalRecord, on_delete=models.CASCADE, related_name="supplements")
    sale = models.ForeignKey("transactions.Transaction", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("supplement")
        verbose_name_plural = _("supplements")
        constraints = [models.UniqueConstraint(name="one_supplement_per_sale", fields=["sale"])]

    def __str__(self) -> str:
        return str(self.sale_id)


class DuplicateMerge(models.Model):
    """`dropped` was returned whole because `kept` is the same purchase."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    record = models.ForeignKey(ExternalRecord, on_delete=models.PROTECT, related_name="merges")
    kept = models.ForeignKey("transactions.Transaction", on_delete=models.PROTECT, related_name="+")
    dropped = models.ForeignKey(
        "transactions.Transaction", on_delete=models.PROTECT, related_name="+"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    merged_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("undone by"),
    )

    class Meta:
        verbose_name = _("merged duplicate")
        verbose_name_plural = _("merged duplicates")
        constraints = [
            models.UniqueConstraint(name="one_merge_per_dropped_sale", fields=["dropped"])
        ]

    def __str__(self) -> str:
        return f"{self.dropped_id} → {self.kept_id}"
