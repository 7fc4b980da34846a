"""Sales, to be read: a mistake is corrected by a return, not by an edit."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import (
    DayRangeFilter,
    ReadonlyAdmin,
    ReadonlyInline,
    column,
    link,
    links,
    roubles,
)
from apps.core.money import format_number
from apps.transactions.models import Status, Transaction, TransactionItem


class ItemInline(ReadonlyInline):
    model = TransactionItem
    fields = ["name", "category", "quantity", "price_shown"]

    price_shown = column("price", _("Price"), show=roubles)


@admin.register(Transaction)
class TransactionAdmin(ReadonlyAdmin):
    list_display = [
        "short_number",
        "occurred_at",
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
        ("occurred_at", DayRangeFilter),
    ]
    list_select_related = ["business", "member"]
    search_fields = ["member__card_number__exact", "receipt_number__exact"]
    search_help_text = _("Whole card number, or number of a receipt")
    ordering = ["-id"]
    inlines = [ItemInline]
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
        (_("Time"), {"fields": ["occurred_at", "recorded_at", "wakes"]}),
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
    wakes = column("pending_until", _("Bonuses wake"))
    natural_key = column("key", _("Key"))

    @display(
        description=_("State"),
        label={
            Status.COMPLETED: "success",
            Status.PARTLY_REFUNDED: "warning",
            Status.REFUNDED: "danger",
        },
    )
    def state(self, sale: Transaction) -> tuple[str, Any]:
        return sale.status, sale.get_status_display()

    @display(description=_("Lists"))
    def records(self, sale: Transaction) -> str:
        return links(
            [
                ("loyalty_journal", _("Operations of the ledger"), {"key": sale.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": sale.pk}),
            ]
        )
