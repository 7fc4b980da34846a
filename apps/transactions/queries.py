"""Reads of sales that several callers need."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.transactions.models import Transaction


def latest_sales(
    business: Business, *, by: User | None = None, since: datetime | None = None, limit: int = 5
) -> list[Transaction]:
    """The newest sales of a business, or those that one person entered."""
    sales = Transaction.objects.filter(business=business).select_related("member__tier")
    if by:
        sales = sales.filter(entered_by=by).order_by("-recorded_at", "-id")
    else:
        sales = sales.order_by("-occurred_at", "-id")
    if since:
        sales = sales.filter(recorded_at__gte=since)
    return list(sales[:limit])


def own_sales(member: User) -> QuerySet[Transaction]:
    return Transaction.objects.filter(member=member).select_related("business", "member__tier")


def sales_at(business: Business) -> QuerySet[Transaction]:
    return Transaction.objects.filter(business=business).select_related("business", "member__tier")


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What sales hold about her: her purchases with their lines, and how many she entered."""
    sales = own_sales(member).prefetch_related("items").order_by("occurred_at", "id")
    return {
        "purchases": [_exported(sale) for sale in sales],
        "entered_sales": Transaction.objects.filter(entered_by=member).count(),
    }


def _exported(sale: Transaction) -> dict[str, Any]:
    sums = ("amount", "discount", "bonus_spent", "to_pay", "bonus_accrued")
    return {
        "id": sale.pk,
        "business": sale.business.name,
        **{name: f"{getattr(sale, name):.2f}" for name in sums},
        "status": sale.status,
        "source": sale.source,
        "receipt_number": sale.receipt_number,
        "occurred_at": sale.occurred_at,
        "items": [
            {
                "name": item.name,
                "category": item.category,
                "quantity": f"{item.quantity.normalize():f}",
                "price": f"{item.price:.2f}",
            }
            for item in sale.items.all()
        ],
    }
