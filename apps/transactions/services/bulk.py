"""Many sales of one business at once: imports and back-fills from a CRM."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.businesses.models import Business, Location
from apps.core.errors import Refused
from apps.loyalty.services import lock_wallets
from apps.transactions.models import Source, Transaction
from apps.transactions.services.sales import Item, record_purchase


@dataclass(frozen=True, kw_only=True)
class SaleRow:
    """A sale to be recorded: what `record_purchase` takes, but the business. `key` is its natural
    key within the business, `amount` ₽."""

    key: str
    member_id: UUID
    amount: Decimal
    occurred_at: datetime
    receipt_number: str = ""
    location: Location | None = None
    items: Sequence[Item] = ()


@dataclass(frozen=True)
class Recorded:
    """What became of a row: its sale, and whether it is new; or why it was refused."""

    key: str
    sale_id: UUID | None
    is_new: bool = False
    refused: Refused | None = None


@transaction.atomic
def record_purchases(
    *, business: Business, rows: Sequence[SaleRow], by: User | None, source: Source | str
) -> list[Recorded]:
    """Record many sales of one business in one transaction; one answer a row, in their order.

    The ledger is the same as if `record_purchase` had been called for each row in turn. A refused
    row undoes itself and not its neighbours. Repeats answer with the sale that is there. Wallets
    are locked by ascending id, so two batches that share members wait and never deadlock; new
    members must have been made before. `by` None is the machine room.
    """
    lock_wallets({row.member_id for row in rows})
    members = User.objects.select_related("tier").in_bulk({row.member_id for row in rows})
    known = set(
        Transaction.objects.filter(
            business=business, key__in={row.key for row in rows}
        ).values_list("key", flat=True)
    )
    answers = []
    for row in rows:
        try:
            sale = record_purchase(
                business=business,
                member=members[row.member_id],
                amount=row.amount,
                occurred_at=row.occurred_at,
                by=by,
                key=row.key,
                source=source,
                receipt_number=row.receipt_number,
                location=row.location,
                items=row.items,
            )
        except Refused as refusal:
            answers.append(Recorded(row.key, None, refused=refusal))
            continue
        answers.append(Recorded(row.key, sale.pk, is_new=row.key not in known))
        known.add(row.key)
    return answers
