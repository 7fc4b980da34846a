"""Reads of the CRM hub: what pages and the API show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.crm.enums import EventState, Kind, RecordState, RunState
from apps.crm.models import Backfill, CRMIntegration, ExternalRecord, SyncRun, WebhookEvent
from apps.transactions.models import Transaction

SLOT = timedelta(minutes=30)
SLOTS = 48


@dataclass(frozen=True)
class Figures:
    """Documents of 24 hours: received, those that changed the ledger, known ones, put aside."""

    received: int = 0
    applied: int = 0
    repeated: int = 0
    set_aside: int = 0


@dataclass
class Connection:
    """All that the status of one connection shows."""

    row: CRMIntegration
    figures: Figures
    queue: int
    slots: list[str]
    aside: dict[str, int] = field(default_factory=dict)
    unclaimed: int = 0
    waiting: int = 0
    backfill: Backfill | None = None
    paused_until: datetime | None = None
    at: datetime | None = None

    @property
    def lag_seconds(self) -> int | None:
        last = self.row.last_success_at
        if last is None or self.at is None:
            return None
        return max(0, int((self.at - last).total_seconds()))


def connections_of(business: Business) -> QuerySet[CRMIntegration]:
    return CRMIntegration.objects.filter(business=business).select_related("business")


def connections() -> QuerySet[CRMIntegration]:
    return CRMIntegration.objects.select_related("business").order_by("business__name", "system")


def described(rows: Iterable[CRMIntegration], *, at: datetime) -> list[Connection]:
    """Their state, in as many statements for a hundred connections as for one."""
    listed = list(rows)
    ids = [row.pk for row in listed]
    runs = _runs(ids, at)
    queues = dict(
        WebhookEvent.objects.filter(integration__in=ids, state=EventState.WAITING)
        .values_list("integration")
        .annotate(count=Count("pk"))
    )
    held = _held(ids)
    backfills = {
        one.integration_id: one
        for one in Backfill.objects.filter(integration__in=ids).order_by("started_at")
    }
    found = []
    for row in listed:
        mine = [run for run in runs if run["integration"] == row.pk]
        one = Connection(
            row=row,
            figures=_figures(mine),
            queue=queues.get(row.pk, 0),
            slots=_slots(mine, at),
            backfill=backfills.get(row.pk),
            at=at,
        )
        _fill(one, [each for each in held if each[0] == row.pk])
        if row.paused_until and row.paused_until > at:
            one.paused_until = row.paused_until
        found.append(one)
    return found


def _runs(ids: list[UUID], at: datetime) -> list[Mapping[str, Any]]:
    rows = SyncRun.objects.filter(integration__in=ids, started_at__gte=at - SLOTS * SLOT)
    names = ("integration", "started_at", "state", "received", "applied", "repeated", "set_aside")
    return list(rows.values(*names))


def _held(ids: list[UUID]) -> list[tuple[UUID, str, str, int]]:
    """(connection, state, reason, how many) of what is not in the ledger."""
    states = [RecordState.QUARANTINE, RecordState.UNCLAIMED, RecordState.WAITING]
    rows = ExternalRecord.objects.filter(integration__in=ids, state__in=states)
    return list(rows.values_list("integration", "state", "reason").annotate(count=Count("pk")))


def _figures(runs: Sequence[Mapping[str, Any]]) -> Figures:
    names = ("received", "applied", "repeated", "set_aside")
    return Figures(**{name: sum(run[name] for run in runs) for name in names})


def _slots(runs: Sequence[Mapping[str, Any]], at: datetime) -> list[str]:
    """48 half-hours, oldest first: good, bad, or none when nobody asked."""
    slots = ["none"] * SLOTS
    for run in runs:
        place = SLOTS - 1 - int((at - run["started_at"]) / SLOT)
        if 0 <= place < SLOTS:
            good = run["state"] in (RunState.DONE, RunState.RUNNING)
            slots[place] = "good" if good and slots[place] != "bad" else "bad"
    return slots


def _fill(one: Connection, held: list[tuple[UUID, str, str, int]]) -> None:
    for _integration, state, reason, count in held:
        if state == RecordState.QUARANTINE:
            one.aside[reason] = one.aside.get(reason, 0) + count
        elif state == RecordState.UNCLAIMED:
            one.unclaimed += count
        else:
            one.waiting += count


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What the hub holds about her: which systems' documents are hers."""
    rows = (
        ExternalRecord.objects.filter(member=member)
        .select_related("integration__business")
        .order_by("occurred_at", "pk")
    )
    return {
        "records": [
            {
                "business": row.integration.business.name,
                "system": row.integration.system,
                "document": row.external_id,
                "customer_number": row.customer_ref,
                "receipt_number": row.receipt_number,
                "amount": f"{row.amount:.2f}",
                "state": row.state,
                "occurred_at": row.occurred_at,
            }
            for row in rows
        ]
    }


@dataclass(frozen=True)
class Brought:
    """A document of a row of the log, and the sale in the books that it became or belongs to."""

    record: ExternalRecord
    sale: Transaction | None

    @property
    def is_return(self) -> bool:
        return self.record.kind == Kind.REFUND


def brought_by(runs: Iterable[SyncRun], *, limit: int = 20) -> dict[UUID, list[Brought]]:
    """What each synchronisation brought or changed last, newest first, at most `limit` of each;
    two statements for any number of them."""
    place = Window(
        RowNumber(), partition_by="run", order_by=[F("occurred_at").desc(), F("id").desc()]
    )
    rows = (
        ExternalRecord.objects.filter(run__in=list(runs))
        .annotate(place=place)
        .filter(place__lte=limit)
        .select_related("sale")
        .order_by("-occurred_at", "-id")
    )
    records = list(rows)
    returned = {one.refund_of for one in records if one.kind == Kind.REFUND}
    originals = {
        (one.integration_id, one.external_id): one.sale
        for one in ExternalRecord.objects.filter(
            integration__in={one.integration_id for one in records},
            external_id__in=returned,
            kind=Kind.SALE,
        ).select_related("sale")
    }
    found: dict[UUID, list[Brought]] = {}
    for one in records:
        sale = one.sale or originals.get((one.integration_id, one.refund_of))
        assert one.run_id is not None
        found.setdefault(one.run_id, []).append(Brought(one, sale))
    return found
