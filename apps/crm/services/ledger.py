"""Taking money of a record back, newest part first."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from apps.crm.models import ExternalRecord, Supplement
from apps.transactions.models import Refund, Transaction
from apps.transactions.services import refund_purchase

REASON = "CRM: the document was changed or returned"


def take_back(record: ExternalRecord, amount: Decimal, *, at: datetime) -> None:
    """Return `amount` ₽ of the record's sales. What somebody returned by hand already is not
    returned again."""
    left = amount
    for place, part in enumerate(_parts(record)):
        if left <= 0:
            return
        now = min(left, left_of(part))
        if now > 0:
            refund_purchase(
                sale=part,
                amount=now,
                reason=REASON,
                by=None,
                key=f"crm:{record.pk}:{record.revision}:{place}",
                at=at,
            )
            left -= now


def left_of(sale: Transaction) -> Decimal:
    """₽ of a sale that were not returned yet."""
    returned = Refund.objects.filter(sale=sale).aggregate(whole=Sum("amount"))["whole"]
    return Decimal(sale.amount - (returned or 0))


def _parts(record: ExternalRecord) -> list[Transaction]:
    later = Supplement.objects.filter(record=record).select_related("sale").order_by("-pk")
    parts = [one.sale for one in later]
    if record.sale:
        parts.append(record.sale)
    return parts
