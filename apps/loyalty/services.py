"""Every write of the ledger: lock the wallet, write the journal row, move bonuses.

An operation with a key that was used before changes nothing and answers as the first time.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import StatusTier, User
from apps.accounts.services import change_tier
from apps.businesses.models import Business
from apps.core.errors import Invalid, Refused
from apps.core.ids import new_id
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import queries, rules, sql
from apps.loyalty.enums import Box, Kind
from apps.loyalty.models import Journal

JOB_BATCH = 1000  # members per transaction of a nightly job


class InsufficientBonus(Refused):
    code = "INSUFFICIENT_BONUS"
    message = _("Not enough bonuses: %(available)s available.")


class KeyReused(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This operation key was used for something else. Nothing was changed.")


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


# --- the seed functions --------------------------------------------------------------------------
def calculate_bonus(amount: Decimal, user: User, business: Business) -> Decimal:
    """Bonuses that `user` earns for `amount` ₽ actually paid at `business`: cashback by tier
    (5/7/10/10 %), rounded down to the kopeck. Nothing is written."""
    return rules.accrual(paid=amount, rate_bp=user.tier.rate_bp)


def update_status_tier(user: User, *, at: datetime) -> StatusTier:
    """Promote a member whose rolling 12 months of paid money and breadth reach a higher tier.

    Called after the purchase was booked: the crossing purchase itself earned at the old rate.
    Inner Circle is by invitation, so money alone never leads there and never out of it.
    """
    since = at - timedelta(days=rules.WINDOW_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(sql.TIER_WINDOW, {"member": user.pk, "since": since, "at": at})
        spent, partners = cursor.fetchone()
    tiers = {tier.position: tier for tier in StatusTier.objects.all()}
    reached = rules.earned_tier(
        spent=from_kopecks(spent),
        partners=partners,
        tiers=[(t.position, t.threshold, t.min_partners) for t in tiers.values()],
    )
    if reached > user.tier.position:
        change_tier(member_id=user.pk, tier=tiers[reached], reason="reached", at=at)
        user.tier = tiers[reached]
    return user.tier


# --- operations ----------------------------------------------------------------------------------
def lock_wallet(member_id: UUID) -> None:
    """Take the member's one lock until the transaction ends, making the wallet if she has none."""
    if not connection.in_atomic_block:
        raise RuntimeError("A lock lives as long as its transaction: open one first.")
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_WALLET, {"member": member_id})
        if cursor.fetchone() is None:
            cursor.execute(sql.MAKE_WALLET, {"member": member_id})
            cursor.execute(sql.LOCK_WALLET, {"member": member_id})


def _body_hash(body: dict[str, Any]) -> str:
    plain = orjson.dumps(body, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(plain).hexdigest()


def _journal(  # noqa: PLR0913 - the columns of a journal row
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
    """Write the journal row, or find the one written before under this key: (id, is new)."""
    body_hash = _body_hash(
        {"kind": kind, "member": member_id, "business": business_id, "amount": amount, "paid": paid}
    )
    row = {
        "id": new_id(),
        "wallet": member_id,
        "kind": kind.value,
        "scope": scope,
        "key": key,
        "body_hash": body_hash,
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
    if first.body_hash != body_hash:
        raise KeyReused
    return first.pk, False


@transaction.atomic(savepoint=False)
def earn_for_purchase(
    *,
    member: User,
    business: Business,
    paid: Decimal,
    key: str,
    occurred_at: datetime,
    posted_at: datetime,
) -> Posted:
    """Accrue for money actually paid; the business where it was earned is the issuer.

    `paid` in ₽ is the base; the rate and the base are kept in the journal row, so that a return
    can be reckoned by the rule of that day. Zero bonuses still leave their journal row.
    """
    lock_wallet(member.pk)
    bonus = calculate_bonus(paid, member, business)
    amount = to_kopecks(bonus)
    activates_at = rules.activation(occurred_at=occurred_at, pending_days=business.pending_days)
    journal_id, is_new = _journal(
        kind=Kind.EARN,
        member_id=member.pk,
        business_id=business.pk,
        scope="earn",
        key=key,
        amount=amount,
        paid=to_kopecks(paid),
        rule={"tier": member.tier.code, "rate_bp": member.tier.rate_bp, "paid": str(paid)},
        occurred_at=occurred_at,
        posted_at=posted_at,
    )
    if is_new and amount:
        statement = sql.BIRTH_AND_WAKE if activates_at <= posted_at else sql.BIRTH
        with connection.cursor() as cursor:
            cursor.execute(
                statement,
                {
                    "wallet": member.pk,
                    "issuer": business.pk,
                    "journal": journal_id,
                    "amount": amount,
                    "rate_bp": rules.SETTLEMENT_RATE_BP,
                    "activates_at": activates_at,
                    "expires_at": rules.expiry(activates_at=activates_at),
                },
            )
    return Posted(journal_id, bonus, not is_new, activates_at, member.tier.rate_bp)


@transaction.atomic(savepoint=False)
def spend_bonus(
    *, member: User, business: Business, amount: Decimal, key: str, at: datetime
) -> Posted:
    """Spend bonuses at a business, nearest expiry first; the business becomes their acceptor.

    Raises BonusInvalid, InsufficientBonus (with `available`), KeyReused.
    """
    kopecks = to_kopecks(amount)
    if kopecks <= 0:
        raise BonusInvalid
    lock_wallet(member.pk)
    journal_id, is_new = _journal(
        kind=Kind.SPEND,
        member_id=member.pk,
        business_id=business.pk,
        scope="spend",
        key=key,
        amount=kopecks,
        occurred_at=at,
        posted_at=at,
    )
    if is_new:
        _take(member, business, journal_id, kopecks, Box.SPENT, at=at)
    return Posted(journal_id, amount, not is_new)


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
        moved = cursor.fetchone()[0]
    if moved < amount:
        available = queries.balance_of(member.pk, at=at).available + from_kopecks(int(moved))
        raise InsufficientBonus(available=f"{available:.2f}")


# --- jobs ----------------------------------------------------------------------------------------
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
        cursor.execute(lock, {"at": at, "limit": JOB_BATCH})
        wallets = [row[0] for row in cursor.fetchall()]
        if not wallets:
            return 0
        journal_id, _is_new = _journal(
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
        return len(wallets)
