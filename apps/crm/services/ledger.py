"""Taking money of a record back, newest part first."""

from datetime import datetime
from decimal import Decimal

from apps.crm.models import ExternalRecord, Supplement
from apps.transactions.models import Transaction
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
    """₽ of a sale that were not returned yet, as the database has it now."""
    return Transaction.objects.get(pk=sale.pk).amount_left


def _parts(record: ExternalRecord) -> list[Transaction]:
    later = Supplement.objects.filter(record=record).select_related("sale").order_by("-pk")
    parts = [one.sale for one in later]
    if record.sale:
        parts.append(record.sale)
    return parts
