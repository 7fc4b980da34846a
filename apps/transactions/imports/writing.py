"""Batches of purchases through the services, each in one transaction.

Order of locks, the same for every batch of every import: new members by phone, then all wallets
by member. A refused row undoes itself, not its neighbours.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected, SerializationFailure

from apps.accounts.models import User
from apps.accounts.services import get_or_create_member
from apps.businesses.models import Business
from apps.core.errors import Invalid, Refused
from apps.loyalty.services import lock_wallets
from apps.transactions.imports.rows import Fault, Purchase
from apps.transactions.models import Source, Transaction
from apps.transactions.services import SaleKeyReused, SaleRow, record_purchases

ATTEMPTS = 3
COLUMN_OF = {"phone": "phone", "amount": "amount", "occurredAt": "occurred_at"}

# What tells a repeated row from another sale under the same key: phone index, sum, moment.
Body = tuple[str | None, Decimal, datetime]


@dataclass
class Outcome:
    """What became of a batch: sales added and their sum, rows that were there, rows refused."""

    added: int = 0
    total: Decimal = Decimal("0.00")
    known: int = 0
    faults: list[Fault] = field(default_factory=list)


def write_batch(*, business: Business, purchases: Sequence[Purchase]) -> Outcome:
    """Record the purchases that are not there yet; all of it commits at once or not at all."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _write(business, purchases)
        except OperationalError as clash:
            lost = isinstance(clash.__cause__, DeadlockDetected | SerializationFailure)
            if not lost or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _write(business: Business, purchases: Sequence[Purchase]) -> Outcome:
    there = _bodies(business, purchases)
    fresh: dict[str, Purchase] = {}
    for purchase in purchases:
        if there.keys().isdisjoint(purchase.keys):
            fresh.setdefault(purchase.key, purchase)
    members = _lock_members(fresh.values())
    if fresh:
        there = _bodies(business, purchases)  # a twin import may have committed meanwhile
    outcome = Outcome()
    waiting: dict[str, Purchase] = {}
    for purchase in purchases:
        if not waiting.keys().isdisjoint(purchase.keys):  # this row again, nearer to the top
            _record(business, waiting.values(), members, there, outcome)
            waiting = {}
        try:
            if _is_there(purchase, there):
                outcome.known += 1
            else:
                waiting[purchase.key] = purchase
        except SaleKeyReused as refused:
            outcome.faults.append(_fault(purchase, refused))
    _record(business, waiting.values(), members, there, outcome)
    return outcome


def _record(
    business: Business,
    purchases: Collection[Purchase],
    members: dict[str, User],
    there: dict[str, Body],
    outcome: Outcome,
) -> None:
    """Rows with different keys, in their order; what became of them is added to the outcome."""
    if not purchases:
        return
    unmet = [one for one in purchases if one.phone not in members]
    members |= _lock_members(unmet)  # the row before with this key was refused
    rows = [_row(purchase, members[purchase.phone]) for purchase in purchases]
    answers = record_purchases(business=business, rows=rows, by=None, source=Source.IMPORT)
    for purchase, answer in zip(purchases, answers, strict=True):
        if answer.refused:
            outcome.faults.append(_fault(purchase, answer.refused))
            continue
        there[purchase.key] = (purchase.phone_indexes[0], purchase.amount, purchase.occurred_at)
        outcome.added += answer.is_new
        outcome.known += not answer.is_new
        outcome.total += purchase.amount if answer.is_new else 0


def _row(purchase: Purchase, member: User) -> SaleRow:
    return SaleRow(
        key=purchase.key,
        member_id=member.pk,
        amount=purchase.amount,
        occurred_at=purchase.occurred_at,
        receipt_number=purchase.receipt_number,
    )


def _bodies(business: Business, purchases: Sequence[Purchase]) -> dict[str, Body]:
    rows = Transaction.objects.filter(
        business=business, key__in={key for purchase in purchases for key in purchase.keys}
    ).values_list("key", "member__phone_index", "amount", "occurred_at")
    return {key: (index, amount, moment) for key, index, amount, moment in rows}


def _is_there(purchase: Purchase, there: dict[str, Body]) -> bool:
    """Raises SaleKeyReused when the key belongs to a sale with other data."""
    for key in purchase.keys:
        if key in there:
            index, amount, moment = there[key]
            same = (amount, moment) == (purchase.amount, purchase.occurred_at)
            if same and index in purchase.phone_indexes:
                return True
            raise SaleKeyReused
    return False


def _lock_members(purchases: Collection[Purchase]) -> dict[str, User]:
    """The members of the rows by phone, made if new, locked, as they are under the lock."""
    if not purchases:
        return {}
    first: dict[str, Purchase] = {}
    for purchase in purchases:
        first.setdefault(purchase.phone, purchase)
    phones = {index: one.phone for one in first.values() for index in one.phone_indexes}
    known = User.objects.filter(phone_index__in=phones).values_list("phone_index", "id")
    ids = {phones[index]: pk for index, pk in known if index}
    for phone in sorted(first.keys() - ids.keys()):
        member, _made = get_or_create_member(phone=phone, at=first[phone].occurred_at)
        ids[phone] = member.pk
    lock_wallets(set(ids.values()))
    people = User.objects.select_related("tier").in_bulk(list(ids.values()))
    return {phone: people[pk] for phone, pk in ids.items()}


def _fault(purchase: Purchase, refused: Refused) -> Fault:
    if isinstance(refused, SaleKeyReused):
        message = _("Another sale has this receipt number: its phone, sum or date differs.")
        return Fault(purchase.line, "receipt_number", message, purchase.original)
    column = COLUMN_OF.get(refused.field, "") if isinstance(refused, Invalid) else ""
    return Fault(purchase.line, column, str(refused), purchase.original)
