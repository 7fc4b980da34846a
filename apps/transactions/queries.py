"""Reads of sales that several callers need."""

from datetime import datetime

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
