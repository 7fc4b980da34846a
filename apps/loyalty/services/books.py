"""The two statements that open every operation: lock the wallet, write the journal row.

An operation with a key that was used before changes nothing and answers as the first time.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.rules import NEW_DEVICE
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.ids import new_id
from apps.core.money import from_kopecks
from apps.loyalty import queries, sql
from apps.loyalty.balance_cache import drop_after_commit
from apps.loyalty.enums import Kind
from apps.loyalty.models import Journal
from apps.loyalty.rules import MOSCOW, NEW_DEVICE_CAP


class InsufficientBonus(Refused):
    code = "INSUFFICIENT_BONUS"
    message = _("Not enough bonuses: %(available)s available.")


class KeyReused(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This operation key was used for something else. Nothing was changed.")


class BonusesFrozen(Refused):
    code = "WRONG_STATE"
    message = _("The number was changed lately: bonuses can be used again from %(until)s.")


class NewDeviceCapped(Refused):
    code = "WRONG_STATE"
    message = _(
        "A new device signed in lately: up to %(limit)s bonuses a day without your other device, "
        "%(left)s left. Set the bonuses aside in the app where you signed in before."
    )


class BonusInvalid(Invalid):
    field = "amount"
    message = _("The number of bonuses must be greater than zero.")


@dataclass(frozen=True)
class Posted:
    """One operation in the books: its journal row, bonuses moved, and whether it was there
    already (a replay)."""

    journal_id: UUID
    amount: Decimal
    replayed: bool = False
    activates_at: datetime | None = None
    rate_bp: int = 0


def refuse_frozen(member: User, *, at: datetime) -> None:
    """Nothing is spent or given away in the day after a change of number. Raises BonusesFrozen."""
    if member.frozen_until and member.frozen_until > at:
        until = member.frozen_until.astimezone(MOSCOW)
        raise BonusesFrozen(until=f"{until:%d.%m.%Y %H:%M}")


def confirmed(member: User, *, known_device: bool) -> dict[str, Any]:
    """The mark of an operation that she confirmed on a device she had before a new one came."""
    return {queries.KNOWN_DEVICE: True} if known_device and member.new_device_at else {}


def refuse_over_cap(member: User, *, journal_id: UUID, at: datetime) -> None:
    """For a day after a new device signed in at most 500 bonuses leave her wallet by what that
    device could have done: all but holds set aside on a device she had before. `journal_id` is
    written already, under her lock: it counts with the others. Raises NewDeviceCapped."""
    since = member.new_device_at
    if since is None or at - since >= timedelta(seconds=NEW_DEVICE):
        return
    spent = queries.left_since(member.pk, since=since)
    if spent > NEW_DEVICE_CAP * 100:
        here = Journal.objects.values_list("amount", flat=True).get(pk=journal_id)
        left = max(NEW_DEVICE_CAP * 100 - (spent - here), 0)
        raise NewDeviceCapped(limit=str(NEW_DEVICE_CAP), left=f"{from_kopecks(left):.2f}")


def lock_wallet(member_id: UUID) -> int:
    """Take the member's one lock until the transaction ends, making the wallet if she has none.

    Returns her debt in kopecks. Raises RuntimeError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A lock lives as long as its transaction: open one first.")
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_WALLET, {"member": member_id})
        row = cursor.fetchone()
        if row is None:
            cursor.execute(sql.MAKE_WALLET, {"member": member_id})
            cursor.execute(sql.LOCK_WALLET, {"member": member_id})
            row = cursor.fetchone()
    drop_after_commit([member_id])
    return int(row[0])


@dataclass(frozen=True)
class Earlier:
    """An operation of the past whose wallet is ours now, with her debt. Sums are kopecks; `until`
    is the end of a hold."""

    pk: UUID
    debt: int
    wallet_id: UUID
    business_id: UUID | None
    amount: int
    paid: int
    rule: dict[str, Any]
    occurred_at: datetime
    until: datetime | None


def lock_wallet_of(journal_id: UUID, *kinds: Kind) -> Earlier:
    """Take the lock of whoever made an operation of these kinds, and read it in the same round
    trip. Raises NotFound; RuntimeError outside of a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("A lock lives as long as its transaction: open one first.")
    with connection.cursor() as cursor:
        cursor.execute(
            sql.LOCK_WALLET_OF, {"journal": journal_id, "kinds": [kind.value for kind in kinds]}
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    debt, wallet, business, amount, paid, rule, occurred_at, until = row
    drop_after_commit([wallet])
    known = orjson.loads(rule) if isinstance(rule, str) else rule
    return Earlier(journal_id, int(debt), wallet, business, amount, paid, known, occurred_at, until)


def lock_wallets(member_ids: set[UUID]) -> None:
    """Several members, always in ascending order of id: two callers never wait for each other.

    Makes the wallets that are missing. Raises RuntimeError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A lock lives as long as its transaction: open one first.")
    with connection.cursor() as cursor:
        cursor.execute(sql.MAKE_WALLETS, {"members": list(member_ids)})
        cursor.execute(sql.LOCK_WALLETS, {"members": list(member_ids)})
    drop_after_commit(member_ids)


def body_hash(
    *,
    kind: Kind,
    member_id: UUID | None,
    business_id: UUID | None,
    amount: int,
    paid: int,
    ref: UUID | None,
) -> str:
    """What tells a replay of a key from another operation under it."""
    body = {
        "kind": kind,
        "member": member_id,
        "business": business_id,
        "amount": amount,
        "paid": paid,
        "ref": ref,
    }
    plain = orjson.dumps(body, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(plain).hexdigest()


def write_journal(  # noqa: PLR0913 - the columns of a journal row
    *,
    kind: Kind,
    member_id: UUID | None,
    business_id: UUID | None,
    scope: str,
    key: str,
    amount: int,
    occurred_at: datetime,
    posted_at: datetime,
    paid: int = 0,
    rule: dict[str, Any] | None = None,
    ref: UUID | None = None,
) -> tuple[UUID, bool]:
    """Write the journal row, or find the one written before under this key: (id, is new).

    Sums are kopecks. Raises KeyReused when the key stands for another operation.
    """
    digest = body_hash(
        kind=kind,
        member_id=member_id,
        business_id=business_id,
        amount=amount,
        paid=paid,
        ref=ref,
    )
    row = {
        "id": new_id(),
        "wallet": member_id,
        "kind": kind.value,
        "scope": scope,
        "key": key,
        "body_hash": digest,
        "business": business_id,
        "ref": ref,
        "amount": amount,
        "paid": paid,
        "rule": orjson.dumps(rule or {}, default=str).decode(),
        "occurred_at": occurred_at,
        "posted_at": posted_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.JOURNAL, row)
        made = cursor.fetchone()
    if made:
        return made[0], True
    first = Journal.objects.only("id", "body_hash").get(scope=scope, key=key)
    if first.body_hash != digest:
        raise KeyReused
    return first.pk, False
