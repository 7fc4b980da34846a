"""Documents of the outside into records, and records into the ledger.

The network is asked before the transaction begins. Inside: records of a batch are written and
locked in one order, then wallets. Each record's value in the ledger (`applied`) and the sales that
make it up commit together, so a crash at any moment repeats nothing and loses nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts import rules as people
from apps.core import sealing
from apps.crm import rules
from apps.crm.adapters import NOBODY, BaseCRMAdapter, Customer, Document
from apps.crm.enums import BY_PHONE, Kind, Reason, RecordState
from apps.crm.models import CRMIntegration, ExternalRecord, SyncRun
from apps.crm.services.saving import create_records
from apps.crm.services.settling import Guest, Settled, settle

# What may fit when it is tried again unchanged.
RETRIABLE = {Reason.CLOSED, Reason.OVER_LIMIT, Reason.BAD_MOMENT}


@dataclass
class Counts:
    """Documents that came; records whose value in the ledger changed; known ones; put aside."""

    received: int = 0
    applied: int = 0
    repeated: int = 0
    set_aside: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.applied + other.applied,
            self.repeated + other.repeated,
            self.set_aside + other.set_aside,
        )


@dataclass
class Incoming:
    """A document with the guest it belongs to, as far as she is known."""

    document: Document
    customer: Customer | None
    digest: str
    phone: str = ""
    phone_index: str = ""
    reason: str = ""
    fresh: bool = True


@dataclass
class Batch:
    integration: CRMIntegration
    incoming: Sequence[Incoming]
    at: datetime
    backfill: bool = False
    run: SyncRun | None = None
    counts: Counts = field(default_factory=Counts)


def apply_documents(
    integration: CRMIntegration,
    adapter: BaseCRMAdapter,
    documents: Iterable[Document],
    *,
    run: SyncRun | None = None,
    backfill: bool = False,
) -> Counts:
    """Bring records and ledger to what the documents say; one transaction for all of them.
    Raises Failed when the system has to be asked for a guest and does not answer."""
    listed = list(documents)
    if not listed:
        return Counts()
    incoming = _resolve(integration, adapter, listed)
    counts = _write(Batch(integration, incoming, timezone.now(), backfill, run))
    counts.received = len(listed)
    return counts


@transaction.atomic
def apply_vanished(
    integration: CRMIntegration, record_ids: Sequence[UUID], *, run: SyncRun | None = None
) -> Counts:
    """Records that are listed no more count nothing from now on."""
    counts = Counts()
    named = ExternalRecord.objects.filter(pk__in=record_ids)
    sales = named.filter(kind=Kind.REFUND).values("refund_of")
    locked = _lock(Q(pk__in=record_ids) | Q(external_id__in=sales), integration)
    for record in locked:
        if record.pk in set(record_ids):
            record.gone = True
            record.digest = ""  # if it comes back it is news
            record.run = run
    counts.applied = _settle_all(Batch(integration, [], timezone.now()), locked, counts)
    return counts


# --- before the transaction ----------------------------------------------------------------------
def _resolve(
    integration: CRMIntegration, adapter: BaseCRMAdapter, documents: Sequence[Document]
) -> list[Incoming]:
    there = _there(integration, documents)
    found = []
    for one in documents:
        digest = digest_of(one)
        known = there.get((one.entity, one.external_id))
        if known == digest:
            found.append(Incoming(one, None, digest, fresh=False))
            continue
        if one.gone and known is None:
            continue  # nothing of ours was cancelled: a deal that was never won, say
        customer = None if one.gone or one.fault else adapter.customer_of(one)
        found.append(_incoming(one, customer, digest, adapter.numbers))
    return found


def _there(
    integration: CRMIntegration, documents: Sequence[Document]
) -> dict[tuple[str, str], str]:
    """Digest of what is known; none for records that may fit when they are tried again."""
    rows = ExternalRecord.objects.filter(
        integration=integration, external_id__one_of={one.external_id for one in documents}
    ).values_list("entity", "external_id", "digest", "state", "reason")
    return {
        (entity, number): "" if state == RecordState.QUARANTINE and reason in RETRIABLE else digest
        for entity, number, digest, state, reason in rows
    }


def digest_of(document: Document) -> str:
    """What makes a document news. A version alone does not: archiving changes no money."""
    customer = document.customer
    return rules.fingerprint(
        document.amount,
        document.occurred_at.isoformat(),
        document.gone,
        document.refund_of,
        document.customer_id or (customer.id if customer else ""),
        rules.digits(customer.phone) if customer else "",
        document.fault or "",
    )


def _numbered(phone: str) -> tuple[str, str] | None:
    """Her E.164 number and its blind index."""
    normal = people.normalize_phone(phone)
    return (normal, sealing.blind_index(normal, purpose="phone")) if normal else None


def _incoming(
    document: Document,
    customer: Customer | None,
    digest: str,
    numbers: dict[str, tuple[str, str] | None],
) -> Incoming:
    one = Incoming(document, customer, digest)
    if document.fault:
        one.reason = document.fault
    elif not rules.believable_amount(document.amount):
        one.reason = Reason.BAD_AMOUNT
    elif customer is None or customer == NOBODY:
        pass  # a guest without a name: nobody's sale
    elif not customer.phone:
        one.reason = Reason.NO_PHONE
    else:
        if customer.phone not in numbers:
            numbers[customer.phone] = _numbered(customer.phone)
        found = numbers[customer.phone]
        if found is None:
            one.reason = Reason.BAD_PHONE
        else:
            one.phone, one.phone_index = found
            if customer.shared and not customer.birth_date:
                one.reason = Reason.SHARED_PHONE
    return one


# --- inside --------------------------------------------------------------------------------------
@transaction.atomic
def _write(batch: Batch) -> Counts:
    counts = batch.counts
    fresh = [one for one in batch.incoming if one.fresh]
    counts.repeated = len(batch.incoming) - len(fresh)
    if not fresh:
        return counts
    rows = _rows_of(batch, fresh)
    by_name = {(row.entity, row.external_id): row for row in rows}
    touched: dict[UUID, ExternalRecord] = {}
    guests: dict[UUID, Guest] = {}
    for one in fresh:
        row = by_name[_name(one)]
        if one.document.version and one.document.version < row.version:
            counts.repeated += 1  # a newer one came first
            continue
        _take_over(row, one, batch)
        touched[row.pk] = row
        if one.customer:
            guests[row.pk] = Guest(one.phone, one.customer)
    touched |= {row.pk: row for row in _originals(rows, touched)}
    counts.applied += _settle_all(batch, list(touched.values()), counts, guests=guests)
    return counts


def _rows_of(batch: Batch, fresh: Sequence[Incoming]) -> list[ExternalRecord]:
    """The records of the documents, and the sales that returns among them belong to: ours alone
    until the commit."""
    new = {_name(one): _new(batch, one) for one in fresh}
    mine = create_records(list(new.values()))
    created = {name: row for name, row in new.items() if row.pk in mine}
    numbers = {one.document.external_id for one in fresh if _name(one) not in created}
    numbers |= {one.document.refund_of for one in fresh if one.document.refund_of}
    there = _lock(Q(external_id__one_of=numbers), batch.integration) if numbers else []
    return [*created.values(), *(row for row in there if row.pk not in mine)]


def _name(one: Incoming) -> tuple[str, str]:
    return one.document.entity, one.document.external_id


def _new(batch: Batch, one: Incoming) -> ExternalRecord:
    document = one.document
    return ExternalRecord(
        integration=batch.integration,
        kind=document.kind,
        entity=document.entity,
        external_id=document.external_id,
        amount=Decimal(0),
        occurred_at=document.occurred_at,
        digest="",
        state=RecordState.UNCLAIMED,
        first_seen_at=batch.at,
        seen_at=batch.at,
    )


def _lock(which: Q, integration: CRMIntegration) -> list[ExternalRecord]:
    """Always in this order: two writers never wait for each other crosswise."""
    rows = ExternalRecord.objects.filter(which, integration=integration)
    return list(
        rows.select_for_update(of=("self",))
        .select_related("sale")
        .order_by("entity", "external_id")
    )


def _take_over(row: ExternalRecord, one: Incoming, batch: Batch) -> None:
    document = one.document
    row.run, row.seen_at = batch.run, batch.at
    row.kind, row.refund_of = document.kind, document.refund_of
    row.occurred_at, row.version = document.occurred_at, document.version
    row.gone, row.digest = document.gone, one.digest
    row.receipt_number = document.receipt_number[:60]
    row.reason = "" if row.matched_by_hand and one.reason in BY_PHONE else one.reason
    if one.reason not in (Reason.BAD_AMOUNT, Reason.BAD_ROW):
        row.amount = document.amount
    if one.customer and not row.matched_by_hand:
        row.customer_ref, row.phone_index = one.customer.id[:100], one.phone_index


def _originals(
    rows: Sequence[ExternalRecord], touched: dict[UUID, ExternalRecord]
) -> list[ExternalRecord]:
    """The sales whose returns have changed."""
    wanted = {row.refund_of for row in touched.values() if row.kind == Kind.REFUND}
    return [row for row in rows if row.kind == Kind.SALE and row.external_id in wanted]


def _settle_all(
    batch: Batch,
    rows: Sequence[ExternalRecord],
    counts: Counts,
    *,
    guests: dict[UUID, Guest] | None = None,
) -> int:
    ordered = sorted(rows, key=lambda row: (row.occurred_at, row.entity, row.external_id))
    settled: Settled = settle(
        integration=batch.integration,
        records=ordered,
        at=batch.at,
        guests=guests or {},
        backfill=batch.backfill,
    )
    counts.set_aside += settled.set_aside
    return settled.changed
