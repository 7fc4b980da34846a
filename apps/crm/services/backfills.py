"""Years of the past: read from old to new in windows, with progress, going on where it stopped."""

from datetime import datetime, timedelta
from itertools import batched
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import Invalid
from apps.crm.models import Backfill, CRMIntegration
from apps.crm.net import Failed
from apps.crm.services.applying import Counts, apply_documents
from apps.crm.services.connections import may_change
from apps.crm.services.locks import alone
from apps.crm.services.opening import opened

WINDOW = timedelta(days=30)
BATCH = 1000
MOST = timedelta(days=3 * 366)


class PastTooLong(Invalid):
    field = "since"
    message = _("At most three years back, and not from the future.")


@transaction.atomic
def start_backfill(
    *, integration: CRMIntegration, since: datetime, by: User | None, at: datetime
) -> Backfill:
    """Plan to read the past from `since` to now; one that runs already is the answer. Sales of
    that time earn by their own day. Raises NotFound, PastTooLong."""
    may_change(by, integration.business)
    if not at - MOST <= since < at:
        raise PastTooLong
    running = Backfill.objects.filter(integration=integration, ended_at__isnull=True).first()
    if running:
        return running
    backfill = Backfill.objects.create(
        integration=integration, since=since, until=at, done_until=since, started_at=at
    )
    audit.record(
        by, "crm.backfill", "crmintegration", integration.pk, business_id=integration.business_id
    )
    return backfill


def continue_backfill(*, backfill_id: UUID, seconds: float = 200.0) -> bool:
    """Read windows for about so many seconds; whether the past is read wholly. What a killed
    worker had read is read again and changes nothing. Raises Busy; a failure of the system is
    noted on the back-fill, which goes on when it is called again."""
    backfill = Backfill.objects.select_related("integration__business").get(pk=backfill_id)
    ends = monotonic() + seconds
    with alone("backfill", backfill.integration_id), opened(backfill.integration) as adapter:
        while backfill.done_until < backfill.until and monotonic() < ends:
            until = min(backfill.done_until + WINDOW, backfill.until)
            counts = Counts()
            try:
                for batch in batched(
                    adapter.fetch_transactions(backfill.done_until, until), BATCH, strict=False
                ):
                    one = apply_documents(backfill.integration, adapter, batch, backfill=True)
                    counts.received += one.received
                    counts.applied += one.applied
            except Failed as failed:
                Backfill.objects.filter(pk=backfill.pk).update(trouble=failed.trouble)
                return False
            _advance(backfill, until, counts)
    return backfill.ended_at is not None


def _advance(backfill: Backfill, until: datetime, counts: Counts) -> None:
    backfill.done_until = until
    if until >= backfill.until:
        backfill.ended_at = timezone.now()
    Backfill.objects.filter(pk=backfill.pk).update(
        done_until=until,
        ended_at=backfill.ended_at,
        received=F("received") + counts.received,
        applied=F("applied") + counts.applied,
        trouble="",
    )
