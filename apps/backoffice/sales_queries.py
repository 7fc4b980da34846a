"""Sales of one business as its owner looks for them: filters, sums, rows of a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, QuerySet, Sum
from django.utils.translation import gettext as _

from apps.businesses.models import Business
from apps.core.days import day_of
from apps.core.money import AmountInvalid, parse_amount
from apps.transactions.models import Source, Status, Transaction
from apps.transactions.queries import sales_at

FILTERS = (
    "from",
    "to",
    "status",
    "source",
    "location",
    "staff",
    "member",
    "least",
    "most",
    "receipt",
)


@dataclass(frozen=True)
class Wanted:
    """Which sales; empty is any. Days are of the business's calendar, both included; sums in ₽."""

    since: date | None = None
    until: date | None = None
    status: str = ""
    source: str = ""
    location: UUID | None = None
    staff: UUID | None = None
    member: UUID | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    receipt: str = ""


@dataclass(frozen=True)
class Sums:
    count: int
    paid: Decimal
    bonus_accrued: Decimal
    bonus_spent: Decimal


def wanted_sales(business: Business, wanted: Wanted) -> QuerySet[Transaction]:
    zone = ZoneInfo(business.zone)
    given: dict[str, Any] = {}
    if wanted.since:
        given["occurred_at__gte"] = datetime.combine(wanted.since, time(), zone)
    if wanted.until:
        given["occurred_at__lt"] = datetime.combine(wanted.until + timedelta(days=1), time(), zone)
    if wanted.status in Status.values:
        given["status"] = wanted.status
    if wanted.source in Source.values:
        given["source"] = wanted.source
    if wanted.receipt:
        given["receipt_number"] = wanted.receipt
    named = {
        "location": wanted.location,
        "entered_by": wanted.staff,
        "member": wanted.member,
        "amount__gte": wanted.least,
        "amount__lte": wanted.most,
    }
    given |= {name: value for name, value in named.items() if value is not None}
    return sales_at(business).select_related("entered_by", "location").filter(**given)


def read_wanted(query: Mapping[str, str]) -> tuple[Wanted, list[str]]:
    """The filters of an address, and the names of those that could not be read: these filter
    nothing."""
    wrong: list[str] = []
    given = {name: query.get(name, "").strip() for name in FILTERS}
    return (
        Wanted(
            since=_read(day_of, given, "from", wrong),
            until=_read(day_of, given, "to", wrong),
            status=given["status"],
            source=given["source"],
            location=_read(UUID, given, "location", wrong),
            staff=_read(UUID, given, "staff", wrong),
            member=_read(UUID, given, "member", wrong),
            least=_read(_amount, given, "least", wrong),
            most=_read(_amount, given, "most", wrong),
            receipt=given["receipt"][:60],
        ),
        wrong,
    )


def _amount(text: str) -> Decimal | None:
    try:
        return parse_amount(text, zero_allowed=True)
    except AmountInvalid:
        return None


def _read(parse: Any, given: dict[str, str], name: str, wrong: list[str]) -> Any:
    if not given[name]:
        return None
    try:
        value = parse(given[name])
    except ValueError:
        value = None
    if value is None:
        wrong.append(name)
    return value


def sums_of(sales: QuerySet[Transaction]) -> Sums:
    """How many, and what stayed in the till: paid, less what was handed back."""
    plain: Any = sales.order_by().select_related(None)
    return Sums(
        **plain.aggregate(
            count=Count("pk"),
            paid=Sum(F("to_pay") - F("money_returned"), default=Decimal(0)),
            bonus_accrued=Sum("bonus_accrued", default=Decimal(0)),
            bonus_spent=Sum("bonus_spent", default=Decimal(0)),
        )
    )


def file_rows(sales: QuerySet[Transaction], *, zone: str) -> Iterator[list[Any]]:
    """The rows of a file, the heading first. No phone, no whole name: what a till shows."""
    yield [
        _("When"),
        _("Number"),
        _("Receipt"),
        _("Guest"),
        _("Sum, ₽"),
        _("Discount, ₽"),
        _("Paid with bonuses"),
        _("Paid, ₽"),
        _("Handed back, ₽"),
        _("Bonuses given"),
        _("State"),
        _("Source"),
        _("Location"),
        _("Recorded by"),
    ]
    here = ZoneInfo(zone)
    for sale in sales.order_by("-occurred_at", "-pk").iterator(chunk_size=2000):
        yield [
            sale.occurred_at.astimezone(here),
            sale.number,
            sale.receipt_number,
            sale.member.short_name,
            sale.amount,
            sale.discount,
            sale.bonus_spent,
            sale.to_pay,
            sale.money_returned,
            sale.bonus_accrued,
            sale.get_status_display(),
            sale.get_source_display(),
            sale.location.name if sale.location else "",
            sale.entered_by.short_name if sale.entered_by else "",
        ]
