"""Reads of sales that several callers need."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Max, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast, Replace, TruncMonth

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.money import from_kopecks
from apps.loyalty.enums import Kind
from apps.loyalty.models import Hold, Journal
from apps.loyalty.queries import DEPOSIT
from apps.transactions import rules
from apps.transactions.models import Refund, Spending, Transaction

NEWEST = 5_000  # sales among which a number of six signs is looked for


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


def sale_by_end_of_id(business: Business, end: str) -> Transaction | None:
    """The newest sale of a business whose id ends so: what a slip's number or code says."""
    words = TextField()
    plain = Replace(Cast("pk", words), Value("-"), Value(""), output_field=words)
    return (
        sales_at(business)
        .annotate(end=plain)
        .filter(end__endswith=end)
        .order_by("-occurred_at", "-id")
        .first()
    )


def is_guest_of(business: Business, member: User) -> bool:
    """Whether she ever bought here."""
    return Transaction.objects.filter(business=business, member=member).exists()


def sales_by_number(business: Business, text: str, *, limit: int) -> list[Transaction]:
    """Sales whose receipt has exactly this number, and the one whose own code or number this is,
    newest first. The six signs of a number are looked for among the newest sales only."""
    plain = text.strip().lstrip("№#").strip()
    sales = sales_at(business).order_by("-occurred_at", "-id")
    found = list(sales.filter(receipt_number=plain)[:limit]) if plain else []
    end = rules.end_of_id(plain)
    if end and len(end) == len(plain):
        newest = sales.select_related(None).values_list("pk", flat=True)[:NEWEST]
        found += sales.filter(pk__in=[pk for pk in newest if str(pk).endswith(end)])
    elif end and (one := sale_by_end_of_id(business, end)):
        found.append(one)
    return list({sale.pk: sale for sale in found}.values())[:limit]


def twin_of(
    business: Business, *, member: User, amount: Decimal, by: User, since: datetime
) -> Transaction | None:
    """The same guest, sum and person a moment ago: perhaps the same sale entered again."""
    return Transaction.objects.filter(
        business=business, entered_by=by, recorded_at__gte=since, member=member, amount=amount
    ).first()


def guests_by_digits(
    business: Business, *, digits: str, name: str = "", limit: int = 5
) -> list[User]:
    """Those who bought at this business and whose card ends with these digits, by first name when
    one is given. Nobody who never was here is found: the till is no directory."""
    here = Transaction.objects.filter(business=business).values("member")
    people = User.objects.filter(
        pk__in=here, card_number__endswith=digits, blocked_at__isnull=True, erased_at__isnull=True
    )
    if name:
        people = people.filter(first_name__iexact=name)
    return list(people.select_related("tier").order_by("first_name", "pk")[:limit])


def _open_holds(business_id: UUID, *, code: str, at: datetime) -> QuerySet[Hold]:
    """What a till may find by its code: a deposit of an event is none of them."""
    return Hold.objects.filter(
        code=code,
        journal__business_id=business_id,
        journal__resolved_by__isnull=True,
        expires_at__gt=at,
    ).exclude(journal__scope=DEPOSIT)


def member_of_hold(business: Business, code: str, *, at: datetime) -> User | None:
    """Whose hold at this business has this code now; None when nobody's, or two have the same."""
    held = _open_holds(business.pk, code=code, at=at).values_list("journal__wallet_id", flat=True)
    found = list(held[:2])
    if len(found) != 1:
        return None
    return User.objects.select_related("tier").filter(pk=found[0]).first()


def held_here(member_id: UUID, business_id: UUID, *, code: str, at: datetime) -> Decimal | None:
    """How much she holds for this business under this code; None when nothing."""
    held = _open_holds(business_id, code=code, at=at).filter(journal__wallet_id=member_id)
    kopecks = held.values_list("journal__amount", flat=True).first()
    return None if kopecks is None else from_kopecks(kopecks)


