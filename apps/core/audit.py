"""`record` writes one audit row in the caller's transaction: no change without a row."""

from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

import orjson
from django.db import connection
from django.utils import timezone

from apps.core import rows, sealing
from apps.core.context import caller
from apps.core.masking import mask_text
from apps.core.models import AuditEntry

# Rows of one batch: the ORM takes seven times our CPU (tests/bench/test_bulk.py).
ENTRIES = """
INSERT INTO core_auditentry
    (at, actor_id, actor_job, session_id, address, action, object_type, object_id, business_id,
     reason, digest, request_id)
SELECT %(at)s, NULL, '', %(session)s, %(address)s::inet, %(action)s, %(type)s, r.object,
       %(business)s::uuid, '', r.digest, %(request)s
FROM unnest(%(objects)b::text[], %(digests)b::text[]) WITH ORDINALITY r(object, digest, number)
ORDER BY r.number
"""


class Actor(Protocol):
    """Whoever acts: a person with an id and a job."""

    id: UUID
    job: str


def record(
    by: Actor | None,
    action: str,
    object_type: str,
    object_id: object,
    *,
    business_id: UUID | None = None,
    reason: str = "",
    changed: dict[str, Any] | None = None,
) -> None:
    """Note who (`by`, None for a job) did `action` to an object, and why.

    `changed` enters only as a keyed digest: the row proves a value to whoever has it and the
    pepper, and nobody tries out all phones. Phones and e-mails in a reason are masked.
    Raises RuntimeError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit row commits with its change: open a transaction first.")
    who = caller()
    entry = AuditEntry(
        actor_id=by.id if by else None,
        actor_job=by.job if by else "",
        session_id=who.session_id,
        address=who.address,
        request_id=who.request_id,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        business_id=business_id,
        reason=mask_text(reason),
        digest=_digest(changed),
    )
    rows.insert(entry)


def record_machine(
    action: str,
    object_type: str,
    objects: Iterable[tuple[object, dict[str, Any]]],
    *,
    business_id: UUID,
) -> None:
    """`record` for many objects (id, changed) that an import or a CRM wrote at one business."""
    if not connection.in_atomic_block:
        raise RuntimeError("An audit row commits with its change: open a transaction first.")
    who = caller()
    told = [(str(object_id), _digest(changed)) for object_id, changed in objects]
    values: dict[str, Any] = {
        "at": timezone.now(),
        "session": who.session_id,
        "address": who.address,
        "request": who.request_id,
        "action": action,
        "type": object_type,
        "business": business_id,
        "objects": [object_id for object_id, _digest_of in told],
        "digests": [digest for _object_id, digest in told],
    }
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES, values)


def _digest(changed: dict[str, Any] | None) -> str:
    if not changed:
        return ""
    plain = orjson.dumps(changed, default=str, option=orjson.OPT_SORT_KEYS)
    return sealing.pepper_hash(plain.decode(), purpose="audit")
