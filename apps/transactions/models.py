"""Sales.

* Transaction: one purchase of a member at a partner, from the till, the API, an import or a CRM.
* TransactionItem: a line of the receipt; clinics never have any (medical secrecy).

Unique (business, key): a sale that arrives twice is one sale. `to_pay` is the money actually
paid: amount minus discount minus bonuses.
"""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class Status(models.TextChoices):
    COMPLETED = "completed", _("completed")
    PARTLY_REFUNDED = "partly_refunded", _("partly returned")
    REFUNDED = "refunded", _("returned")


class Source(models.TextChoices):
    TILL = "till", _("till")
    API = "api", _("application")
    IMPORT = "import", _("import")
    CRM = "crm", _("CRM")


class Transaction(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    location = models.ForeignKey(
        "businesses.Location",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("location"),
    )
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    amount = models.DecimalField(_("sum, ₽"), max_digits=12, decimal_places=2)
    discount = models.DecimalField(
        _("discount, ₽"), max_digits=12, decimal_places=2, default=Decimal("0.00")
    )
    bonus_spent = models.DecimalField(
        _("paid with bonuses"), max_digits=12, decimal_places=2, default=Decimal("0.00")
    )
    to_pay = models.DecimalField(_("paid, ₽"), max_digits=12, decimal_places=2)
    bonus_accrued = models.DecimalField(
        _("bonuses"), max_digits=12, decimal_places=2, default=Decimal("0.00")
    )
    status = models.CharField(
        _("state"), max_length=16, choices=Status.choices, default=Status.COMPLETED
    )
    source = models.CharField(_("source"), max_length=8, choices=Source.choices)
    key = models.CharField(max_length=120, help_text="Natural key within the business")
    receipt_number = models.CharField(_("receipt number"), max_length=60, blank=True)
    entered_by = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("entered by"),
    )
    pending_until = models.DateTimeField(_("bonuses wake"), null=True)
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("sale")
        verbose_name_plural = _("sales")
        constraints = [
            models.UniqueConstraint(name="one_sale_per_key", fields=["business", "key"]),
            models.CheckConstraint(
                name="sale_sums_not_negative",
                condition=Q(
                    amount__gte=0,
                    discount__gte=0,
                    bonus_spent__gte=0,
                    to_pay__gte=0,
                    bonus_accrued__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="sale_adds_up",
                condition=Q(amount=F("to_pay") + F("discount") + F("bonus_spent")),
            ),
            models.CheckConstraint(
                name="sale_status_known",
                condition=Q(status__in=[status for status, _n in Status.choices]),
            ),
            models.CheckConstraint(
                name="sale_source_known",
                condition=Q(source__in=[source for source, _n in Source.choices]),
            ),
        ]
        indexes = [
            # a member's purchases, newest first
            models.Index(name="sale_of_member", fields=["member", "-occurred_at", "-id"]),
            # a business's sales, newest first; daily sums for reconciliation
            models.Index(name="sale_of_business", fields=["business", "-occurred_at", "-id"]),
            # what one person entered today
            models.Index(name="sale_by_staff", fields=["entered_by", "business", "-recorded_at"]),
        ]

    def __str__(self) -> str:
        return f"№{str(self.pk)[-6:].upper()}"

    @property
    def number(self) -> str:
        """What people read aloud: the last six signs of the id."""
        return str(self.pk)[-6:].upper()


class TransactionItem(models.Model):
    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=60, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=3, default=1)
    price = models.DecimalField(_("price, ₽"), max_digits=12, decimal_places=2)

    def __str__(self) -> str:
        return self.name
