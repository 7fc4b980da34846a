"""Records of a batch, written by column: one statement of twenty-one arrays for a thousand of them,
where `bulk_update` would write a CASE for each row and column."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from apps.crm.models import ExternalRecord

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
  %(id)s::uuid[], %(kind)s::text[], %(refund_of)s::text[], %(digest)s::text[],
  %(receipt_number)s::text[], %(customer_ref)s::text[], %(phone_index)s::text[],
  %(state)s::text[], %(reason)s::text[], %(amount)s::numeric[], %(occurred_at)s::timestamptz[],
  %(version)s::bigint[], %(gone)s::boolean[], %(matched_by_hand)s::boolean[],
  %(member_id)s::uuid[], %(sale_id)s::uuid[], %(applied)s::numeric[], %(revision)s::bigint[],
  %(attempts)s::bigint[], %(seen_at)s::timestamptz[], %(run_id)s::uuid[]
) AS v(id, kind, refund_of, digest, receipt_number, customer_ref, phone_index, state, reason,
  amount, occurred_at, version, gone, matched_by_hand, member_id, sale_id, applied, revision,
  attempts, seen_at, run_id)
WHERE r.id = v.id
"""


def save_records(rows: Sequence[ExternalRecord]) -> None:
    """Everything of them that settling may change; their locks are held."""
    if not rows:
        return
    columns: dict[str, list[Any]] = {"id": [row.pk for row in rows]}
    columns |= {name: [str(getattr(row, name)) for row in rows] for name in TEXTS}
    columns |= {name: [getattr(row, name) for row in rows] for name in OTHERS}
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, columns)
