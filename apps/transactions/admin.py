"""Sales, to be read: a mistake is corrected by a return, not by an edit."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import (
    ReadonlyAdmin,
    ReadonlyInline,
    badge,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.core.money import format_number
from apps.transactions.models import Status, Transaction, TransactionItem

TONES = {Status.COMPLETED: "good", Status.PARTLY_REFUNDED: "warn", Status.REFUNDED: "bad"}


class ItemInline(ReadonlyInline):
    model = TransactionItem
    verbose_name_plural = _("lines of the receipt")
    fields = ["name", "category", "quantity", "price_shown"]

    price_shown = column("price", _("Price"), show=roubles)


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
    natural_key = column("key", _("Key"))

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
