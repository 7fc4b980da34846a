"""Spending: at once, or through a hold that the till captures."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core import rows
from apps.core.errors import Refused
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import queries, settings_queries, sql
from apps.loyalty.enums import Box, Kind
from apps.loyalty.models import Hold, Journal
from apps.loyalty.services.books import (
    BonusInvalid,
    Earlier,
    InsufficientBonus,
    KeyReused,
    Posted,
    confirmed,
    lock_wallet,
    lock_wallet_of,
    refuse_frozen,
    refuse_over_cap,
    write_journal,
)
from apps.loyalty.services.debts import repay


class HoldResolved(Refused):
    code = "WRONG_STATE"
    message = _("This hold was already used, released or has expired.")


class MoreThanHeld(Refused):
    message = _("Only %(held)s bonuses are held.")


@transaction.atomic(savepoint=False)
def spend_bonus(
    *,
    member: User,
    business: Business,
    amount: Decimal,
    key: str,
    at: datetime,
    posted_at: datetime | None = None,
) -> Posted:
    """Spend bonuses at a business, nearest expiry first; the business becomes their acceptor.

    `posted_at` is given when the books learn of it later than it happened.
    Raises BonusInvalid, BonusesFrozen, NewDeviceCapped, InsufficientBonus (with `available`),
    KeyReused.
    """
    journal_id, is_new = _open(
        Kind.SPEND,
        member=member,
        business=business,
        amount=amount,
        key=key,
        at=at,
        posted_at=posted_at,
    )
    if is_new:
        _take(member, business, journal_id, to_kopecks(amount), Box.SPENT, at=at)
    return Posted(journal_id, amount, not is_new)


@transaction.atomic(savepoint=False)
def hold_bonus(
    *,
    member: User,
    business: Business,
    amount: Decimal,
    key: str,
    at: datetime,
    known_device: bool = False,
) -> Hold:
    """Set bonuses aside for one bill at a business: 15 minutes, one capture, whole or in part.
    `known_device`: asked for where she signed in before, so no cap of a new device holds.

    The hold's `code` is what the member shows at the till. The same key answers the same hold.
    Raises BonusInvalid, BonusesFrozen, NewDeviceCapped, InsufficientBonus, KeyReused.
    """
    journal_id, is_new = _open(
        Kind.HOLD,
        member=member,
        business=business,
        amount=amount,
        key=key,
        at=at,
        known_device=known_device,
    )
    if not is_new:
        return Hold.objects.get(journal_id=journal_id)
    _take(member, business, journal_id, to_kopecks(amount), Box.HELD, at=at)
    until = at + timedelta(minutes=settings_queries.current().hold_minutes)
    return rows.insert(Hold(journal_id=journal_id, expires_at=until))


@transaction.atomic(savepoint=False)
def hold_deposit(
    *,
    member: User,
    business: Business,
    amount: Decimal,
    key: str,
    at: datetime,
    until: datetime,
) -> UUID:
    """Set bonuses aside until a day that is known beforehand; the hold's id. Whoever asked for it
    captures or releases it: no till finds it by its code, and it is not among her redemptions.

    Raises BonusInvalid, BonusesFrozen, NewDeviceCapped, InsufficientBonus, KeyReused.
    """
    journal_id, is_new = _open(
        Kind.HOLD,
        member=member,
        business=business,
        amount=amount,
        key=key,
        at=at,
        scope=queries.DEPOSIT,
    )
    if is_new:
        _take(member, business, journal_id, to_kopecks(amount), Box.HELD, at=at)
        rows.insert(Hold(journal_id=journal_id, expires_at=until))
    return journal_id


def _open(  # noqa: PLR0913 - in these a hold, a deposit and a spending differ
    kind: Kind,
    *,
    member: User,
    business: Business,
    amount: Decimal,
    key: str,
    at: datetime,
    posted_at: datetime | None = None,
    known_device: bool = False,
    scope: str = "",
) -> tuple[UUID, bool]:
    kopecks = to_kopecks(amount)
    if kopecks <= 0:
        raise BonusInvalid
    if posted_at is None:  # what the books only learn of has happened
        refuse_frozen(member, at=at)
    lock_wallet(member.pk)
    journal_id, is_new = write_journal(
        kind=kind,
        member_id=member.pk,
        business_id=business.pk,
        scope=scope or kind.value,
        key=key,
        amount=kopecks,
        occurred_at=at,
        posted_at=posted_at or at,
        rule=confirmed(member, known_device=known_device),
    )
    if is_new and posted_at is None and not known_device:
        refuse_over_cap(member, journal_id=journal_id, at=at)
    return journal_id, is_new


def _take(
    member: User, business: Business, journal_id: UUID, amount: int, box: Box, *, at: datetime
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.TAKE,
            {
                "wallet": member.pk,
                "business": business.pk,
                "journal": journal_id,
                "amount": amount,
                "dst": box.value,
                "acceptor": business.pk if box == Box.SPENT else None,
                "at": at,
            },
        )
        moved = int(cursor.fetchone()[0])
    if moved < amount:
        # What was moved is undone with the transaction; the figure to show is from before it.
        available = queries.balance_of(member.pk, at=at).available + from_kopecks(moved)
        raise InsufficientBonus(available=f"{available:.2f}")


def capture_hold(*, hold_id: UUID, amount: Decimal, at: datetime) -> Posted:
    """Spend `amount` of a hold at its business; the rest returns to the member, or expires if it
    lapsed meanwhile. A hold resolves once: the same amount again is a replay.

    Raises NotFound, BonusInvalid, MoreThanHeld, HoldResolved.
    """
    if amount <= 0:
        raise BonusInvalid
    return _resolve(hold_id, Kind.CAPTURE, to_kopecks(amount), because="captured", at=at)


def release_hold(*, hold_id: UUID, at: datetime, because: str = "released") -> Posted:
    """Give all of a hold back. Raises NotFound, HoldResolved (it was captured)."""
    return _resolve(hold_id, Kind.RELEASE, 0, because=because, at=at)


@transaction.atomic(savepoint=False)
def _resolve(hold_id: UUID, kind: Kind, amount: int, *, because: str, at: datetime) -> Posted:
    held = lock_wallet_of(hold_id, Kind.HOLD)
    late = kind == Kind.CAPTURE and (held.until is None or held.until <= at)
    if late or amount > held.amount:
        return _resolved(held, kind, amount)
    try:
        journal_id, is_new = write_journal(
            kind=kind,
            member_id=held.wallet_id,
            business_id=held.business_id,
            scope="resolve",
            key=str(hold_id),
            amount=amount,
            # The member decided when she held: bonuses that lapse in between are hers to spend.
            occurred_at=held.occurred_at if kind == Kind.CAPTURE else at,
            posted_at=at,
            rule={"because": because},
            ref=held.pk,
        )
    except KeyReused as resolved_otherwise:
        raise HoldResolved from resolved_otherwise
    if is_new:
        _part(held, journal_id, amount, at=at)
        if held.debt and amount < held.amount:
            repay(member_id=held.wallet_id, because=journal_id, at=at)
    return Posted(journal_id, from_kopecks(amount), not is_new)


def _resolved(held: Earlier, kind: Kind, amount: int) -> Posted:
    """The answer to what is too late or too much: a replay of what was done in time, or no."""
    first = Journal.objects.filter(ref=held.pk, kind__in=[Kind.CAPTURE, Kind.RELEASE]).first()
    if first and (first.kind, first.amount) == (kind, amount):
        return Posted(first.pk, from_kopecks(amount), replayed=True)
    if first is None and amount > held.amount:
        raise MoreThanHeld(held=f"{from_kopecks(held.amount):.2f}")
    raise HoldResolved


def _part(held: Earlier, journal_id: UUID, amount: int, *, at: datetime) -> None:
    values: dict[str, Any] = {
        "hold": held.pk,
        "journal": journal_id,
        "amount": amount,
        "acceptor": held.business_id,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.RESOLVE, values)
