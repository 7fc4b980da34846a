"""Single documents of a system, read again by name."""

from collections.abc import Iterable
from datetime import datetime

from apps.crm.adapters import BaseCRMAdapter, Ref
from apps.crm.models import CRMIntegration, ExternalRecord, SyncRun
from apps.crm.services.applying import Counts, apply_documents, apply_vanished


def read_again(
    integration: CRMIntegration,
    adapter: BaseCRMAdapter,
    refs: Iterable[Ref],
    *,
    run: SyncRun | None = None,
) -> Counts:
    """Bring the ledger to what these documents are now; what is not there any more counts nothing.
    A system that cannot be asked for one is left to the next poll. Raises Failed."""
    counts = Counts()
    for ref in refs:
        try:
            found = adapter.fetch_one(ref.entity, ref.external_id)
        except NotImplementedError:
            continue
        counts += apply_documents(integration, adapter, found, run=run)
        if not found:
            gone = ExternalRecord.objects.filter(
                integration=integration,
                entity=ref.entity,
                external_id=ref.external_id,
                gone=False,
            )
            counts += apply_vanished(integration, list(gone.values_list("pk", flat=True)), run=run)
    return counts


def of_receipts(
    integration: CRMIntegration, numbers: Iterable[str], *, before: datetime
) -> list[Ref]:
    """Known sales of these receipts that are older than a window."""
    rows = ExternalRecord.objects.filter(
        integration=integration, receipt_number__in=set(numbers), occurred_at__lt=before
    )
    return [Ref(entity, number) for entity, number in rows.values_list("entity", "external_id")]
