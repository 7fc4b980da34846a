"""Records of a batch, written by column: one statement of arrays for a thousand of them, where
`bulk_create` prepares each value by itself and `bulk_update` writes a CASE for each."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from apps.crm.enums import RecordState
from apps.crm.models import ExternalRecord

CREATE = """
INSERT INTO crm_externalrecord
    (id, integration_id, kind, entity, external_id, refund_of, amount, occurred_at, version, digest,
     gone, receipt_number, customer_ref, phone_index, matched_by_hand, applied, revision, state,
     reason, attempts, first_seen_at, seen_at)
SELECT v.id, v.integration, v.kind, v.entity, v.number, '', 0, v.occurred, 0, '',
       false, '', '', '', false, 0, 0, %(state)s, '', 0, v.at, v.at
FROM unnest(%(id)b::uuid[], %(integration)b::uuid[], %(kind)b::text[], %(entity)b::text[],
            %(number)b::text[], %(occurred)b::timestamptz[], %(at)b::timestamptz[])
     AS v(id, integration, kind, entity, number, occurred, at)
ON CONFLICT (integration_id, entity, external_id) DO NOTHING
RETURNING id
"""
TEXTS = (
    "kind",
    "refund_of",
    "digest",
    "receipt_number",
    "customer_ref",
    "phone_index",
    "state",
    "reason",
)
OTHERS = (
    "amount",
    "occurred_at",
    "version",
    "gone",
    "matched_by_hand",
    "member_id",
    "sale_id",
    "applied",
    "revision",
    "attempts",
    "seen_at",
    "run_id",
)
UPDATE = """
UPDATE crm_externalrecord r SET
  kind = v.kind, refund_of = v.refund_of, digest = v.digest, receipt_number = v.receipt_number,
  customer_ref = v.customer_ref, phone_index = v.phone_index, state = v.state, reason = v.reason,
  amount = v.amount, occurred_at = v.occurred_at, version = v.version, gone = v.gone,
  matched_by_hand = v.matched_by_hand, member_id = v.member_id, sale_id = v.sale_id,
  applied = v.applied, revision = v.revision, attempts = v.attempts, seen_at = v.seen_at,
  run_id = v.run_id
FROM unnest(
  %(id)b::uuid[], %(kind)b::text[], %(refund_of)b::text[], %(digest)b::text[],
  %(receipt_number)b::text[], %(customer_ref)b::text[], %(phone_index)b::text[],
  %(state)b::text[], %(reason)b::text[], %(amount)s::numeric[], %(occurred_at)b::timestamptz[],
  %(version)b::bigint[], %(gone)b::boolean[], %(matched_by_hand)b::boolean[],
  %(member_id)b::uuid[], %(sale_id)b::uuid[], %(applied)s::numeric[], %(revision)b::bigint[],
  %(attempts)b::bigint[], %(seen_at)b::timestamptz[], %(run_id)b::uuid[]
) AS v(id, kind, refund_of, digest, receipt_number, customer_ref, phone_index, state, reason,
  amount, occurred_at, version, gone, matched_by_hand, member_id, sale_id, applied, revision,
  attempts, seen_at, run_id)
WHERE r.id = v.id
"""


def create_records(rows: Sequence[ExternalRecord]) -> set[UUID]:
    """Write new records, still empty; the ids of those that nobody wrote before. The transaction
    that wrote them is alone with them, the others are locked where they are read."""
    columns: dict[str, list[Any]] = {
        "id": [row.pk for row in rows],
        "kind": [str(row.kind) for row in rows],
        "entity": [row.entity for row in rows],
        "number": [row.external_id for row in rows],
        "occurred": [row.occurred_at for row in rows],
        "at": [row.seen_at for row in rows],
        "integration": [row.integration_id for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(CREATE, columns | {"state": str(RecordState.UNCLAIMED)})
        return {row[0] for row in cursor.fetchall()}


def save_records(rows: Sequence[ExternalRecord]) -> None:
    """Everything of them that settling may change; their locks are held."""
    if not rows:
        return
    columns: dict[str, list[Any]] = {"id": [row.pk for row in rows]}
    columns |= {name: [str(getattr(row, name)) for row in rows] for name in TEXTS}
    columns |= {name: [getattr(row, name) for row in rows] for name in OTHERS}
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, columns)
