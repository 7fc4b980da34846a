"""Success and failure of a connection: the circuit breaker, and who has to act."""

from datetime import datetime

import structlog
from django.db import transaction

from apps.crm import rules
from apps.crm.enums import NEEDS_A_PERSON, State, Trouble
from apps.crm.models import CRMIntegration

log = structlog.get_logger(__name__)


@transaction.atomic
def succeeded(integration: CRMIntegration, *, at: datetime, **more: object) -> None:
    row = CRMIntegration.objects.select_for_update().get(pk=integration.pk)
    row.failures = row.pauses = 0
    row.paused_until = None
    row.trouble, row.troubled_at = "", None
    if row.state == State.STOPPED:
        row.state = State.ACTIVE
    row.last_success_at = at
    for name, value in more.items():
        setattr(row, name, value)
    row.save()


@transaction.atomic
def failed(integration: CRMIntegration, *, trouble: Trouble, at: datetime) -> None:
    """Five failures in a row open the circuit for 1, then 5, then 15 minutes. A wrong key, a
    missing right or an unpaid licence stop the connection: only a person mends those."""
    row = CRMIntegration.objects.select_for_update().get(pk=integration.pk)
    row.failures += 1
    row.trouble, row.troubled_at = trouble, row.troubled_at or at
    # Once may be a moment of theirs; the same refusal a second time is not mended by asking again.
    if trouble in NEEDS_A_PERSON and row.failures >= 2 and row.state == State.ACTIVE:
        row.state = State.STOPPED
    if row.failures % rules.FAILURES_BEFORE_PAUSE == 0:
        row.paused_until = at + rules.pause_after(row.pauses)
        row.pauses += 1
    row.save()
    log.warning("crm.failed", integration=str(row.pk), trouble=trouble, failures=row.failures)
