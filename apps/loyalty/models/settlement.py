"""Mutual settlement of partners: who issued a bonus owes whoever accepted it.

* Terms: how one partner settles: prepaid or postpaid, limit, deposit, whether it still issues.
  Its exposure is a figure of the last minute, kept here by a job.
* Claim: what one partner owes another beside bonuses: its share of a discount that the other gave,
  a fee for a guest sent. What turns out not to be owed is met by a counter-claim, never changed.
* Statement: one closed month of the whole network.
* StatementLine: what a pair settles for one reason: bonuses (the issuer owes the acceptor),
  discounts, fees; confirmed by both, or disputed by one: then what it is made of waits for the
  next statement.
* Settled: a posting that a statement holds; in one statement at most (primary key). A claim says
  itself which statement holds it.

Membership is by these rows, never by a range of ids: ids commit out of order. Sums of lines are
whole kopecks, signed: a bonus accepted in October and returned in November is owed the other way.
"""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.loyalty.models.ledger import Posting


class Mode(models.TextChoices):
    POSTPAID = "postpaid", _("postpaid")
    PREPAID = "prepaid", _("prepaid")


class WhenOver(models.TextChoices):
    """What happens to the bonuses of a prepaid partner whose deposit is used up."""

    REFUSE = "refuse", _("no bonuses are issued")
    RESERVE = "reserve", _("the network issues and pays for them")


class LineKind(models.TextChoices):
    """What is owed for."""

    BONUS = "bonus", _("bonuses accepted")
    DISCOUNT = "discount", _("discounts by coupons")
    FEE = "fee", _("guests sent")


class Terms(models.Model):
    business = models.OneToOneField(
        "businesses.Business",
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("business"),
    )
    mode = models.CharField(_("pays"), max_length=8, choices=Mode.choices, default=Mode.POSTPAID)
    credit_limit = models.DecimalField(
        _("credit limit, ₽"),
        null=True,
        blank=True,
        max_digits=14,
        decimal_places=2,
        help_text=_("Postpaid: above it an alert is raised; empty is no limit"),
    )
    deposit = models.DecimalField(
        _("deposit, ₽"),
        default=Decimal("0.00"),
        max_digits=14,
        decimal_places=2,
        help_text=_("Prepaid: bonuses are issued while it covers what is owed and outstanding"),
    )
    when_over = models.CharField(
        _("when the deposit is used up"),
        max_length=8,
        choices=WhenOver.choices,
        default=WhenOver.REFUSE,
    )
    run_off_since = models.DateTimeField(_("leaves since"), null=True, blank=True)
    run_off_until = models.DateTimeField(_("its last bonus lapses"), null=True, blank=True)
    outstanding = models.DecimalField(
        _("outstanding bonuses, ₽"), default=Decimal("0.00"), max_digits=14, decimal_places=2
    )
    payable = models.DecimalField(
        _("not settled yet, ₽"), default=Decimal("0.00"), max_digits=14, decimal_places=2
    )
    stop = models.CharField(
        max_length=8, blank=True, choices=WhenOver.choices, help_text="Empty: it issues as usual"
    )
    reckoned_at = models.DateTimeField(_("reckoned"), null=True)

    class Meta:
        verbose_name = _("terms of settlement")
        verbose_name_plural = _("terms of settlement")
        constraints = [
            models.CheckConstraint(
                name="terms_mode_known", condition=Q(mode__in=[mode for mode, _n in Mode.choices])
            ),
            models.CheckConstraint(
                name="terms_when_over_known",
                condition=Q(when_over__in=[name for name, _n in WhenOver.choices]),
            ),
            models.CheckConstraint(
                name="terms_stop_known",
                condition=Q(stop__in=["", *[name for name, _n in WhenOver.choices]]),
            ),
            models.CheckConstraint(
                name="terms_sums_not_negative",
                condition=Q(deposit__gte=0, outstanding__gte=0)
                & (Q(credit_limit__isnull=True) | Q(credit_limit__gte=0)),
            ),
            models.CheckConstraint(
                name="terms_leaving_partner_issues_nothing",
                condition=Q(run_off_since__isnull=True) | Q(stop=WhenOver.REFUSE),
            ),
        ]
        indexes = [
            # read with the lock of every accrual: almost always empty
            models.Index(name="terms_stopped", fields=["business"], condition=~Q(stop="")),
        ]

    def __str__(self) -> str:
        return str(self.business)

    @property
    def exposure(self) -> Decimal:
        """What the network may have to collect from it, ₽: outstanding and not settled yet."""
        return self.outstanding + self.payable

    @property
    def limit(self) -> Decimal | None:
        """Up to which its exposure is covered, ₽; None is no limit."""
        return self.deposit if self.mode == Mode.PREPAID else self.credit_limit

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.exposure > self.limit


