"""Writes of core that a person asks for."""

from collections.abc import Iterable

from django.db import transaction

from apps.core import audit, outbox


@transaction.atomic
def note_audit_export(*, rows: int, asked: dict[str, str], by: audit.Actor, reason: str) -> None:
    """Rows of the audit log leave as a file: by whom, how many, which and why stays in it."""
    audit.record(
        by, "core.audit_exported", "auditentry", "", reason=reason, changed={"rows": rows} | asked
    )


@transaction.atomic
def retry_deliveries(*, listeners: Iterable[str], by: audit.Actor, reason: str) -> int:
    """Give every dead letter of these listeners another life; how many there were."""
    revived = 0
    for listener in sorted(set(listeners)):
        count = outbox.retry_dead(listener=listener)
        audit.record(
            by, "core.retry_dead", "listener", listener, reason=reason, changed={"count": count}
        )
        revived += count
    return revived
