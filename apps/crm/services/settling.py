"""A record and its value in the ledger.

The ledger must hold for a record: its sum, less its returns, for the member with its phone; zero
when it is gone. Whatever is missing is recorded, whatever is too much is returned. Called inside a
transaction that holds the records' locks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.accounts.models import User
from apps.accounts.services import get_or_create_member
from apps.core.errors import Refused
from apps.crm.adapters import Customer
from apps.crm.enums import Kind, Reason, RecordState
from apps.crm.models import CRMIntegration, ExternalRecord, Supplement
from apps.crm.services.ledger import take_back
from apps.crm.services.saving import save_records
from apps.transactions.models import Source
from apps.transactions.services import (
    AmountOverLimit,
    BusinessClosed,
    MomentInvalid,
    SaleRow,
    record_purchase,
    record_purchases,
)

# A guest who joined at the counter after she had paid: that purchase is still hers.
BEFORE_JOINING = timedelta(days=1)
REASONS = {
    AmountOverLimit: Reason.OVER_LIMIT,
    BusinessClosed: Reason.CLOSED,
    MomentInvalid: Reason.BAD_MOMENT,
}


@dataclass(frozen=True)
class Guest:
    """Who a document named: her E.164 number and what the system knows of her."""

    phone: str
    customer: Customer


@dataclass
class Settled:
    """How many records changed their value in the ledger, how many were put aside."""

    changed: int = 0
    set_aside: int = 0


@dataclass
class Work:
    integration: CRMIntegration
    at: datetime
    guests: Mapping[UUID, Guest]
    backfill: bool
    returns: Mapping[str, Decimal] = field(default_factory=dict)
    members: dict[str, User] = field(default_factory=dict)
    new: list[tuple[ExternalRecord, User, Decimal]] = field(default_factory=list)


def settle(
    *,
    integration: CRMIntegration,
    records: Sequence[ExternalRecord],
    at: datetime,
    guests: Mapping[UUID, Guest] | None = None,
    backfill: bool = False,
) -> Settled:
    """Bring the ledger to what the records say and save them. Returns how many changed it."""
    work = Work(integration, at, guests or {}, backfill)
    sales = [record for record in records if record.kind == Kind.SALE]
    # Returns are saved first: what is due to a sale is summed up in the database.
    refunds = [record for record in records if record.kind == Kind.REFUND]
    _place_returns(integration, refunds)
    save_records(refunds)
    work.returns = _returns(integration, sales)
    work.members = _members(work, sales)
    before = {record.pk: (record.applied, record.member_id) for record in sales}
    for record in sales:
        if record.state != RecordState.IGNORED:
            _settle_sale(work, record)
    _record_new(work)
    save_records(sales)
    return Settled(
        changed=sum(before[one.pk] != (one.applied, one.member_id) for one in sales),
        set_aside=sum(one.state == RecordState.QUARANTINE for one in records),
    )


def _returns(integration: CRMIntegration, sales: Sequence[ExternalRecord]) -> dict[str, Decimal]:
    returns = ExternalRecord.objects.filter(
        integration=integration,
        kind=Kind.REFUND,
        refund_of__one_of=[one.external_id for one in sales],
        gone=False,
    ).exclude(state__in=[RecordState.QUARANTINE, RecordState.IGNORED])
    returns.filter(state=RecordState.WAITING).update(state=RecordState.APPLIED)
    rows = returns.values("refund_of").annotate(whole=Sum("amount"))
    return {row["refund_of"]: row["whole"] for row in rows}


def _place_returns(integration: CRMIntegration, refunds: Sequence[ExternalRecord]) -> None:
    """States of returns; their money is part of their sale's."""
    there = set(
        ExternalRecord.objects.filter(
            integration=integration,
            kind=Kind.SALE,
            external_id__one_of=[one.refund_of for one in refunds],
        ).values_list("external_id", flat=True)
    )
    for record in refunds:
        if record.reason:
            record.state = RecordState.QUARANTINE
        elif record.gone:
            record.state = RecordState.CANCELLED
        elif record.refund_of in there:
            record.state = RecordState.APPLIED
        else:
            record.state = RecordState.WAITING


