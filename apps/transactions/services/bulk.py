"""Many sales of one business at once: imports and back-fills from a CRM.

Rows of members whose purchases are plain are written by a handful of statements; all rows of the
others go one by one, in their order. The books are the same row for row.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business, Location
from apps.core import audit, outbox
from apps.core.errors import Refused
from apps.core.ids import new_id
from apps.loyalty.services import (
    Posted,
    Purchase,
    earn_in_bulk,
    lock_wallets,
    plain_members,
    raise_tiers,
)
from apps.transactions.models import Source, Transaction
from apps.transactions.services import promo
from apps.transactions.services.sales import (
    ZERO,
    Asked,
    Item,
    check_sale,
    fact_of,
    pending_until_of,
    record_purchase,
    same_sale,
)

# Plain sales in the rows' order. Arrays are columns: the ORM's own insert, a value a cell, takes
# more than three times our CPU (tests/bench/test_bulk.py).
SALES = """
INSERT INTO transactions_transaction
    (id, business_id, location_id, member_id, amount, discount, bonus_spent, to_pay, bonus_accrued,
     returned, money_returned, status, source, key, receipt_number, entered_by_id, pending_until,
     occurred_at, recorded_at)
SELECT r.id, %(business)s::uuid, r.location, r.member, r.amount, 0, 0, r.amount, r.accrued,
       0, 0, 'completed', r.source, r.key, r.receipt, NULL, r.wakes,
       r.occurred, r.recorded
FROM unnest(%(id)b::uuid[], %(location)b::uuid[], %(member)b::uuid[], %(amount)s::numeric[],
            %(accrued)s::numeric[], %(source)b::text[], %(key)b::text[], %(receipt)b::text[],
            %(wakes)b::timestamptz[], %(occurred)b::timestamptz[], %(recorded)b::timestamptz[])
     AS r(id, location, member, amount, accrued, source, key, receipt, wakes, occurred, recorded)
