"""Sales.

* Transaction: one purchase of a member at a partner, from the till, the API, an import or a CRM.
* TransactionItem: a line of the receipt; clinics never have any (medical secrecy).
* Spending: how a sale was paid with bonuses, and by what the member confirmed it.
* Refund: goods that came back, whole or in part, with what that did to money and bonuses.
* FraudFlag: a pattern that somebody should look at; it never stops a sale.

Unique (business, key): a sale that arrives twice is one sale. `to_pay` is the money actually
paid: amount minus discount minus bonuses.
"""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import end_of, new_id
from apps.transactions import rules


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
    returned = models.DecimalField(
        _("returned, ₽"),
        max_digits=12,
        decimal_places=2,
        default=Decimal("0.00"),
        db_default=Decimal("0.00"),
        help_text=_("Of the sum: what came back so far"),
    )
    money_returned = models.DecimalField(
        _("handed back, ₽"),
        max_digits=12,
        decimal_places=2,
        default=Decimal("0.00"),
        db_default=Decimal("0.00"),
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

    # How many coupons its chains gave: whoever has just recorded it need not ask.
    brought: int | None = None

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
                name="sale_returns_within_sums",
                condition=Q(
                    returned__gte=0,
                    returned__lte=F("amount"),
                    money_returned__gte=0,
                    money_returned__lte=F("to_pay"),
                ),
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
            # the sale of a paper receipt
            models.Index(
                name="sale_by_receipt",
                fields=["business", "receipt_number"],
                condition=~Q(receipt_number=""),
            ),
            # what one person entered today
            models.Index(name="sale_by_staff", fields=["entered_by", "business", "-recorded_at"]),
        ]

    def __str__(self) -> str:
        return f"№{end_of(self.pk)}"

    @property
    def number(self) -> str:
        """What people read aloud: the last six signs of the id."""
        return end_of(self.pk)

    @property
    def code(self) -> str:
        """The same for a scanner, digits only: the end of the id in 13 digits, a check digit."""
        return rules.sale_code(self.pk)

    @property
    def money_left(self) -> Decimal:
        """What she paid and has not got back, ₽."""
        return self.to_pay - self.money_returned

    @property
    def amount_left(self) -> Decimal:
        """What of the sum can still come back, ₽."""
        return self.amount - self.returned


class TransactionItem(models.Model):
    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=60, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=3, default=1)
    price = models.DecimalField(_("price, ₽"), max_digits=12, decimal_places=2)

    def __str__(self) -> str:
        return self.name


class Way(models.TextChoices):
    """By what the member confirmed that her bonuses are spent."""

    HOLD = "hold", _("code of her hold")
    CARD = "card", _("code of her card")
    SMS = "sms", _("code by SMS")
    OWNER = "owner", _("owner's decision")


class Spending(models.Model):
    """One sale's payment with bonuses. `proof` is good for one sale: unique."""

    transaction = models.OneToOneField(
        Transaction, primary_key=True, on_delete=models.PROTECT, related_name="spending"
    )
    journal = models.OneToOneField("loyalty.Journal", on_delete=models.PROTECT, related_name="+")
    way = models.CharField(_("confirmed by"), max_length=8, choices=Way.choices)
    proof = models.UUIDField(unique=True, help_text="The hold, the shown card or the code by SMS")
    amount = models.DecimalField(_("bonuses"), max_digits=12, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    business = models.ForeignKey("businesses.Business", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("payment with bonuses")
        verbose_name_plural = _("payments with bonuses")
        constraints = [
            models.CheckConstraint(
                name="spending_way_known", condition=Q(way__in=[way for way, _n in Way.choices])
            ),
            models.CheckConstraint(name="spending_is_something", condition=Q(amount__gt=0)),
        ]
        indexes = [
            # what owners decided today at one business
            models.Index(
                name="spending_by_owner", fields=["business", "at"], condition=Q(way="owner")
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class Refund(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("sale")
    )
    key = models.CharField(max_length=120)
    amount = models.DecimalField(_("of the sum, ₽"), max_digits=12, decimal_places=2)
    money = models.DecimalField(_("handed back, ₽"), max_digits=12, decimal_places=2)
    bonus_taken = models.DecimalField(_("bonuses taken back"), max_digits=12, decimal_places=2)
    bonus_returned = models.DecimalField(_("bonuses returned"), max_digits=12, decimal_places=2)
    bonus_owed = models.DecimalField(
        _("still owed"),
        max_digits=12,
        decimal_places=2,
        help_text=_("Taken back later: she had spent them"),
    )
    is_undo = models.BooleanField(_("undone at the till"), default=False)
    reason = models.CharField(_("reason"), max_length=300)
    entered_by = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("entered by"),
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.UniqueConstraint(name="one_refund_per_key", fields=["transaction", "key"]),
            models.CheckConstraint(
                name="refund_sums_make_sense",
                condition=Q(
                    amount__gt=0,
                    money__gte=0,
                    bonus_taken__gte=0,
                    bonus_returned__gte=0,
                    bonus_owed__gte=0,
                    bonus_owed__lte=F("bonus_taken"),
                ),
            ),
        ]
        indexes = [
            # what one person undid today
            models.Index(name="refund_by_staff", fields=["entered_by", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.amount} ₽"


class FlagKind(models.TextChoices):
    SELF_SALE = "self_sale", _("tried to sell to herself")
    COLLEAGUE = "colleague", _("sale to a colleague of the same partner")
    MEMBER_OFTEN = "member_often", _("one member too often in an hour")
    PAIR_OFTEN = "pair_often", _("one cashier, one member, too often in a week")
    STAFF_OFTEN = "staff_often", _("too many sales by one person in an hour")
    REPEATED = "repeated", _("the same sum for the same member again")
    NO_RECEIPT = "no_receipt", _("large sale without a receipt number")
    NEAR_LIMIT = "near_limit", _("close to the limit of one sale")
    AT_NIGHT = "at_night", _("sale at night")
    BACKDATED = "backdated", _("entered much later than it happened")
    OWNER_SPEND = "owner_spend", _("bonuses spent by the owner's decision")
    SPENT_AND_RETURNED = "spent_and_returned", _("bonuses spent, then the goods returned")
    UNDONE_OFTEN = "undone_often", _("undoes sales too often")


class FraudFlag(models.Model):
    """Somebody should look at it. `facts` holds counts and sums, never a person's data."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("pattern"), max_length=24, choices=FlagKind.choices)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    staff = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who entered"),
    )
    member = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
    )
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        on_delete=models.PROTECT,
        related_name="flags",
        verbose_name=_("sale"),
    )
    facts = models.JSONField(_("figures"), default=dict)
    at = models.DateTimeField(_("when"))
    settled_at = models.DateTimeField(_("looked into"), null=True, blank=True)
    settled_by = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("by whom"),
    )
    verdict = models.CharField(_("finding"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("suspicion")
        verbose_name_plural = _("suspicions")
        constraints = [
            models.CheckConstraint(
                name="flag_kind_known",
                condition=Q(kind__in=[kind for kind, _n in FlagKind.choices]),
            ),
        ]
        indexes = [
            # the queue: what nobody has looked into, oldest first
            models.Index(name="flag_open", fields=["at"], condition=Q(settled_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
