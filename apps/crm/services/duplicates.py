"""One purchase that came twice: from the till and from the CRM, from two systems, from a file.

The same member, business and sum within half an hour. The sale of the till or the file stays (its
guest may have paid with bonuses there); the other is returned whole, and from then on changes in
the CRM go to the one that stayed. A merge can be undone and is not made again.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import NotFound, Refused
from apps.crm.models import DuplicateMerge, ExternalRecord, Supplement
from apps.crm.services.claims import locked
from apps.crm.services.connections import may_change
from apps.crm.services.ledger import left_of
from apps.transactions.models import Source, Transaction
from apps.transactions.services import record_purchase, refund_purchase

CLOSE = timedelta(minutes=30)
DAYS_BACK = 45
REASON = "duplicate of another sale"
# A record's sale and an older hand of the same purchase. Each side takes part in one pair only.
PAIRS = """
SELECT DISTINCT ON (r.id) r.id, other.id
FROM crm_externalrecord r
JOIN transactions_transaction s ON s.id = r.sale_id
JOIN transactions_transaction other
  ON other.business_id = s.business_id AND other.member_id = s.member_id
 AND other.amount = s.amount AND other.id <> s.id
 AND other.occurred_at BETWEEN s.occurred_at - make_interval(secs => %(close)s)
     AND s.occurred_at + make_interval(secs => %(close)s)
LEFT JOIN crm_externalrecord r2 ON r2.sale_id = other.id
WHERE r.applied = s.amount AND s.status = 'completed' AND other.status = 'completed'
  AND s.source = 'crm' AND s.occurred_at >= %(since)s
  AND ((other.source <> 'crm' AND r2.id IS NULL)
       OR (r2.integration_id <> r.integration_id AND other.id < s.id))
  AND NOT EXISTS (SELECT 1 FROM crm_duplicatemerge m
                  WHERE m.dropped_id = s.id OR (m.kept_id = other.id AND m.undone_at IS NULL)
                     OR (m.record_id = r.id AND m.kept_id = other.id))
  AND NOT EXISTS (SELECT 1 FROM crm_supplement x WHERE x.record_id = r.id OR x.sale_id = other.id)
ORDER BY r.id, abs(extract(epoch FROM other.occurred_at - s.occurred_at)), other.id
"""


class AlreadyUndone(Refused):
    code = "WRONG_STATE"
    message = _("This merge was undone already.")


def reconcile_duplicates() -> int:
    """Merge what is one purchase; how many pairs were merged."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            PAIRS, {"close": int(CLOSE.total_seconds()), "since": now - timedelta(days=DAYS_BACK)}
        )
        pairs = cursor.fetchall()
    return sum(_merge(record_id, kept_id, at=now) for record_id, kept_id in pairs)


@transaction.atomic
def _merge(record_id: UUID, kept_id: UUID, *, at: datetime) -> bool:
    """Looked at again under the record's lock: somebody may have changed either sale since."""
    record = locked(record_id)
    kept = Transaction.objects.select_for_update(of=("self",)).get(pk=kept_id)
    dropped = record.sale
    taken = DuplicateMerge.objects.filter(kept=kept, undone_at__isnull=True).exists()
    if dropped is None or dropped.pk == kept.pk or taken:
        return False
    if not (left_of(dropped) == left_of(kept) == record.applied == kept.amount):
        return False
    merge = DuplicateMerge.objects.create(
        record=record, kept=kept, dropped=dropped, amount=record.applied, merged_at=at
    )
    refund_purchase(
        sale=dropped,
        amount=record.applied,
        reason=REASON,
        by=None,
        key=f"crm:merge:{merge.pk}",
        at=at,
    )
    ExternalRecord.objects.filter(pk=record.pk).update(sale=kept)
    audit.record(
        None, "crm.merge", "transaction", dropped.pk, business_id=dropped.business_id, reason=REASON
    )
    return True


@transaction.atomic
def undo_merge(*, merge_id: UUID, by: User, at: datetime) -> Transaction:
    """They were two purchases after all: what was dropped is recorded anew, with its own date.
    Raises NotFound, AlreadyUndone."""
    merge = (
        DuplicateMerge.objects.select_for_update(of=("self",))
        .select_related("dropped__member", "dropped__business", "kept")
        .filter(pk=merge_id)
        .first()
    )
    if merge is None:
        raise NotFound
    may_change(by, merge.dropped.business)
    if merge.undone_at:
        raise AlreadyUndone
    record = locked(merge.record_id)
    sale = _apart(record, merge)
    ExternalRecord.objects.filter(pk=record.pk).update(sale=sale)
    merge.undone_at, merge.undone_by = at, by
    merge.save(update_fields=["undone_at", "undone_by"])
    audit.record(by, "crm.unmerge", "transaction", sale.pk, business_id=sale.business_id)
    return sale


def _apart(record: ExternalRecord, merge: DuplicateMerge) -> Transaction:
    """The record's own sale again, less what later sales of a grown sum hold. What the system took
    from the kept sale meanwhile was not meant for it and comes back to the member."""
    supplements = Supplement.objects.filter(record=record).select_related("sale")
    own = record.applied - sum(left_of(one.sale) for one in supplements)
    _record(merge, merge.kept, merge.amount - own, key=f"crm:unmerge:{merge.pk}:kept")
    return _record(merge, merge.dropped, own, key=f"crm:unmerge:{merge.pk}") or merge.dropped


def _record(
    merge: DuplicateMerge, like: Transaction, amount: Decimal, *, key: str
) -> Transaction | None:
    if amount <= 0:
        return None
    return record_purchase(
        business=merge.dropped.business,
        member=merge.dropped.member,
        amount=amount,
        occurred_at=like.occurred_at,
        by=None,
        key=key,
        source=Source.CRM,
        receipt_number=like.receipt_number,
    )
