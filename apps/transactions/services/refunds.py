"""Goods come back: money, earned and spent bonuses follow, whole or in part."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import PurchaseRefunded
from apps.core.ids import new_id
from apps.core.money import from_kopecks
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Journal
from apps.loyalty.services import claw_back, lock_wallet, refund_spend
from apps.transactions import rules
from apps.transactions.models import Refund, Spending, Status, Transaction
from apps.transactions.services import flags, promo

ZERO = Decimal("0.00")


class NothingLeft(Refused):
    code = "WRONG_STATE"
    message = _("This sale was already returned.")


class MoreThanLeft(Invalid):
    field = "amount"
    message = _("Only %(left)s ₽ of this receipt can still be returned.")


class ReturnNothing(Invalid):
    field = "amount"
    message = _("The sum must be greater than zero.")


class RefundKeyReused(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This return was recorded with other data. Nothing was changed.")


class UndoLate(Forbidden):
    message = _("Undoing is open for 5 minutes to whoever entered the sale. The owner can return.")


def refund_purchase(
    *,
    sale: Transaction,
    amount: Decimal | None,
    reason: str,
    by: User | None,
    key: str,
    at: datetime,
) -> Refund:
    """Take `amount` ₽ of a receipt's sum back, None for all that is left.

    Money and spent bonuses return in the proportion in which they paid; earned bonuses are taken
    back by the rule of that day, spent ones return to their lots with their old expiry. Parts
    telescope: however a return is split, the sums are the same. The same key answers the same
    return. An owner or admin may at any time, whoever entered the sale may undo it whole for five
    minutes, `by` None is the machine room.

    Raises NotFound, UndoLate, ReasonMissing, NothingLeft, MoreThanLeft, ReturnNothing,
    RefundKeyReused.
    """
    with transaction.atomic():
        return _refund(sale=sale, amount=amount, reason=reason, by=by, key=key, at=at)


def quote_refund(
    *, sale: Transaction, amount: Decimal | None, by: User | None, at: datetime
) -> Refund:
    """What a return would do: the return itself, rolled back. Raises as it would."""
    with transaction.atomic():
        refund = _refund(
            sale=sale, amount=amount, reason="-" * rights.REASON_LEAST, by=by, key="quote", at=at
        )
        transaction.set_rollback(True)
    return refund


def _refund(
    *,
    sale: Transaction,
    amount: Decimal | None,
    reason: str,
    by: User | None,
    key: str,
    at: datetime,
) -> Refund:
    # The lock serialises the member: a twin of this call waits here and then finds our row.
    lock_wallet(sale.member_id)
    fresh = Transaction.objects.select_related("business").get(pk=sale.pk)
    is_undo = _may(fresh, amount=amount, by=by, at=at)
    first = Refund.objects.filter(transaction=fresh, key=key).first()
    if first:
        if amount is not None and amount != first.amount:
            raise RefundKeyReused
        return first
    part = _part(fresh, amount)
    refund = Refund(
        id=new_id(),
        transaction=fresh,
        key=key,
        amount=part,
        money=_share(fresh.to_pay, fresh, part),
        bonus_returned=_share(fresh.bonus_spent, fresh, part),
        is_undo=is_undo,
        reason=_reason(reason, is_undo=is_undo, by=by)[:300],
        entered_by=by,
        at=at,
    )
    _move_bonuses(refund)
    refund.save(force_insert=True)
    _mark(fresh, refund)
    _tell(refund, by=by)
    return refund


def _tell(refund: Refund, *, by: User | None) -> None:
    """What follows from a return that is in the books."""
    sale = refund.transaction
    promo.give_back(sale, by=by, at=refund.at)
    flags.flag_refund(refund, sale=sale, by=by)
    audit.record(
        by,
        "transactions.undo" if refund.is_undo else "transactions.refund",
        "transaction",
        sale.pk,
        business_id=sale.business_id,
        reason=refund.reason,
        changed={"amount": str(refund.amount), "money": str(refund.money)},
    )
    outbox.publish(_fact(refund))


def _may(sale: Transaction, *, amount: Decimal | None, by: User | None, at: datetime) -> bool:
    """Whether it is an undoing at the till; raises when it is not hers to do."""
    if by is None:
        return False
    own = sale.entered_by_id == by.pk and amount is None
    if not by.has_perm(rights.SELL, sale.business):
        raise NotFound
    if own and rules.may_undo(recorded_at=sale.recorded_at, at=at):
        return True
    if not by.has_perm(rights.MANAGE, sale.business):
        raise UndoLate
    return False


def _reason(reason: str, *, is_undo: bool, by: User | None) -> str:
    if is_undo and not reason.strip():
        return str(_("undone at the till"))
    return written_reason("transactions.refund", reason, by=None if is_undo else by)


def _part(sale: Transaction, amount: Decimal | None) -> Decimal:
    left = sale.amount_left
    if left <= 0:
        raise NothingLeft
    if amount is None:
        return left
    if amount <= 0:
        raise ReturnNothing
    if amount > left:
        raise MoreThanLeft(left=f"{left:.2f}")
    return amount


def _share(whole: Decimal, sale: Transaction, part: Decimal) -> Decimal:
    """What this part adds to what has come back: the difference of two sums, so parts telescope."""
    after = rules.share_of(whole, returned=sale.returned + part, amount=sale.amount)
    return after - rules.share_of(whole, returned=sale.returned, amount=sale.amount)


def _move_bonuses(refund: Refund) -> None:
    sale, key = refund.transaction, f"refund:{refund.pk}"
    refund.bonus_taken = refund.bonus_owed = ZERO
    if refund.bonus_returned:
        spending = Spending.objects.get(transaction=sale)
        refund_spend(
            journal_id=spending.journal_id, amount=refund.bonus_returned, key=key, at=refund.at
        )
    if refund.money:
        earned = Journal.objects.get(scope="earn", key=str(sale.pk), kind=Kind.EARN)
        claw = claw_back(journal_id=earned.pk, returned=refund.money, key=key, at=refund.at)
        owed = Debt.objects.filter(journal_id=claw.journal_id).aggregate(
            left=Sum(F("amount") - F("repaid"), default=0)
        )["left"]
        refund.bonus_taken, refund.bonus_owed = claw.amount, from_kopecks(owed)


def _mark(sale: Transaction, refund: Refund) -> None:
    sale.returned += refund.amount
    sale.money_returned += refund.money
    sale.status = Status.REFUNDED if sale.amount_left == 0 else Status.PARTLY_REFUNDED
    sale.save(update_fields=["returned", "money_returned", "status"])


def _fact(refund: Refund) -> PurchaseRefunded:
    sale = refund.transaction
    return PurchaseRefunded(
        transaction_id=str(sale.pk),
        refund_id=str(refund.pk),
        business_id=str(sale.business_id),
        member_id=str(sale.member_id),
        amount=f"{refund.amount:.2f}",
        money=f"{refund.money:.2f}",
        bonus_taken=f"{refund.bonus_taken:.2f}",
        bonus_returned=f"{refund.bonus_returned:.2f}",
        occurred_at=refund.at.isoformat(),
        zone=sale.business.zone,
        source=str(sale.source),
        category=str(sale.business.category),
        is_whole=sale.returned == sale.amount,
    )
