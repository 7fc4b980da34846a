"""The ledger, to be read: triggers refuse every hand anyway. Sums are shown in bonuses, 1 is 1 ₽."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.accounts import freshness, rights
from apps.core.admin_base import (
    EMPTY,
    AmountField,
    ReadonlyAdmin,
    ReadonlyInline,
    code,
    column,
    days,
    link,
    link_by_id,
    links,
    moment,
    money,
)
from apps.core.errors import Refused
from apps.core.ids import new_id, short
from apps.loyalty import services
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Hold, Journal, Lot, Posting, Wallet

CARD = _("Whole card number")
# Who asked for an operation, where the scope of its key says so.
SOURCES = {
    "adjust": _("adjustment by hand"),
    "spend": _("spending at a partner"),
    "hold": _("hold for a bill"),
    "resolve": _("end of a hold"),
    "refund": _("return of a purchase"),
    "clawback": _("return of a purchase"),
    "repay": _("repayment out of an accrual"),
    "gift": _("gift to a member"),
    "reward": _("reward"),
    "courtesy": _("courtesy of a partner"),
    "close": _("erased account"),
    "event.attend": _("visit to an event"),
    "event.comfort": _("comfort for a cancelled event"),
}


def operation_link(row: Journal) -> str:
    return link(row, f"{row.get_kind_display()} {short(row.pk)}")


class AdjustDialog(BaseDialogForm):
    direction = forms.ChoiceField(
        label=_("What to do"),
        choices=[("add", _("Add bonuses")), ("take", _("Take bonuses"))],
        widget=UnfoldAdminSelectWidget,
    )
    amount = AmountField(label=_("Bonuses"))
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        min_length=10,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )
    # one dialog, one adjustment, however often it is sent
    once = forms.UUIDField(initial=new_id, widget=forms.HiddenInput)


@admin.register(Wallet)
class WalletAdmin(ReadonlyAdmin):
    list_display = ["whose", "available_sum", "pending_sum", "held_sum", "debt_sum"]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-member_id"]
    fields = ["person", "available_sum", "pending_sum", "held_sum", "debt_sum", "records"]
    actions_detail = ["adjust"]

    whose = column("member", _("Member"), show=str)
    person = column("member", _("Member"), show=link)
    available_sum = money("available", _("Available"), ordering="available")
    pending_sum = money("pending", _("Pending"), ordering="pending")
    held_sum = money("held", _("Held"), ordering="held")
    debt_sum = money("debt", _("Debt"), ordering="debt")

    @display(description=_("Lists"))
    def records(self, wallet: Wallet) -> str:
        mine = {"wallet": wallet.pk}
        return links(
            [
                ("loyalty_journal", _("Journal"), mine),
                ("loyalty_lot", _("Lots"), mine),
                ("loyalty_debt", _("Debts"), mine),
                ("transactions_transaction", _("Purchases"), {"member__id": wallet.pk}),
                ("loyalty_adjustment", _("Adjustments"), {"wallet": wallet.pk}),
            ]
        )

    def has_adjust_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return rights.may(services.ADJUST, job=request.user.job)

    @action(
        description=_("Adjust the balance"),
        permissions=["adjust"],
        dialog={
            "title": _("Adjust the balance"),
            "description": _(
                "The network pays for what is added. Above the limit of a day another admin confirms."
            ),
            "form_class": AdjustDialog,
            "form_submit_text": _("Go on"),
        },
    )
    def adjust(self, request: HttpRequest, form: AdjustDialog, object_id: str) -> HttpResponse:
        given, url = form.cleaned_data, reverse("admin:loyalty_wallet_change", args=[object_id])
        away = freshness.stale(request, services.ADJUST, back=url)
        if away:
            return away
        try:
            row = services.adjust_balance(
                member=get_object_or_404(Wallet, pk=object_id).member,
                amount=given["amount"] * (-1 if given["direction"] == "take" else 1),
                reason=given["reason"],
                by=request.user,
                key=f"admin:{given['once']}",
                at=timezone.now(),
            )
            url = reverse("admin:loyalty_adjustment_change", args=[row.pk])
        except Refused as refused:
            messages.error(request, str(refused))
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


# --- postings ------------------------------------------------------------------------------------
class PostingColumns:
    operation = column("journal", _("Operation"), show=operation_link)
    of_lot = column("lot", _("Lot"), show=link)
    moved = money("amount", _("Bonuses"))
    accepted_by = column("acceptor", _("Accepted by"), show=link)
    repays = column("debt", _("Debt"), show=link)

    @display(description=_("From where to where"))
    def arrow(self, posting: Posting) -> str:
        return f"{posting.get_src_display()} → {posting.get_dst_display()}"


class PostingInline(PostingColumns, ReadonlyInline):
    model = Posting

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        return super().get_queryset(request).select_related("journal", "lot", "acceptor", "debt")


class PostingOfJournalInline(PostingInline):
    fields = ["of_lot", "arrow", "moved", "accepted_by", "repays"]


class PostingOfLotInline(PostingInline):
    fields = ["operation", "arrow", "moved", "accepted_by", "repays"]


@admin.register(Posting)
class PostingAdmin(PostingColumns, ReadonlyAdmin):
    list_display = ["number", "arrow", "moved", "operation", "of_lot", "accepted_by"]
    list_filter = [("src", ChoicesDropdownFilter), ("dst", ChoicesDropdownFilter)]
    list_select_related = ["journal", "lot", "acceptor"]
    ordering = ["-id"]
    fields = ["number", "operation", "of_lot", "arrow", "moved", "accepted_by", "repays"]

    number = column("pk", _("Number"), show=str)


# --- operations ----------------------------------------------------------------------------------
@admin.register(Journal)
class JournalAdmin(ReadonlyAdmin):
    list_display = ["operation", "kind", "person", "partner", "bonuses", "money_paid", "posted"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("business", RelatedDropdownFilter),
        days("posted_at", _("Posted")),
    ]
    list_select_related = ["wallet__member", "business"]
    search_fields = ["wallet__member__card_number__exact", "key__exact"]
    search_help_text = _("Whole card number, or key of an operation")
    ordering = ["-id"]
    inlines = [PostingOfJournalInline]
    fields = [
        "operation",
        "kind",
        "person",
        "of_wallet",
        "partner",
        "bonuses",
        "money_paid",
        "source",
        "resolves",
        "occurred",
        "posted",
        "rule_shown",
    ]

    operation = column("pk", _("Operation"), show=short)
    person = column("wallet__member", _("Member"), show=link)
    partner = column("business", _("Business"), show=link)
    bonuses = money("amount", _("Bonuses"))
    money_paid = money("paid", _("Paid, ₽"))
    occurred = moment("occurred_at", _("Occurred"))
    posted = moment("posted_at", _("Posted"))
    resolves = column("ref", _("Settles the operation"), show=operation_link)

    @display(description=_("Wallet"))
    def of_wallet(self, row: Journal) -> str:
        return link_by_id("wallet", row.wallet_id)

    @display(description=_("Source"))
    def source(self, row: Journal) -> str:
        """An accrual's key is the id of its sale; others keep keys of their own, jobs by their code."""
        if row.scope == "earn":
            return link_by_id("transaction", row.key)
        words = SOURCES.get(row.scope)
        said = words or code(row.scope)
        return format_html("{} {}", said, code(short(row.key)))

    @display(description=_("Rule of that day"))
    def rule_shown(self, row: Journal) -> str:
        if not row.rule:
            return EMPTY
        text = json.dumps(row.rule, ensure_ascii=False, indent=2)
        return format_html('<pre class="sk-code">{}</pre>', text)