@dataclass(frozen=True)
class Shift:
    """What one person did at one business since a moment; sums in ₽, bonuses."""

    count: int
    amount: Decimal
    paid: Decimal
    bonus_accrued: Decimal
    bonus_spent: Decimal
    returns: int
    handed_back: Decimal


def shift_of(business: Business, *, by: User, since: datetime) -> Shift:
    """Totals of a shift: what she entered, and what she gave back."""
    sales = Transaction.objects.filter(business=business, entered_by=by, recorded_at__gte=since)
    sums = sales.aggregate(
        count=Count("pk"),
        amount=Sum("amount", default=Decimal(0)),
        paid=Sum("to_pay", default=Decimal(0)),
        bonus_accrued=Sum("bonus_accrued", default=Decimal(0)),
        bonus_spent=Sum("bonus_spent", default=Decimal(0)),
    )
    refunds = Refund.objects.filter(entered_by=by, at__gte=since, transaction__business=business)
    given = refunds.aggregate(returns=Count("pk"), handed_back=Sum("money", default=Decimal(0)))
    return Shift(**sums, **given)


@dataclass(frozen=True)
class Entry:
    """One line of the ledger that a sale or its returns wrote; `amount` is signed bonuses."""

    id: UUID
    type: str
    amount: Decimal
    at: datetime


PLUS = (Kind.EARN, Kind.REFUND)


def ledger_of(sale: Transaction) -> list[Entry]:
    """What this sale did in the ledger: accrual, spending, and what returns moved, in order."""
    own = Q(scope="earn", key=str(sale.pk))
    spending = Spending.objects.filter(transaction=sale).values_list("journal_id", flat=True)
    roots = list(Journal.objects.filter(own | Q(pk__in=spending)))
    kinds = (Kind.REFUND, Kind.CLAWBACK)
    later = Journal.objects.filter(ref__in=roots, kind__in=kinds)
    rows = sorted([*roots, *later], key=lambda row: (row.posted_at, row.pk))
    return [
        Entry(
            row.pk,
            row.kind,
            from_kopecks(row.amount if row.kind in PLUS else -row.amount),
            row.posted_at,
        )
        for row in rows
    ]


SUMS: dict[str, Any] = {
    "count": Count("pk"),
    "amount": Sum("amount", default=Decimal(0)),
    "paid": Sum(F("to_pay") - F("money_returned"), default=Decimal(0)),
    "bonus_accrued": Sum("bonus_accrued", default=Decimal(0)),
    "bonus_spent": Sum("bonus_spent", default=Decimal(0)),
}


def summary_of(
    sales: QuerySet[Transaction], *, zone: str = "Europe/Moscow"
) -> dict[str, list[dict[str, Any]] | dict[str, Any]]:
    """Totals of some sales: all, by business, by its category, by month of the given zone, newest
    month first."""
    plain: Any = sales.order_by().select_related(None)
    by_business = plain.values("business_id", business_name=F("business__name")).annotate(**SUMS)
    by_category = plain.values(category=F("business__category")).annotate(**SUMS)
    month = TruncMonth("occurred_at", tzinfo=ZoneInfo(zone))
    by_month = plain.annotate(start=month).values("start").annotate(**SUMS).order_by("-start")
    return {
        "total": plain.aggregate(**SUMS),
        "by_business": list(by_business.order_by("-paid", "business_id")),
        "by_category": list(by_category.order_by("-paid", "category")),
        "by_month": [{**row, "month": f"{row['start']:%Y-%m}"} for row in by_month],
    }


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


def last_entries(*, business: Business, people: Collection[UUID]) -> dict[UUID, datetime]:
    """When each of them last recorded a sale there; who never did is absent. One statement."""
    rows = Transaction.objects.filter(business=business, entered_by__in=people)
    return dict(rows.values_list("entered_by").annotate(last=Max("recorded_at")))
