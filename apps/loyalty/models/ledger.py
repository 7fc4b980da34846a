"""The ledger (loyalty.md part 3). Sums in these tables are whole kopecks, bigint.

A lot is a tiny balance sheet of six boxes, a posting is an arrow between two of its boxes, the
wallet row is the only lock.

* Wallet: one member's derived totals and the lock target.
* Journal: one operation; unique (scope, key) makes every operation happen once.
* Lot: bonuses born together: issuer (who pays), six boxes, when they wake and when they lapse.
* Posting: an amount moved along one of eleven legal arrows.
* Hold: bonuses set aside for 15 minutes under a code.
* Debt: what a member owes a creditor after a return of goods whose bonus was already spent.

Invariants, held by the database: six boxes are never negative and sum to the amount; wallet is
the sum of its lots; postings and journal rows are never changed; lots and wallets move by
triggers only (migration 0002). Python asks, the database refuses.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import end_of, new_id
from apps.loyalty.enums import ARROWS, Box, Kind
from apps.loyalty.rules import new_hold_code


class Wallet(models.Model):
    member = models.OneToOneField(
        "accounts.User",
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
    )
    pending = models.BigIntegerField(_("pending, kopecks"), default=0)
    available = models.BigIntegerField(_("available, kopecks"), default=0)
    held = models.BigIntegerField(_("held, kopecks"), default=0)
    debt = models.BigIntegerField(_("debt, kopecks"), default=0)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.CheckConstraint(
                name="wallet_never_negative",
                condition=Q(pending__gte=0, available__gte=0, held__gte=0, debt__gte=0),
            )
        ]

    def __str__(self) -> str:
        return f"№{end_of(self.pk)}"


class Journal(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    wallet = models.ForeignKey(
        Wallet,
        null=True,
        on_delete=models.PROTECT,
        related_name="journal",
        verbose_name=_("wallet"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    scope = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    business = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    ref = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="resolved_by")
    amount = models.BigIntegerField(_("bonuses, kopecks"))
    paid = models.BigIntegerField(
        _("money paid, kopecks"), default=0, help_text="Base of an accrual; counts towards the tier"
    )
    rule = models.JSONField(default=dict, help_text="Snapshot of the rule; no personal data")
    occurred_at = models.DateTimeField(_("occurred"))
    posted_at = models.DateTimeField(_("posted"), default=timezone.now)

    class Meta:
        verbose_name = _("journal row")
        verbose_name_plural = _("journal")
        constraints = [
            models.UniqueConstraint(name="one_effect_per_key", fields=["scope", "key"]),
            models.UniqueConstraint(
                name="hold_resolves_once",
                fields=["ref"],
                condition=Q(kind__in=[Kind.CAPTURE, Kind.RELEASE]),
            ),
            models.CheckConstraint(
                name="journal_kind_known", condition=Q(kind__in=[kind for kind, _n in Kind.choices])
            ),
            models.CheckConstraint(
                name="journal_sums_not_negative", condition=Q(amount__gte=0, paid__gte=0)
            ),
        ]
        indexes = [
            # history of a member, newest first
            models.Index(name="journal_of_wallet", fields=["wallet", "-posted_at", "-id"]),
            # the rolling window of the tiers
            models.Index(
                name="journal_earned",
                fields=["wallet", "occurred_at"],
                include=["paid", "business", "id"],
                condition=Q(kind=Kind.EARN),
            ),
            # what of it came back
            models.Index(
                name="journal_taken_back",
                fields=["wallet", "ref"],
                include=["paid"],
                condition=Q(kind=Kind.CLAWBACK),
            ),
            models.Index(name="journal_of_business", fields=["business", "posted_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} №{end_of(self.pk)}"


class Lot(models.Model):
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="lots")
    issuer = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("issuer"),
        help_text="Who pays for these bonuses",
    )
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="lots")
    amount = models.BigIntegerField(_("issued, kopecks"))
    pending = models.BigIntegerField(_("pending"))
    available = models.BigIntegerField(_("available"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    spent = models.BigIntegerField(_("spent"), default=0)
    expired = models.BigIntegerField(_("expired"), default=0)
    revoked = models.BigIntegerField(_("revoked"), default=0)
    clawed = models.BigIntegerField(_("taken back"), default=0)
    scope = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Set when the bonuses can be spent at this one business only",
    )
    rate_bp = models.PositiveIntegerField(_("settlement price, basis points"), default=10_000)
    activates_at = models.DateTimeField(_("wakes"))
    expires_at = models.DateTimeField(_("lapses"))

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.CheckConstraint(
                name="lot_boxes_not_negative",
                condition=Q(
                    pending__gte=0,
                    available__gte=0,
                    held__gte=0,
                    spent__gte=0,
                    expired__gte=0,
                    revoked__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="lot_boxes_sum_to_amount",
                condition=Q(
                    amount=F("pending")
                    + F("available")
                    + F("held")
                    + F("spent")
                    + F("expired")
                    + F("revoked")
                ),
            ),
            models.CheckConstraint(name="lot_issues_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="lot_clawed_at_most_issued",
                condition=Q(clawed__gte=0, clawed__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="lot_wakes_before_it_lapses", condition=Q(activates_at__lt=F("expires_at"))
            ),
        ]
        indexes = [
            # choosing what to spend: nearest expiry first
            models.Index(
                name="lot_spendable",
                fields=["wallet", "expires_at", "id"],
                condition=Q(available__gt=0),
            ),
            models.Index(name="lot_lapsing", fields=["expires_at"], condition=Q(available__gt=0)),
            models.Index(name="lot_waking", fields=["activates_at"], condition=Q(pending__gt=0)),
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


class Debt(models.Model):
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="debts")
    creditor = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("creditor"),
    )
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="debts")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="debts")
    amount = models.BigIntegerField(_("owed, kopecks"))
    repaid = models.BigIntegerField(_("repaid, kopecks"), default=0)

    class Meta:
        verbose_name = _("debt")
        verbose_name_plural = _("debts")
        constraints = [
            models.CheckConstraint(
                name="debt_repaid_within_owed",
                condition=Q(amount__gt=0, repaid__gte=0, repaid__lte=F("amount")),
            )
        ]
        indexes = [
            models.Index(
                name="debt_open", fields=["wallet", "id"], condition=Q(repaid__lt=F("amount"))
            )
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


class Hold(models.Model):
    """Bonuses set aside for one bill. Its state is told by the journal row that resolves it."""

    journal = models.OneToOneField(
        Journal, primary_key=True, on_delete=models.PROTECT, related_name="hold"
    )
    code = models.CharField(
        _("code"), max_length=8, default=new_hold_code, help_text="Shown by the member at the till"
    )
    expires_at = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")

    def __str__(self) -> str:
        return f"№{end_of(self.pk)}"


class Posting(models.Model):
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="postings")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="postings")
    src = models.CharField(_("from"), max_length=10, choices=Box.choices)
    dst = models.CharField(_("to"), max_length=10, choices=Box.choices)
    amount = models.BigIntegerField(_("kopecks"))
    acceptor = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The business that accepted a spent bonus",
    )
    debt = models.ForeignKey(Debt, null=True, on_delete=models.PROTECT, related_name="repayments")

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.CheckConstraint(name="posting_moves_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="posting_arrow_is_legal",
                condition=Q(
                    *[Q(src=source, dst=target) for source, target in ARROWS], _connector=Q.OR
                ),
            ),
            models.CheckConstraint(
                name="acceptor_exactly_when_spent_is_touched",
                condition=(Q(acceptor__isnull=False) & (Q(src=Box.SPENT) | Q(dst=Box.SPENT)))
                | (Q(acceptor__isnull=True) & ~Q(src=Box.SPENT) & ~Q(dst=Box.SPENT)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_src_display()} → {self.get_dst_display()} №{self.pk}"
