"""What a member owes after a return: repaid from whatever she can spend."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from apps.loyalty import sql
from apps.loyalty.enums import Kind
from apps.loyalty.services.books import write_journal


def repay(*, member_id: UUID, because: object, at: datetime) -> int:
    """Pay open debts, oldest first, from spendable lots, nearest expiry first; kopecks repaid.

    The creditor accepts the bonuses as if they were spent there, so that repaying A's debt with
    C's bonuses settles between A and C by itself. The caller holds the wallet's lock. Written in a
    journal row of its own: a return of the operation that triggered it must not undo it.
    """
    journal_id, is_new = write_journal(
        kind=Kind.REPAY,
        member_id=member_id,
        business_id=None,
        scope="repay",
        key=str(because),
        amount=0,
        occurred_at=at,
        posted_at=at,
    )
    if not is_new:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(sql.REPAY, {"wallet": member_id, "journal": journal_id, "at": at})
        return int(cursor.fetchone()[0])