# --- lots and debts ------------------------------------------------------------------------------
@admin.register(Lot)
class LotAdmin(ReadonlyAdmin):
    list_display = [
        "number",
        "person",
        "issued_by",
        "issued",
        "available_sum",
        "pending_sum",
        "spent_sum",
        "wakes",
        "lapses",
    ]
    list_filter = [
        ("issuer", RelatedDropdownFilter),
        days("activates_at", _("Wakes")),
        days("expires_at", _("Lapses")),
    ]
    list_select_related = ["wallet__member", "issuer"]
    search_fields = ["wallet__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-id"]
    inlines = [PostingOfLotInline]
    fieldsets = [
        (None, {"fields": ["number", "person", "born", "issued_by", "only_at", "settlement"]}),
        (_("Term"), {"fields": ["wakes", "lapses"]}),
        (
            _("Where the bonuses are"),
            {
                "fields": [
                    "issued",
                    "pending_sum",
                    "available_sum",
                    "held_sum",
                    "spent_sum",
                    "expired_sum",
                    "revoked_sum",
                    "clawed_sum",
                ]
            },
        ),
    ]

    number = column("pk", _("Lot"), show=lambda pk: f"№{pk}")
    person = column("wallet__member", _("Member"), show=link)
    born = column("journal", _("Operation"), show=operation_link)
    issued_by = column("issuer", _("Issuer"), show=link)
    only_at = column("scope", _("Spendable only at"), show=link)
    settlement = column("rate_bp", _("Settlement price"), show=lambda bp: f"{bp / 100:g}\u00a0%")
    wakes = moment("activates_at", _("Wakes"), ordering="activates_at")
    lapses = moment("expires_at", _("Lapses"), ordering="expires_at")
    issued = money("amount", _("Issued"))
    pending_sum = money("pending", _("Pending"))
    available_sum = money("available", _("Available"))
    held_sum = money("held", _("Held"))
    spent_sum = money("spent", _("Spent"))
    expired_sum = money("expired", _("Expired"))
    revoked_sum = money("revoked", _("Revoked"))
    clawed_sum = money("clawed", _("Taken back"))


