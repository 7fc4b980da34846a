"""Returns: of what was spent, and of what was earned."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFound, Refused
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import offer_rules, sql
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
    lots, each funder's to what its offers would still give, pending first; what was spent or is held becomes a debt to the issuer, what expired is
    forgiven: she had nothing from it. `returned` in ₽. Raises NotFound, MoreThanPaid.
    """
    earned = Journal.objects.filter(pk=journal_id, kind=Kind.EARN).first()
    if earned is None or earned.wallet_id is None:
        raise NotFound
    lock_wallet(earned.wallet_id)
    twin = Journal.objects.filter(scope="clawback", key=key).first()
    takes = {} if twin else _owed(earned, to_kopecks(returned))
    amount = twin.amount if twin else sum(takes.values())
    claw_id, is_new = write_journal(
        kind=Kind.CLAWBACK,
        member_id=earned.wallet_id,
        business_id=earned.business_id,
        scope="clawback",
        key=key,
        amount=amount,
        paid=to_kopecks(returned),
        rule={"lots": {str(lot.pk): taken for lot, taken in takes.items()}},
        occurred_at=at,
        posted_at=at,
        ref=earned.pk,
    )
    if is_new and amount:
        take_from_lots(earned, claw_id, takes, at=at)
    return Posted(claw_id, from_kopecks(amount), not is_new)


def _owed(earned: Journal, returned: int) -> dict[Lot, int]:
    """What to take from each lot of an accrual for `returned` kopecks of money."""
    money, taken = _taken(earned)
    left = earned.paid - money - returned
    if returned <= 0 or left < 0:
        raise MoreThanPaid(left=f"{from_kopecks(earned.paid - money):.2f}")
    lots = list(Lot.objects.filter(journal=earned).order_by("pk"))
    payers = [str(lot.issuer_id) for lot in lots] or [str(earned.business_id)]
    still_due = offer_rules.reckon(
        paid=left,
        rate_bp=earned.rule["rate_bp"],
        issuer=earned.rule.get("issuer", payers[0]),
        terms=[offer_rules.Terms(**one) for one in earned.rule.get("offers", [])],
    )
    owed = earned.amount - still_due.total - sum(taken.values())
    keeps = still_due.by_funder
    boxes = [(lot.amount, taken.get(lot.pk, 0), keeps[str(lot.issuer_id)]) for lot in lots]
    return dict(zip(lots, offer_rules.take_back(owed, boxes), strict=True))


def _taken(earned: Journal) -> tuple[int, dict[int, int]]:
    """Money that earlier returns of this accrual named, and what they took from each lot: by
    postings, by debts, or forgiven as expired. Kopecks."""
    money, lots = 0, dict[int, int]()
    for paid, rule in Journal.objects.filter(ref=earned, kind=Kind.CLAWBACK).values_list(
        "paid", "rule"
    ):
        money += paid
        for lot, amount in rule["lots"].items():
            lots[int(lot)] = lots.get(int(lot), 0) + amount
    return money, lots


def take_from_lots(earned: Journal, claw_id: UUID, takes: dict[Lot, int], *, at: datetime) -> None:
    """Revoke what is still there; what is not is owed to the lot's issuer, but for what expired.
    `lot.clawed` knows of postings and debts, so the rest of what was taken was forgiven."""
    _money, taken = _taken(earned)
    debts = []
    for lot, amount in takes.items():
        if not amount:
            continue
        forgiven_before = taken[lot.pk] - amount - lot.clawed
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
