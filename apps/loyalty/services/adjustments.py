"""A balance moved by hand, in the ledger's own words: its own kind of journal row."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.queries import network
from apps.core import audit, outbox
from apps.core.errors import Forbidden, NotFound, Refused
from apps.core.facts import BonusAdjusted
from apps.core.masking import mask_text
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import moving_sql, queries, rules, settings_queries, sql, tier_rules
from apps.loyalty.enums import Kind
from apps.loyalty.models import Adjustment, AdjustmentState
from apps.loyalty.services.books import (
    BonusInvalid,
    InsufficientBonus,
    KeyReused,
    lock_wallet,
    write_journal,
)
from apps.loyalty.services.debts import repay
from apps.loyalty.settings_queries import expiry_of

ADJUST = "users.adjust"


class SecondPerson(Forbidden):
    message = _("Another admin decides about this: neither who asked nor whom it concerns.")


class AlreadyDecided(Refused):
    code = "WRONG_STATE"
    message = _("This adjustment was already decided.")


@transaction.atomic(savepoint=False)
def adjust_balance(
    *, member: User, amount: Decimal, reason: str, by: User, key: str, at: datetime
) -> Adjustment:
    """Add bonuses to a wallet or take them (`amount` < 0), by an admin, with a reason.

    The network pays for what is added; what is taken goes back to its issuers. Above a limit a day
    for one wallet it only asks: another admin carries it out (`decide_adjustment`). The same key
    answers the same adjustment. Raises Forbidden, NotFound, ReasonMissing, BonusInvalid,
    InsufficientBonus, KeyReused.
    """
    if not rights.may(ADJUST, job=by.job) or by.pk == member.pk:
        raise Forbidden
    reason = mask_text(written_reason(ADJUST, reason, by=by))
    kopecks = to_kopecks(amount)
    if kopecks == 0:
        raise BonusInvalid
    lock_wallet(member.pk)
    if User.objects.filter(pk=member.pk, erased_at__isnull=False).exists():
        raise NotFound
    first = Adjustment.objects.filter(key=key).first()
    if first:
        if (first.wallet_id, first.amount, first.asked_by_id) != (member.pk, kopecks, by.pk):
            raise KeyReused
        return first
    asked = Adjustment(
        wallet_id=member.pk, amount=kopecks, reason=reason, key=key, asked_by=by, asked_at=at
    )
    if abs(kopecks) + _alone_today(member.pk, by, at=at) <= to_kopecks(
        settings_queries.current().adjust_alone
    ):
        _carry_out(asked, at=at)
    asked.save(force_insert=True)
    action = "loyalty.adjust" if asked.journal_id else "loyalty.adjust_asked"
    _note(asked, action, by=by, reason=reason)
    return asked


def _alone_today(member_id: UUID, by: User, *, at: datetime) -> int:
    """Kopecks that she moved in this wallet today without anybody else: many small steps are one
    large one."""
    today = Adjustment.objects.filter(
        asked_by=by,
        wallet_id=member_id,
        asked_at__gte=tier_rules.midnight(tier_rules.day_of(at)),
        state=AdjustmentState.DONE,
        decided_by=None,
    )
    return int(today.aggregate(total=Sum(Abs("amount"), default=0))["total"])


@transaction.atomic(savepoint=False)
def decide_adjustment(
    *, adjustment_id: UUID, is_confirmed: bool, by: User, at: datetime
) -> Adjustment:
    """Carry out or decline what another admin asked for. The same decision again changes nothing.

    Raises NotFound, SecondPerson, AlreadyDecided, InsufficientBonus (it goes on waiting).
    """
    if not rights.may(ADJUST, job=by.job):
        raise Forbidden
    asked = Adjustment.objects.filter(pk=adjustment_id).first()
    if asked is None:
        raise NotFound
    lock_wallet(asked.wallet_id)
    asked.refresh_from_db()  # two who decide at once wait for each other here
    if by.pk in (asked.asked_by_id, asked.wallet_id):
        raise SecondPerson
    wanted = AdjustmentState.DONE if is_confirmed else AdjustmentState.DECLINED
    if asked.state != AdjustmentState.WAITING:
        if (asked.state, asked.decided_by_id) == (wanted, by.pk):
            return asked
        raise AlreadyDecided
    if User.objects.filter(pk=asked.wallet_id, erased_at__isnull=False).exists() and is_confirmed:
        raise NotFound
    asked.decided_by, asked.decided_at, asked.state = by, at, wanted
    if is_confirmed:
        _carry_out(asked, at=at)
    asked.save()
    action = "loyalty.adjust" if is_confirmed else "loyalty.adjust_declined"
    _note(asked, action, by=by, reason=asked.reason)
    return asked


def _carry_out(asked: Adjustment, *, at: datetime) -> None:
    """Write it into the books; the wallet is locked."""
    funder = network()
    journal_id, _is_new = write_journal(
        kind=Kind.ADJUST,
        member_id=asked.wallet_id,
        business_id=funder.pk,
        scope="adjust",
        key=str(asked.pk),
        amount=abs(asked.amount),
        occurred_at=at,
        posted_at=at,
        rule={"adjustment": asked.pk, "sign": 1 if asked.amount > 0 else -1},
    )
    if asked.amount > 0:
        _add(asked.wallet_id, funder.pk, journal_id, asked.amount, at=at)
    else:
        _take(asked.wallet_id, journal_id, -asked.amount, at=at)
    asked.journal_id, asked.state = journal_id, AdjustmentState.DONE
    outbox.publish(
        BonusAdjusted(
            member_id=str(asked.wallet_id),
            amount=f"{from_kopecks(asked.amount):.2f}",
            at=at.isoformat(),
        )
    )


def _add(wallet: UUID, issuer: UUID, journal_id: UUID, amount: int, *, at: datetime) -> None:
    values: dict[str, Any] = {
        "wallet": wallet,
        "issuer": issuer,
        "journal": journal_id,
        "amount": amount,
        "rate_bp": rules.SETTLEMENT_RATE_BP,
        "activates_at": at,
        "expires_at": expiry_of(at),
    }
    debt = lock_wallet(wallet)
    with connection.cursor() as cursor:
        cursor.execute(sql.BIRTH_AND_WAKE, values)
    if debt:
        repay(member_id=wallet, because=journal_id, at=at)


def _take(wallet: UUID, journal_id: UUID, amount: int, *, at: datetime) -> None:
    values: dict[str, Any] = {"wallet": wallet, "journal": journal_id, "amount": amount, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.GIVE_UP, values)
        moved = int(cursor.fetchone()[0])
    if moved < amount:
        available = queries.balance_of(wallet, at=at).available + from_kopecks(moved)
        raise InsufficientBonus(available=f"{available:.2f}")


def _note(asked: Adjustment, action: str, *, by: User, reason: str) -> None:
    amount = f"{from_kopecks(asked.amount):.2f}"
    audit.record(by, action, "user", asked.wallet_id, reason=reason, changed={"amount": amount})
