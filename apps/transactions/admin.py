"""Sales, to be read: a mistake is corrected by a return, not by an edit."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from apps.accounts.models import User
from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    badge,
    code,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.core.money import format_number
from apps.transactions.models import (
    FraudFlag,
    Refund,
    Spending,
    Status,
    Transaction,
    TransactionItem,
)
from apps.transactions.services import settle_flag
from apps.transactions.words import figures_in_words

TONES = {Status.COMPLETED: "good", Status.PARTLY_REFUNDED: "warn", Status.REFUNDED: "bad"}


class ItemInline(ReadonlyInline):
    model = TransactionItem
    verbose_name_plural = _("lines of the receipt")
    fields = ["name", "category", "quantity", "price_shown"]

    price_shown = column("price", _("Price"), show=roubles)


class SpendingInline(ReadonlyInline):
    model = Spending
    fields = ["way", "spent", "reason"]

    spent = column("amount", _("Bonuses"), show=format_number)


class RefundInline(ReadonlyInline):
    model = Refund
    fields = ["part", "money_shown", "taken", "given", "reason"]

    part = column("amount", _("Of the sum"), show=roubles)
    money_shown = column("money", _("Handed back"), show=roubles)
    taken = column("bonus_taken", _("Bonuses taken back"), show=format_number)
    given = column("bonus_returned", _("Bonuses returned"), show=format_number)


@admin.register(Transaction)
class TransactionAdmin(ReadonlyAdmin):
    list_display = [
        "short_number",
        "occurred",
        "partner",
        "buyer",
        "sum_shown",
        "paid",
        "accrued",
        "state",
        "source",
    ]
    list_filter = [
        ("business", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        days("occurred_at", _("Occurred")),
    ]
    list_select_related = ["business", "member"]
    search_fields = ["member__card_number__exact", "receipt_number__exact"]
    search_help_text = _("Whole card number, or number of a receipt")
    ordering = ["-id"]
    inlines = [ItemInline, SpendingInline, RefundInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "short_number",
                    "state",
                    "partner",
                    "place",
                    "buyer",
                    "seller",
                    "source",
                    "receipt",
                ]
            },
        ),
        (_("Money"), {"fields": ["sum_shown", "less", "with_bonuses", "paid", "accrued"]}),
        (_("Time"), {"fields": ["occurred", "recorded", "wakes"]}),
        (_("Records"), {"fields": ["natural_key", "records"]}),
    ]

    short_number = column("number", _("Number"))
    partner = column("business", _("Business"), show=link)
    place = column("location", _("Location"), show=str)
    buyer = column("member", _("Member"), show=link)
    seller = column("entered_by", _("Entered by"), show=link)
    receipt = column("receipt_number", _("Receipt number"))
    sum_shown = column("amount", _("Sum"), show=roubles, formatting="price")
    less = column("discount", _("Discount"), show=roubles)
    with_bonuses = column("bonus_spent", _("Paid with bonuses"), show=format_number)
    paid = column("to_pay", _("Paid"), show=roubles, formatting="price")
    accrued = column("bonus_accrued", _("Bonuses"), show=format_number, formatting="price")
    occurred = moment("occurred_at", _("Occurred"), ordering="occurred_at")
    recorded = moment("recorded_at", _("Recorded"))
    wakes = moment("pending_until", _("Bonuses wake"))
    natural_key = column("key", _("Key"), show=code)

    @display(description=_("State"))
    def state(self, sale: Transaction) -> str:
        return badge(sale.get_status_display(), TONES[Status(sale.status)])

    @display(description=_("Lists"))
    def records(self, sale: Transaction) -> str:
        return links(
            [
                ("loyalty_journal", _("Operations of the ledger"), {"key": sale.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": sale.pk}),
            ]
        )


class OpenFilter(DropdownFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("waits")), ("0", _("looked into"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(settled_at__isnull=self.value() == "1")
        return queryset


@admin.register(FraudFlag)
class FraudFlagAdmin(ReasonedAdmin):
    """Patterns that look like fraud: an admin writes what she found, nothing else changes."""

    list_display = ["kind", "place", "who", "whom", "receipt", "when", "state"]
    list_filter = [
        OpenFilter,
        ("kind", ChoicesDropdownFilter),
        ("business", RelatedDropdownFilter),
        days("at", _("When")),
    ]
    list_select_related = ["business", "staff", "member", "transaction"]
    ordering = ["-at"]
    shown = ["kind", "place", "who", "whom", "receipt", "figures", "when", "found"]
    fieldsets = [
        (None, {"fields": shown}),
        (_("What was found"), {"fields": ["reason"]}),
    ]
    readonly_fields = shown

    place = column("business", _("Business"), show=link)
    who = column("staff", _("Entered by"), show=link)
    whom = column("member", _("Member"), show=link)
    receipt = column("transaction", _("Sale"), show=link)
    when = moment("at", _("When"), ordering="at")
    found = column("verdict", _("Finding"))

    @display(description=_("State"))
    def state(self, flag: FraudFlag) -> str:
        return badge(_("looked into"), "good") if flag.settled_at else badge(_("waits"), "warn")

    @display(description=_("Figures"))
    def figures(self, flag: FraudFlag) -> str:
        return figures_in_words(flag.facts) or EMPTY

    def has_change_permission(self, request: HttpRequest, obj: FraudFlag | None = None) -> bool:
        if obj is not None and obj.settled_at:
            return False
        return super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: FraudFlag | None = None) -> Any:
        whole = super().get_fieldsets(request, obj)
        return whole if self.has_change_permission(request, obj) else whole[:1]

    def save_model(self, request: HttpRequest, obj: FraudFlag, form: Any, change: bool) -> None:
        self.update(obj, changes={}, by=request.user, reason=form.cleaned_data["reason"])

    def update(self, row: FraudFlag, *, changes: dict[str, Any], by: User, reason: str) -> None:
        settle_flag(flag=row, verdict=reason, by=by, at=timezone.now())