class Statement(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    month = models.DateField(_("month"), help_text="Its first day")
    closed_at = models.DateTimeField(_("closed"), default=timezone.now)

    class Meta:
        verbose_name = _("statement of a month")
        verbose_name_plural = _("statements of months")
        ordering = ["-month"]
        constraints = [
            models.UniqueConstraint(name="one_statement_per_month", fields=["month"]),
            models.CheckConstraint(
                name="statement_month_is_its_first_day", condition=Q(month__day=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%m.%Y}"


class StatementLine(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    debtor = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who owes"),
    )
    creditor = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("to whom"),
    )
    kind = models.CharField(
        _("for what"), max_length=8, choices=LineKind.choices, default=LineKind.BONUS
    )
    bonuses = models.BigIntegerField(_("bonuses, kopecks"))
    amount = models.BigIntegerField(_("owed, kopecks"))
    postings = models.PositiveIntegerField(
        _("postings"), help_text="Or claims, in a line that is not of bonuses"
    )
    digest = models.CharField(
        _("digest"),
        max_length=64,
        help_text="SHA-256 of its postings or claims: number, sum, price",
    )
    carried = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="went_to",
        verbose_name=_("with the disputed line"),
    )
    debtor_confirmed_at = models.DateTimeField(_("confirmed by who owes"), null=True)
    creditor_confirmed_at = models.DateTimeField(_("confirmed by who is owed"), null=True)
    disputed_at = models.DateTimeField(_("disputed"), null=True)
    disputed_by = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("disputed by"),
    )
    dispute_reason = models.CharField(_("why it is disputed"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("line of a statement")
        verbose_name_plural = _("lines of statements")
        constraints = [
            models.UniqueConstraint(
                name="one_line_per_pair", fields=["statement", "debtor", "creditor", "kind"]
            ),
            models.CheckConstraint(
                name="line_kind_known",
                condition=Q(kind__in=[kind for kind, _name in LineKind.choices]),
            ),
            models.CheckConstraint(
                name="disputed_line_says_who_and_why",
                condition=Q(disputed_at__isnull=True, disputed_by__isnull=True, dispute_reason="")
                | (Q(disputed_at__isnull=False, disputed_by__isnull=False) & ~Q(dispute_reason="")),
            ),
            models.CheckConstraint(
                name="dispute_comes_from_the_pair",
                condition=Q(disputed_by__isnull=True)
                | Q(disputed_by=F("debtor"))
                | Q(disputed_by=F("creditor")),
            ),
            models.CheckConstraint(
                name="agreed_line_is_not_disputed",
                condition=Q(disputed_at__isnull=True)
                | Q(debtor_confirmed_at__isnull=True)
                | Q(creditor_confirmed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.debtor} → {self.creditor}"

    @property
    def state(self) -> str:
        """open, disputed or confirmed (by both)."""
        if self.disputed_at:
            return "disputed"
        return "confirmed" if self.debtor_confirmed_at and self.creditor_confirmed_at else "open"


class Settled(models.Model):
    posting = models.OneToOneField(
        Posting, primary_key=True, on_delete=models.PROTECT, related_name="settled"
    )
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="settled")

    class Meta:
        verbose_name = _("settled posting")
        verbose_name_plural = _("settled postings")

    def __str__(self) -> str:
        return str(self.pk)


class Claim(models.Model):
    id = models.BigAutoField(primary_key=True)
    debtor = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who owes"),
    )
    creditor = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("to whom"),
    )
    kind = models.CharField(_("for what"), max_length=8, choices=LineKind.choices)
    amount = models.BigIntegerField(_("kopecks"), help_text="Below zero: a counter-claim")
    ref = models.UUIDField(_("use of a coupon"))
    recorded_at = models.DateTimeField(_("booked"))
    statement = models.ForeignKey(
        Statement, null=True, on_delete=models.PROTECT, related_name="claims"
    )

    class Meta:
        verbose_name = _("claim of a partner")
        verbose_name_plural = _("claims of partners")
        constraints = [
            models.CheckConstraint(name="claim_is_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(name="claim_is_between_two", condition=~Q(debtor=F("creditor"))),
            models.CheckConstraint(
                name="claim_kind_known", condition=Q(kind__in=[LineKind.DISCOUNT, LineKind.FEE])
            ),
        ]
        indexes = [
            # what the next close takes, and the minute's exposure
            models.Index(name="claim_open", fields=["debtor"], condition=Q(statement=None)),
            # the claims behind a line
            models.Index(name="claim_of_line", fields=["statement", "debtor", "creditor", "kind"]),
        ]

    def __str__(self) -> str:
        return f"{self.debtor} → {self.creditor}"
