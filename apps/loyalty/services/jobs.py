"""Nightly sweeps: pending bonuses wake, lapsed ones expire, holds time out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.core.ids import new_id
from apps.loyalty import sql
from apps.loyalty.balance_cache import drop_after_commit
from apps.loyalty.enums import Box, Kind
from apps.loyalty.models import Hold
from apps.loyalty.services.books import write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.spending import HoldResolved, release_hold

BATCH = 1000  # lots per transaction


def time_out_holds(*, at: datetime) -> int:
    """Release holds whose 15 minutes are over; how many. A late run only under-states what can
    be spent, never over-states it."""
    due = Hold.objects.filter(expires_at__lte=at, journal__resolved_by__isnull=True)
    released = 0
    for hold_id in due.order_by("journal_id").values_list("journal_id", flat=True):
        try:
            release_hold(hold_id=hold_id, at=at, because="expired")
        except HoldResolved:  # captured at this very moment
            continue
        released += 1
    return released


def wake_due(*, at: datetime) -> int:
    """Pending lots whose time has come become available; how many members were served."""
    return _sweep(
        kind=Kind.ACTIVATE,
        due=sql.AWAKE,
        moment="activates_at",
        arrow=(Box.PENDING, Box.AVAILABLE),
        at=at,
    )


def expire_due(*, at: datetime) -> int:
    """Available bonuses past their last day expire; how many members were served.

    Late is as good as on time: spending tests the date itself. Twice equals once.
    """
    return _sweep(
        kind=Kind.EXPIRE,
        due=sql.LAPSED,
        moment="expires_at",
        arrow=(Box.AVAILABLE, Box.EXPIRED),
        at=at,
    )


class BooksUnguarded(RuntimeError):
    """Postings move nothing: the ledger's triggers are switched off."""


def _sweep(*, kind: Kind, due: str, moment: str, arrow: tuple[Box, Box], at: datetime) -> int:
    served = 0
    while batch := _sweep_batch(kind=kind, due=due, moment=moment, arrow=arrow, at=at):
        served += batch
    return served


@transaction.atomic
def _sweep_batch(*, kind: Kind, due: str, moment: str, arrow: tuple[Box, Box], at: datetime) -> int:
    source, target = arrow
    with connection.cursor() as cursor:
        lock = sql.LOCK_DUE.format(due=due, moment=moment)
        cursor.execute(lock, {"at": at, "limit": BATCH})
        wallets = [row[0] for row in cursor.fetchall()]
        if not wallets:
            return 0
        drop_after_commit(wallets)
        journal_id, _is_new = write_journal(
            kind=kind,
            member_id=None,
            business_id=None,
            scope=f"job.{kind}",
            key=str(new_id()),
            amount=0,
            occurred_at=at,
            posted_at=at,
        )
        move = sql.MOVE_DUE.format(due=due, box=source.value)
        cursor.execute(
            move,
            {
                "journal": journal_id,
                "src": source.value,
                "dst": target.value,
                "wallets": wallets,
                "at": at,
            },
        )
        # Under their locks nothing can have become due meanwhile: what is left would be swept for
        # ever.
        cursor.execute(sql.STILL_DUE.format(due=due), {"wallets": wallets, "at": at})
        if cursor.fetchone():
            raise BooksUnguarded("Are the triggers of the ledger switched on?")
        if kind == Kind.ACTIVATE:
            _repay_debtors(cursor, wallets, journal_id, at=at)
        return len(wallets)


def _repay_debtors(cursor: Any, wallets: list[UUID], journal_id: UUID, *, at: datetime) -> None:
    cursor.execute(sql.DEBTORS, {"wallets": wallets})
    for (member_id,) in cursor.fetchall():
        repay(member_id=member_id, because=f"{journal_id}:{member_id}", at=at)