@admin.register(Debt)
class DebtAdmin(ReadonlyAdmin):
    list_display = ["number", "person", "owed_to", "owed", "repaid_sum", "because_of"]
    list_filter = [("creditor", RelatedDropdownFilter)]
    list_select_related = ["wallet__member", "creditor", "journal"]
    search_fields = ["wallet__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-id"]
    fields = ["number", "person", "owed_to", "owed", "repaid_sum", "because_of", "of_lot"]

    number = column("pk", _("Debt"), show=lambda pk: f"№{pk}")
    person = column("wallet__member", _("Member"), show=link)
    owed_to = column("creditor", _("Creditor"), show=link)
    owed = money("amount", _("Owed"))
    repaid_sum = money("repaid", _("Repaid"))
    because_of = column("journal", _("Operation"), show=operation_link)
    of_lot = column("lot", _("Lot"), show=link)


@admin.register(Hold)
class HoldAdmin(ReadonlyAdmin):
    """Without its code: only the member shows it."""

    list_display = ["number", "person", "partner", "held", "until", "settled"]
    list_filter = [days("expires_at", _("Until"))]
    list_select_related = ["journal__wallet__member", "journal__business"]
    search_fields = ["journal__wallet__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-journal_id"]
    fields = ["operation", "person", "partner", "held", "until", "settled"]

    number = column("pk", _("Hold"), show=short)
    operation = column("journal", _("Operation"), show=operation_link)
    person = column("journal__wallet__member", _("Member"), show=link)
    partner = column("journal__business", _("Business"), show=link)
    held = money("journal__amount", _("Bonuses"))
    until = moment("expires_at", _("Until"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        resolving = Journal.objects.filter(ref=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                settled_by=Subquery(resolving.values("pk")),
                settled_kind=Subquery(resolving.values("kind")),
            )
        )

    @display(description=_("Settled by"))
    def settled(self, hold: Hold) -> str:
        words = Kind(hold.settled_kind).label if hold.settled_kind else ""
        return link_by_id("journal", hold.settled_by, str(words))
