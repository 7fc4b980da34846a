"""A gift of bonuses from one member to another."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.queries import is_verified
from apps.accounts.rules import normalize_phone
from apps.accounts.services import PhoneInvalid
from apps.core import audit, outbox
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.facts import GiftReceived
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import moving_sql, queries, settings_queries, tier_rules
from apps.loyalty.enums import Kind
from apps.loyalty.models import Gift
from apps.loyalty.services.books import (
    BonusInvalid,
    InsufficientBonus,
    KeyReused,
    confirmed,
    lock_wallets,
    refuse_frozen,
    refuse_over_cap,
    write_journal,
)
from apps.loyalty.services.debts import repay


class ReceiverUnknown(NotFound):
    """One answer for everybody who cannot receive, so that it tells nothing about a number."""

    message = _("A gift cannot be sent to this number.")


class GiftToSelf(Invalid):
    field = "phone"
    message = _("This is your own number.")


class GiftOverLimit(Refused):
    message = _("Up to %(limit)s bonuses a day can be given. Left today: %(left)s.")


class GiverInDebt(Refused):
    code = "WRONG_STATE"
    message = _("While bonuses are owed after a return, none can be given away.")


def send_gift(
    *,
    sender: User,
    phone: str,
    amount: Decimal,
    key: str,
    at: datetime,
    message: str = "",
    known_device: bool = False,
) -> Gift:
    """Give available bonuses to another member: their issuers and dates stay, nearest expiry first.

    The same key answers the same gift. `message` is sealed for the receiver. Raises PhoneInvalid,
    GiftToSelf, ReceiverUnknown (unknown, not verified, blocked or erased alike), BonusInvalid,
    GiftOverLimit, GiverInDebt, NewDeviceCapped, InsufficientBonus, KeyReused.
    """
    number = normalize_phone(phone)
    if number is None:
        raise PhoneInvalid
    receiver = User.objects.with_phone(number)
    if receiver and receiver.pk == sender.pk:
        raise GiftToSelf
    if receiver is None or not receiver.is_active or not is_verified(receiver):
        raise ReceiverUnknown
    refuse_frozen(sender, at=at)
    return give(
        sender=sender,
        receiver=receiver,
        amount=amount,
        key=key,
        at=at,
        message=message.strip(),
        known_device=known_device,
    )


@transaction.atomic(savepoint=False)
def give(
    *,
    sender: User,
    receiver: User,
    amount: Decimal,
    key: str,
    at: datetime,
    message: str = "",
    known_device: bool = False,
) -> Gift:
    """The gift itself, between two people who may. Both wallets are locked in the order of ids."""
    kopecks = to_kopecks(amount)
    if kopecks <= 0:
        raise BonusInvalid
    lock_wallets({sender.pk, receiver.pk})
    mark = confirmed(sender, known_device=known_device)
    sent, is_new = _journal(sender.pk, "gift", key, kopecks, at=at, rule=mark)
    if not is_new:
        return _first(sent, receiver)
    if not known_device:
        refuse_over_cap(sender, journal_id=sent, at=at)
    receiver_owes = _check(sender.pk, receiver.pk, kopecks, at=at)
    received, _new = _journal(receiver.pk, "gift.received", str(sent), kopecks, at=at, ref=sent)
    _move(sender.pk, receiver.pk, sent, received, kopecks, at=at)
    if receiver_owes:
        repay(member_id=receiver.pk, because=received, at=at)
    gift = Gift.objects.create(
        sender=sender,
        receiver=receiver,
        amount=kopecks,
        message_sealed=receiver.seal_own("gift", message) if message else "",
        sent_id=sent,
        received_id=received,
        at=at,
    )
    audit.record(sender, "loyalty.gift", "gift", gift.pk, changed={"amount": str(amount)})
    _tell(gift, amount=amount)
    return gift


def _tell(gift: Gift, *, amount: Decimal) -> None:
    outbox.publish(
        GiftReceived(
            gift_id=str(gift.pk),
            member_id=str(gift.receiver_id),
            from_member_id=str(gift.sender_id),
            amount=f"{amount:.2f}",
            at=gift.at.isoformat(),
        )
    )


def _journal(
    member_id: UUID,
    scope: str,
    key: str,
    amount: int,
    *,
    at: datetime,
    ref: UUID | None = None,
    rule: dict[str, Any] | None = None,
) -> tuple[UUID, bool]:
    return write_journal(
        kind=Kind.GIFT,
        member_id=member_id,
        business_id=None,
        scope=scope,
        key=key,
        amount=amount,
        occurred_at=at,
        posted_at=at,
        rule=rule,
        ref=ref,
    )


def _first(sent: UUID, receiver: User) -> Gift:
    gift = Gift.objects.get(sent_id=sent)
    if gift.receiver_id != receiver.pk:
        raise KeyReused
    return gift


def _check(sender_id: UUID, receiver_id: UUID, amount: int, *, at: datetime) -> bool:
    """Whether the receiver has a debt to pay. Raises GiverInDebt, GiftOverLimit."""
    values: dict[str, Any] = {
        "sender": sender_id,
        "receiver": receiver_id,
        "midnight": tier_rules.midnight(tier_rules.day_of(at)),
    }
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.GIVING, values)
        owes, receiver_owes, given = cursor.fetchone()
    if owes:
        raise GiverInDebt
    most = settings_queries.current().gift_a_day
    limit = to_kopecks(most)
    if given + amount > limit:
        left = from_kopecks(max(0, limit - int(given)))
        raise GiftOverLimit(limit=f"{most:.2f}", left=f"{left:.2f}")
    return bool(receiver_owes)


def _move(
    sender_id: UUID, receiver_id: UUID, sent: UUID, received: UUID, amount: int, *, at: datetime
) -> None:
    values: dict[str, Any] = {
        "sender": sender_id,
        "receiver": receiver_id,
        "sent": sent,
        "received": received,
        "amount": amount,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.GIFT, values)
        moved = int(cursor.fetchone()[0])
    if moved < amount:
        # what was moved is undone with the transaction; the figure to show is from before it
        available = queries.balance_of(sender_id, at=at).available + from_kopecks(moved)
        raise InsufficientBonus(available=f"{available:.2f}")


@transaction.atomic
def forget_messages(*, member_id: UUID) -> int:
    """Words of gifts that she wrote or got, once she is erased; how many."""
    with_words = Gift.objects.exclude(message_sealed="")
    return sum(
        with_words.filter(**{side: member_id}).update(message_sealed="")
        for side in ("sender_id", "receiver_id")
    )
