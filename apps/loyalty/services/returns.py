"""Returns: of what was spent, and of what was earned."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFound, Refused
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import rules, sql
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Journal, Lot
from apps.loyalty.services.books import BonusInvalid, Posted, lock_wallet, write_journal
from apps.loyalty.services.debts import repay


class MoreThanSpent(Refused):
    message = _("Only %(left)s bonuses of this operation can be returned.")


class MoreThanPaid(Refused):
    message = _("Only %(left)s ₽ of this purchase can be returned.")


@transaction.atomic(savepoint=False)
def refund_spend(*, journal_id: UUID, amount: Decimal, key: str, at: datetime) -> Posted:
    """Give spent bonuses back to the very lots they came from, with their old dates, latest
    expiry first; what has lapsed meanwhile expires.

    `journal_id` is a spending or a capture. Raises NotFound, BonusInvalid, MoreThanSpent.
    """
    kopecks = to_kopecks(amount)
    if kopecks <= 0:
        raise BonusInvalid
    spent = Journal.objects.filter(pk=journal_id, kind__in=[Kind.SPEND, Kind.CAPTURE]).first()
    if spent is None or spent.wallet_id is None:
        raise NotFound
    debt = lock_wallet(spent.wallet_id)
    refund_id, is_new = write_journal(
        kind=Kind.REFUND,
        member_id=spent.wallet_id,
        business_id=spent.business_id,
        scope="refund",
        key=key,
        amount=kopecks,
        occurred_at=at,
        posted_at=at,
        ref=spent.pk,
    )
    if is_new:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.REFUND,
                {"spent": journal_id, "journal": refund_id, "amount": kopecks, "at": at},
            )
            returned = int(cursor.fetchone()[0])
        if returned < kopecks:
            raise MoreThanSpent(left=f"{from_kopecks(returned):.2f}")
        if debt:
            repay(member_id=spent.wallet_id, because=refund_id, at=at)
    return Posted(refund_id, amount, not is_new)


@transaction.atomic(savepoint=False)
def claw_back(*, journal_id: UUID, returned: Decimal, key: str, at: datetime) -> Posted:
    """Take back what was earned on money that is now returned.

    Reckoned anew on what remains, by the rule of that day: earned − accrual(paid − all returned)
    − taken before. So any split of a return takes the same total. Taken from the accrual's own
    lot, pending first; what was spent or is held becomes a debt to the issuer, what expired is
    forgiven: she had nothing from it. `returned` in ₽. Raises NotFound, MoreThanPaid.
    """
    earned = Journal.objects.filter(pk=journal_id, kind=Kind.EARN).first()
    if earned is None or earned.wallet_id is None:
        raise NotFound
    lock_wallet(earned.wallet_id)
    twin = Journal.objects.filter(scope="clawback", key=key).first()
    amount = twin.amount if twin else _owed(earned, to_kopecks(returned))
    claw_id, is_new = write_journal(
        kind=Kind.CLAWBACK,
        member_id=earned.wallet_id,
        business_id=earned.business_id,
        scope="clawback",
        key=key,
        amount=amount,
        paid=to_kopecks(returned),
        occurred_at=at,
        posted_at=at,
        ref=earned.pk,
    )
    if is_new and amount:
        _take_back(earned, claw_id, amount, at=at)
    return Posted(claw_id, from_kopecks(amount), not is_new)


def _owed(earned: Journal, returned: int) -> int:
    before = Journal.objects.filter(ref=earned, kind=Kind.CLAWBACK).aggregate(
        money=Sum("paid", default=0), bonuses=Sum("amount", default=0)
    )
    left = earned.paid - int(before["money"]) - returned
    if returned <= 0 or left < 0:
        raise MoreThanPaid(left=f"{from_kopecks(earned.paid - int(before['money'])):.2f}")
    still_due = rules.accrual(
        paid=from_kopecks(left),
        rate_bp=earned.rule["rate_bp"],
        factors=[Decimal(factor) for factor in earned.rule.get("factors", [])],
    )
    return earned.amount - to_kopecks(still_due) - int(before["bonuses"])


def _take_back(earned: Journal, claw_id: UUID, amount: int, *, at: datetime) -> None:
    lot = Lot.objects.get(journal=earned)
    forgiven_before = _taken(earned, but=claw_id) - lot.clawed
    with connection.cursor() as cursor:
        cursor.execute(sql.REVOKE, {"lot": lot.pk, "journal": claw_id, "amount": amount})
        short = amount - int(cursor.fetchone()[0])
    owed = short - min(short, lot.expired - forgiven_before)
    if owed:
        Debt.objects.create(
            wallet_id=lot.wallet_id,
            creditor_id=lot.issuer_id,
            journal_id=claw_id,
            lot=lot,
            amount=owed,
        )
        repay(member_id=lot.wallet_id, because=claw_id, at=at)


def _taken(earned: Journal, *, but: UUID) -> int:
    """What earlier returns of this accrual took: by postings, by debts, or forgiven as expired.
    `lot.clawed` knows the first two, so the difference was forgiven."""
    earlier = Journal.objects.filter(ref=earned, kind=Kind.CLAWBACK).exclude(pk=but)
    return int(earlier.aggregate(total=Sum("amount", default=0))["total"])
