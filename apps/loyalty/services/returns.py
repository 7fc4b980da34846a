"""Returns: of what was spent, and of what was earned."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Refused
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import sql
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Journal, Lot
from apps.loyalty.offer_rules import Reckoned, Terms, reckon, take_back
from apps.loyalty.services.books import (
    BonusInvalid,
    Earlier,
    Posted,
    lock_wallet_of,
    write_journal,
)
from apps.loyalty.services.debts import repay
from apps.loyalty.services.offer_uses import give_back_uses


class MoreThanSpent(Refused):
    message = _("Only %(left)s bonuses of this operation can be returned.")


class MoreThanPaid(Refused):
    message = _("Only %(left)s ₽ of this purchase can be returned.")


@dataclass(frozen=True)
class Taken:
    """What earlier returns of an accrual named and took. Kopecks: money, from each lot (by
    postings, by debts, or forgiven as expired), by each return's key."""

    money: int
    lots: dict[int, int]
    amounts: dict[str, int]


@transaction.atomic(savepoint=False)
def refund_spend(*, journal_id: UUID, amount: Decimal, key: str, at: datetime) -> Posted:
    """Give spent bonuses back to the very lots they came from, with their old dates, latest
    expiry first; what has lapsed meanwhile expires.

    `journal_id` is a spending or a capture. Raises NotFound, BonusInvalid, MoreThanSpent.
    """
    kopecks = to_kopecks(amount)
    if kopecks <= 0:
        raise BonusInvalid
    spent = lock_wallet_of(journal_id, Kind.SPEND, Kind.CAPTURE)
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
        if spent.debt:
            repay(member_id=spent.wallet_id, because=refund_id, at=at)
    return Posted(refund_id, amount, not is_new)


@transaction.atomic(savepoint=False)
def claw_back(*, journal_id: UUID, returned: Decimal, key: str, at: datetime) -> Posted:
    """Take back what was earned on money that is now returned.

    Reckoned anew on what remains, by the rule of that day: earned − accrual(paid − all returned)
    − taken before. So any split of a return takes the same total. Taken from the accrual's own
    lots, each funder's to what its offers would still give, pending first; what was spent or is
    held becomes a debt to the issuer, what expired is forgiven: she had nothing from it.
    `returned` in ₽. Raises NotFound, MoreThanPaid.
    """
    earned = lock_wallet_of(journal_id, Kind.EARN)
    before = taken_before(earned.pk)
    money = to_kopecks(returned)
    takes = {} if key in before.amounts else _owed(earned, money, before)
    posted = post_clawback(earned, takes, key=key, before=before, paid=money, at=at)
    if not posted.replayed and posted.amount:
        _free_limits(earned, left=earned.paid - before.money, returned=money)
    return posted


def post_clawback(
    given: Earlier,
    takes: dict[Lot, int],
    *,
    key: str,
    before: Taken,
    paid: int = 0,
    at: datetime,
) -> Posted:
    """Take back from an accrual, a reward or a grant: so many kopecks of each of its lots, because
    `paid` kopecks of money came back. What is already in `before` under this key is a replay and
    takes nothing."""
    amount = before.amounts.get(key, sum(takes.values()))
    claw_id, is_new = write_journal(
        kind=Kind.CLAWBACK,
        member_id=given.wallet_id,
        business_id=given.business_id,
        scope="clawback",
        key=key,
        amount=amount,
        paid=paid,
        rule={"lots": {str(lot.pk): taken for lot, taken in takes.items()}},
        occurred_at=at,
        posted_at=at,
        ref=given.pk,
    )
    if is_new and amount:
        _take_from_lots(takes, claw_id, taken=before.lots, at=at)
    return Posted(claw_id, from_kopecks(amount), not is_new)


def taken_before(journal_id: UUID) -> Taken:
    """What was taken back of an accrual, a reward or a grant so far."""
    money, lots, amounts = 0, dict[int, int](), dict[str, int]()
    returns = Journal.objects.filter(ref=journal_id, kind=Kind.CLAWBACK)
    for key, paid, total, rule in returns.values_list("key", "paid", "amount", "rule"):
        money += paid
        amounts[key] = total
        for lot, amount in rule["lots"].items():
            lots[int(lot)] = lots.get(int(lot), 0) + amount
    return Taken(money, lots, amounts)


def _owed(earned: Earlier, returned: int, before: Taken) -> dict[Lot, int]:
    """What to take from each lot of an accrual for `returned` kopecks of money."""
    left = earned.paid - before.money - returned
    if returned <= 0 or left < 0:
        raise MoreThanPaid(left=f"{from_kopecks(earned.paid - before.money):.2f}")
    lots = list(Lot.objects.filter(journal_id=earned.pk).order_by("pk"))
    payers = [str(lot.issuer_id) for lot in lots] or [str(earned.business_id)]
    still_due = _reckoned(earned, left, issuer=payers[0])
    owed = earned.amount - still_due.total - sum(before.lots.values())
    keeps = still_due.by_funder
    boxes = [(lot.amount, before.lots.get(lot.pk, 0), keeps[str(lot.issuer_id)]) for lot in lots]
    return dict(zip(lots, take_back(owed, boxes), strict=True))


def _terms(earned: Earlier) -> list[Terms]:
    return [Terms(**one) for one in earned.rule.get("offers", [])]


def _reckoned(earned: Earlier, paid: int, *, issuer: str) -> Reckoned:
    """The purchase by the rule of its day, had only `paid` kopecks been paid."""
    return reckon(
        paid=paid,
        rate_bp=earned.rule["rate_bp"],
        issuer=earned.rule.get("issuer", issuer),
        terms=_terms(earned),
    )


def _free_limits(earned: Earlier, *, left: int, returned: int) -> None:
    terms = _terms(earned)
    if not terms:
        return
    was, still = (
        _reckoned(earned, paid, issuer=str(earned.business_id)).parts
        for paid in (left, left - returned)
    )
    give_back_uses(earned, before=was, after=still, terms=terms)


def _take_from_lots(
    takes: dict[Lot, int], claw_id: UUID, *, taken: dict[int, int], at: datetime
) -> None:
    """Revoke what is still there; what is not is owed to the lot's issuer, but for what expired.

    `taken` is what earlier returns took of each lot. `lot.clawed` knows of postings and debts, so
    the rest of it was forgiven.
    """
    debts = []
    for lot, amount in takes.items():
        if not amount:
            continue
        forgiven_before = taken.get(lot.pk, 0) - lot.clawed
        with connection.cursor() as cursor:
            cursor.execute(sql.REVOKE, {"lot": lot.pk, "journal": claw_id, "amount": amount})
            short = amount - int(cursor.fetchone()[0])
        owed = short - min(short, lot.expired - forgiven_before)
        if owed:
            debts.append(
                Debt(
                    wallet_id=lot.wallet_id,
                    creditor_id=lot.issuer_id,
                    journal_id=claw_id,
                    lot=lot,
                    amount=owed,
                )
            )
    if debts:
        Debt.objects.bulk_create(debts)
        repay(member_id=debts[0].wallet_id, because=claw_id, at=at)
