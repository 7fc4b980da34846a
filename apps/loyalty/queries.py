"""Reads of the ledger. Sums come back as Decimal roubles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.money import from_kopecks
from apps.loyalty import sql

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Balance:
    """What a member has: `available` excludes what lapsed, whether the job swept it or not."""

    available: Decimal = ZERO
    pending: Decimal = ZERO
    held: Decimal = ZERO
    earned: Decimal = ZERO
    spent: Decimal = ZERO
    expiring_amount: Decimal = ZERO
    expiring_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One operation in a member's history; `amount` is signed, `balance_after` what she could
    spend after it."""

    id: UUID
    type: str
    business_id: UUID | None
    business_name: str | None
    occurred_at: datetime
    posted_at: datetime
    amount: Decimal
    balance_after: Decimal


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def balance_of(member_id: UUID, *, at: datetime) -> Balance:
    """The balance at a moment, in one statement. A member without a wallet has zeros."""
    rows = _rows(sql.BALANCE, {"member": member_id, "at": at})
    if not rows:
        return Balance()
    pending, available, held, earned, spent, soon, soon_at = rows[0]
    return Balance(
        available=from_kopecks(available),
        pending=from_kopecks(pending),
        held=from_kopecks(held),
        earned=from_kopecks(earned),
        spent=from_kopecks(spent),
        expiring_amount=from_kopecks(soon),
        expiring_at=soon_at,
    )


def history_of(
    member_id: UUID,
    *,
    kind: str | None = None,
    business_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: tuple[datetime, UUID] | None = None,
    limit: int = 20,
) -> list[Line]:
    """Operations of a member, newest first."""
    values = {
        "member": member_id,
        "kind": kind,
        "business": business_id,
        "since": since,
        "until": until,
        "cursor_at": cursor[0] if cursor else None,
        "cursor_id": cursor[1] if cursor else None,
        "limit": limit,
    }
    return [Line(*row[:-2], *map(from_kopecks, row[-2:])) for row in _rows(sql.HISTORY, values)]


def expiring_of(member_id: UUID, *, at: datetime) -> list[tuple[datetime, Decimal]]:
    """The ladder: (first moment it can no longer be spent, amount), nearest first."""
    rows = _rows(sql.EXPIRING, {"member": member_id, "at": at})
    return [(moment, from_kopecks(amount)) for moment, amount in rows]


def paid_for(sale_ids: Iterable[UUID]) -> tuple[int, Decimal]:
    """Accruals booked for these sales, and the money they were reckoned from."""
    [(count, kopecks)] = _rows(sql.PAID_FOR, {"keys": [str(sale) for sale in sale_ids]})
    return count, from_kopecks(int(kopecks))


def ledger_faults() -> dict[str, str]:
    """What must never be: the name of each broken invariant with the first row that shows it.
    Empty when the books are true."""
    found = {}
    for name, statement in sql.AUDITS.items():
        rows = _rows(statement, {})
        if rows:
            found[name] = rows[0][0]
    return found