def _members(work: Work, sales: Sequence[ExternalRecord]) -> dict[str, User]:
    """Members by the blind index of the phone; unknown ones join when the connection says so, with
    the first of their sales."""
    indexes = {one.phone_index for one in sales if one.phone_index}
    rows = User.objects.filter(phone_index__one_of=indexes)
    found = {str(row.phone_index): row for row in rows}
    if not work.integration.enrols:
        return found
    joining: dict[str, tuple[str, datetime]] = {}
    for one in sorted(sales, key=lambda sale: sale.occurred_at):
        if one.phone_index and one.phone_index not in found and one.pk in work.guests:
            joining.setdefault(one.phone_index, (work.guests[one.pk].phone, one.occurred_at))
    for index, (phone, moment) in sorted(joining.items(), key=lambda pair: pair[1][0]):
        found[index] = get_or_create_member(phone=phone, at=min(moment, work.at))[0]
    return found


# --- one sale ------------------------------------------------------------------------------------
def _settle_sale(work: Work, record: ExternalRecord) -> None:
    if record.reason and record.reason not in REASONS.values():
        record.state = RecordState.QUARANTINE  # what is in the ledger stays until it can be read
        return
    record.reason = ""
    member = _member_of(work, record)
    if record.reason:
        return
    target = _target(work, record) if member else Decimal(0)
    if record.applied and member and record.member_id != member.pk:
        _lower(work, record, record.applied)  # the guest is another: hers goes, the other's comes
    if target > record.applied:
        assert member is not None
        _raise(work, record, member, target - record.applied)
        return
    if target < record.applied:
        _lower(work, record, record.applied - target)
    if member and target:
        record.state = RecordState.APPLIED
    elif member or record.gone:
        record.state = RecordState.CANCELLED
    else:
        record.state = RecordState.UNCLAIMED


def _target(work: Work, record: ExternalRecord) -> Decimal:
    if record.gone:
        return Decimal(0)
    return max(record.amount - work.returns.get(record.external_id, Decimal(0)), Decimal(0))


def _member_of(work: Work, record: ExternalRecord) -> User | None:
    """Whose sale it is; sets the reason when the guest cannot be told from her family."""
    if record.matched_by_hand:
        return record.member
    member = work.members.get(record.phone_index) if record.phone_index else None
    if member is None or record.member_id == member.pk:
        return member
    guest = work.guests.get(record.pk)
    if guest and guest.customer.shared and guest.customer.birth_date != member.birth_date:
        record.state, record.reason = RecordState.QUARANTINE, Reason.SHARED_PHONE
        return None
    if not work.backfill and record.occurred_at < member.joined_at - BEFORE_JOINING:
        return None  # she was no member then
    return member


def _raise(work: Work, record: ExternalRecord, member: User, amount: Decimal) -> None:
    if record.sale_id is None:
        work.new.append((record, member, amount))
        return
    number = record.revision + 1
    try:
        with transaction.atomic():
            sale = record_purchase(
                business=work.integration.business,
                member=member,
                amount=amount,
                occurred_at=record.occurred_at,
                by=None,
                key=f"crm:{record.pk}:{number}",
                source=Source.CRM,
                receipt_number=record.receipt_number,
            )
    except Refused as refused:
        _put_aside(record, refused)
        return
    Supplement.objects.create(record=record, sale=sale)
    record.revision, record.member = number, member
    record.applied += amount
    record.state = RecordState.APPLIED


def _lower(work: Work, record: ExternalRecord, amount: Decimal) -> None:
    record.revision += 1
    take_back(record, amount, at=work.at)
    record.applied -= amount


def _put_aside(record: ExternalRecord, refused: Refused) -> None:
    record.state = RecordState.QUARANTINE
    record.reason = REASONS.get(type(refused), Reason.BAD_ROW)


def _record_new(work: Work) -> None:
    """First sales of all records of the batch at once."""
    rows = [
        SaleRow(
            key=f"crm:{record.pk}",
            member_id=member.pk,
            amount=amount,
            occurred_at=record.occurred_at,
            receipt_number=record.receipt_number,
        )
        for record, member, amount in work.new
    ]
    if not rows:
        return
    answers = record_purchases(
        business=work.integration.business, rows=rows, by=None, source=Source.CRM
    )
    for (record, member, amount), answer in zip(work.new, answers, strict=True):
        if answer.refused:
            _put_aside(record, answer.refused)
        elif answer.sale_id:
            record.sale_id, record.member = answer.sale_id, member
            record.applied, record.state = amount, RecordState.APPLIED
