"""Reading a system and bringing the ledger to what it says."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from apps.crm import rules
from apps.crm.adapters import BaseCRMAdapter, Document, Ref
from apps.crm.enums import RunState, State, Trigger, Trouble
from apps.crm.models import CRMIntegration, ExternalRecord, SyncRun
from apps.crm.net import Failed
from apps.crm.services import health
from apps.crm.services.applying import Counts, apply_documents, apply_vanished
from apps.crm.services.locks import Busy, alone
from apps.crm.services.opening import opened
from apps.crm.services.rereading import of_receipts, read_again

log = structlog.get_logger(__name__)

BATCH = 200
# A document that is being written while we read: the newest moments are read once more next time.
LAG = timedelta(minutes=1)

__all__ = ["Busy", "read_named", "run_sync", "sync_transactions"]


def sync_transactions(business_id: UUID, since: datetime) -> int:
    """Read every live connection of a business from `since` on; how many records changed the
    ledger. One that fails does not stop the others: it shows in its runs. An integration that
    somebody else is reading now is left to them."""
    rows = CRMIntegration.objects.filter(
        business_id=business_id, state__in=[State.ACTIVE, State.STOPPED]
    )
    changed = 0
    for integration in rows.select_related("business"):
        try:
            changed += run_sync(integration.pk, trigger=Trigger.HAND, since=since).applied
        except Busy:
            continue
    return changed


def run_sync(
    integration_id: UUID, *, trigger: Trigger, since: datetime | None = None, force: bool = True
) -> SyncRun:
    """One read of one connection. `since` None goes on from the cursor. Not `force`: a paused or
    stopped connection is left alone. Raises Busy; a failure of the system ends as a failed run."""
    with alone("sync", integration_id):
        integration = CRMIntegration.objects.select_related("business").get(pk=integration_id)
        now = timezone.now()
        _close_broken(integration, now)
        start, is_long = rules.window(
            cursor=integration.cursor,
            reread_at=integration.reread_at,
            lookback=timedelta(days=integration.lookback_days),
            at=now,
        )
        run = SyncRun(
            integration=integration, trigger=trigger, since=since or start, until=now + LAG
        )
        if not force and _is_resting(integration, now):
            run.state, run.trouble = RunState.FAILED, Trouble.PAUSED
            return run
        run.save()
        return _carry_out(integration, run, is_long=is_long or since is not None)


def _is_resting(integration: CRMIntegration, now: datetime) -> bool:
    if integration.state != State.ACTIVE:
        return True
    return bool(integration.paused_until and integration.paused_until > now)


def _close_broken(integration: CRMIntegration, now: datetime) -> None:
    """We hold the lock, so whoever wrote «running» was killed."""
    SyncRun.objects.filter(integration=integration, state=RunState.RUNNING).update(
        state=RunState.BROKEN, ended_at=now
    )


def _carry_out(integration: CRMIntegration, run: SyncRun, *, is_long: bool) -> SyncRun:
    trouble: Trouble | None = None
    try:
        with opened(integration, run=run) as adapter:
            read_window(integration, adapter, run, is_long=is_long)
    except Failed as failure:
        trouble = failure.trouble
    except Exception:
        _end(run, Trouble.INTERNAL)
        health.failed(integration, trouble=Trouble.INTERNAL, at=timezone.now())
        raise
    _end(run, trouble)
    if trouble:
        health.failed(integration, trouble=trouble, at=timezone.now())
        return run
    cursor = max(run.until - LAG, integration.cursor or run.since)
    more: dict[str, object] = {"cursor": cursor}
    if is_long and run.since <= run.started_at - timedelta(days=integration.lookback_days):
        more["reread_at"] = run.started_at
    health.succeeded(integration, at=timezone.now(), **more)
    return run


def read_named(integration: CRMIntegration, refs: Iterable[Ref], *, since: datetime) -> SyncRun:
    """Read again what a call of `since` named: a run of its own, so that the log and the figures of
    the day know it. Raises Busy, Failed."""
    with alone("sync", integration.pk, patience=2):
        now = timezone.now()
        _close_broken(integration, now)
        run = SyncRun.objects.create(
            integration=integration, trigger=Trigger.WEBHOOK, since=since, until=now
        )
        trouble: Trouble | None = Trouble.INTERNAL
        try:
            with opened(integration, run=run) as adapter:
                _count(run, read_again(integration, adapter, refs, run=run))
            trouble = None
        except Failed as failure:
            trouble = failure.trouble
            raise
        finally:
            _end(run, trouble)
    return run


def _end(run: SyncRun, trouble: Trouble | None) -> None:
    run.state = RunState.FAILED if trouble else RunState.DONE
    run.trouble, run.ended_at = trouble or "", timezone.now()
    run.save()


def read_window(
    integration: CRMIntegration, adapter: BaseCRMAdapter, run: SyncRun, *, is_long: bool
) -> None:
    """Apply a window batch by batch, then what is missing from it. Raises Failed: then nothing is
    concluded from what did not come."""
    # A feed of changes says nothing of what was deleted: the long read asks for those by name.
    known = _known(integration, run) if adapter.snapshot or is_long else {}
    seen: set[Ref] = set()
    for batch in batched(adapter.fetch_transactions(run.since, run.until), BATCH, strict=False):
        seen.update(Ref(one.entity, one.external_id) for one in batch)
        _count(run, apply_documents(integration, adapter, _newest(batch), run=run))
    elsewhere = adapter.changed_receipts(run.since)
    if elsewhere:
        older = of_receipts(integration, elsewhere, before=run.since)
        _count(run, read_again(integration, adapter, older, run=run))
    missing = [ref for ref in known if ref not in seen]
    if missing:
        _count(run, _settle_missing(run, adapter, missing, known))


def _newest(batch: Iterable[Document]) -> Iterator[Document]:
    """A document that moved between pages comes twice: its newest version counts."""
    best: dict[Ref, Document] = {}
    for one in batch:
        name = Ref(one.entity, one.external_id)
        if name not in best or one.version >= best[name].version:
            best[name] = one
    return iter(best.values())


def _known(integration: CRMIntegration, run: SyncRun) -> dict[Ref, UUID]:
    rows = ExternalRecord.objects.filter(
        integration=integration,
        gone=False,
        occurred_at__gte=run.since,
        occurred_at__lt=run.until,
        # What somebody put in while we read is not missing.
        first_seen_at__lt=run.started_at,
    ).values_list("entity", "external_id", "pk")
    return {Ref(entity, number): pk for entity, number, pk in rows}


def _settle_missing(
    run: SyncRun,
    adapter: BaseCRMAdapter,
    missing: list[Ref],
    known: Mapping[Ref, UUID],
) -> Counts:
    """What a whole window did not bring is asked for by name, where that is possible. A window
    that lost most of its sales at once was read wrongly: nothing is taken back."""
    vanished = [known[ref] for ref in adapter.find_vanished(missing)]
    if rules.vanished_too_many(known=len(known), missing=len(vanished)):
        log.error("crm.vanished_many", integration=str(run.integration_id), missing=len(vanished))
        raise Failed(Trouble.SUSPICIOUS)
    return apply_vanished(run.integration, vanished, run=run)


def _count(run: SyncRun, counts: Counts) -> None:
    """Kept as we go: a run that breaks off has counted what it did."""
    run.received += counts.received
    run.applied += counts.applied
    run.repeated += counts.repeated
    run.set_aside += counts.set_aside
    SyncRun.objects.filter(pk=run.pk).update(
        received=F("received") + counts.received,
        applied=F("applied") + counts.applied,
        repeated=F("repeated") + counts.repeated,
        set_aside=F("set_aside") + counts.set_aside,
    )