"""


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


@dataclass
class _Batch:
    """Rows under way: as they are asked for, and the answers so far by their number."""

    business: Business
    asked: Sequence[Asked]
    known: dict[str, Transaction]
    answers: dict[int, Recorded] = field(default_factory=dict)


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
    member_ids = {row.member_id for row in rows}
    lock_wallets(member_ids)
    people = User.objects.select_related("tier").filter(pk__one_of=member_ids)
    members = {member.pk: member for member in people}
    sales = Transaction.objects.filter(business=business, key__one_of={row.key for row in rows})
    batch = _Batch(
        business,
        [_asked(business, row, members[row.member_id], by, source) for row in rows],
        {sale.key: sale for sale in sales},
    )
    _answer_repeats(batch)
    if by is None:
        _record_plain(batch)
    for number, asked in enumerate(batch.asked):
        if number not in batch.answers:
            batch.answers[number] = _record_one(asked, batch.known)
    return [batch.answers[number] for number in range(len(rows))]


def _asked(
    business: Business, row: SaleRow, member: User, by: User | None, source: Source | str
) -> Asked:
    return Asked(
        business=business,
        member=member,
        amount=row.amount,
        occurred_at=row.occurred_at,
        by=by,
        key=row.key,
        source=source,
        receipt_number=row.receipt_number,
        location=row.location,
        items=row.items,
    )


def _answer_repeats(batch: _Batch) -> None:
    """Rows that are refused at sight or whose sale is there already."""
    for number, asked in enumerate(batch.asked):
        try:
            check_sale(asked)
            first = batch.known.get(asked.key)
            if first:
                same_sale(first, member=asked.member, amount=asked.amount)
                batch.answers[number] = Recorded(asked.key, first.pk)
        except Refused as refusal:
            batch.answers[number] = Recorded(asked.key, None, refused=refusal)


def _record_one(asked: Asked, known: dict[str, Transaction]) -> Recorded:
    try:
        sale = record_purchase(**vars(asked))
    except Refused as refusal:
        return Recorded(asked.key, None, refused=refusal)
    is_new = asked.key not in known
    known[asked.key] = sale
    return Recorded(asked.key, sale.pk, is_new=is_new)


# --- the set-based path --------------------------------------------------------------------------
def _record_plain(batch: _Batch) -> None:
    """Write the rows of plain members at once, unless somebody takes one of their keys meanwhile:
    then they go one by one and meet that sale."""
    plain, rising = _plain_rows(batch)
    if not plain:
        return
    try:
        with transaction.atomic():
            sales = _write([batch.asked[number] for number in plain], batch.business)
            raise_tiers(rising, at=timezone.now())
    except IntegrityError as clash:
        if "one_sale_per_key" not in str(clash):
            raise
        return
    for number, sale in zip(plain, sales, strict=True):
        batch.answers[number] = Recorded(sale.key, sale.pk, is_new=True)


def _plain_rows(batch: _Batch) -> tuple[list[int], list[User]]:
    """Numbers of the rows that are plain, and those of their members who may reach a tier."""
    left = [number for number in range(len(batch.asked)) if number not in batch.answers]
    if not left:
        return [], []
    latest = max(batch.asked[n].occurred_at for n in left)
    if promo.may_give_new(batch.business, latest=latest, at=timezone.now()):
        return [], []
    times = Counter(batch.asked[number].key for number in left)
    twice = {batch.asked[n].member.pk for n in left if times[batch.asked[n].key] > 1}
    plain = plain_members(
        business=batch.business,
        purchases=[
            (one.member, one.amount, one.occurred_at) for one in (batch.asked[n] for n in left)
        ],
        at=timezone.now(),
    )
    # Categories of a receipt's lines are a part of the rule that its journal row keeps.
    itemised = {batch.asked[n].member.pk for n in left if batch.asked[n].items}
    rows = [n for n in left if batch.asked[n].member.pk in plain.keys() - twice - itemised]
    members = {batch.asked[n].member.pk: batch.asked[n].member for n in rows}
    return rows, [member for pk, member in members.items() if plain[pk]]


def _write(asked: Sequence[Asked], business: Business) -> list[Transaction]:
    now = timezone.now()
    # One moment apart, so that a history keeps the order of the rows.
    moments = [now - timedelta(microseconds=n) for n in range(len(asked) - 1, -1, -1)]
    ids = [new_id() for _one in asked]
    posted = earn_in_bulk(
        business=business,
        purchases=[
            Purchase(str(sale_id), one.member, one.amount - ZERO, one.occurred_at, at)
            for one, sale_id, at in zip(asked, ids, moments, strict=True)
        ],
    )
    sales = [
        _sale(one, sale_id, posted[str(sale_id)], at)
        for one, sale_id, at in zip(asked, ids, moments, strict=True)
    ]
    _insert(sales, business)
    audit.record_machine(
        "transactions.record",
        "transaction",
        [
            (sale.pk, {"amount": str(sale.amount), "accrued": str(sale.bonus_accrued)})
            for sale in sales
        ],
        business_id=business.pk,
    )
    outbox.publish_many([fact_of(sale) for sale in sales])
    return sales


def _insert(sales: Sequence[Transaction], business: Business) -> None:
    columns: dict[str, Any] = {
        "id": [sale.pk for sale in sales],
        "location": [sale.location_id for sale in sales],
        "member": [sale.member_id for sale in sales],
        "amount": [sale.amount for sale in sales],
        "accrued": [sale.bonus_accrued for sale in sales],
        "source": [str(sale.source) for sale in sales],
        "key": [sale.key for sale in sales],
        "receipt": [sale.receipt_number for sale in sales],
        "wakes": [sale.pending_until for sale in sales],
        "occurred": [sale.occurred_at for sale in sales],
        "recorded": [sale.recorded_at for sale in sales],
    }
    with connection.cursor() as cursor:
        cursor.execute(SALES, columns | {"business": business.pk})


def _sale(asked: Asked, sale_id: UUID, earned: Posted, at: datetime) -> Transaction:
    return Transaction(
        id=sale_id,
        business=asked.business,
        location=asked.location,
        member=asked.member,
        amount=asked.amount,
        to_pay=asked.amount,
        bonus_accrued=earned.amount,
        source=asked.source,
        key=asked.key,
        receipt_number=asked.receipt_number,
        pending_until=pending_until_of(earned, at),
        occurred_at=asked.occurred_at,
        recorded_at=at,
    )
