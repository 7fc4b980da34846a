"""Bonuses that are not earned on money: a coupon gives them, its funders pay."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum

from apps.core.errors import NotFound
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import rules, sql
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Journal, Lot
from apps.loyalty.services.books import Posted, lock_wallet, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.issuing import issuer_in_place_of, lock_wallet_and_stops
from apps.loyalty.settings_queries import expiry_of


@transaction.atomic(savepoint=False)
def grant_bonus(
    *,
    member_id: UUID,
    business_id: UUID,
    parts: Sequence[tuple[UUID, Decimal]],
    scope: str,
    key: str,
    at: datetime,
    activates_at: datetime | None = None,
) -> Posted:
    """Give bonuses: one lot for each (funder, bonuses) of `parts`; the network's reserve stands in
    for a funder that may not issue, or that part is not given. They can be spent at once, or from
    `activates_at`.

    `business_id` is where it happened. (scope, key) happens once. No money was paid, so nothing
    counts towards a tier.
    """
    debt, stopped = lock_wallet_and_stops(member_id)
    wakes_at = max(activates_at or at, at)
    issuers = [(issuer_in_place_of(funder, stopped), bonus) for funder, bonus in parts]
    given = [(issuer, bonus) for issuer, bonus in issuers if issuer]
    total = sum((bonus for _issuer, bonus in given), Decimal("0.00"))
    journal_id, is_new = write_journal(
        kind=Kind.EARN,
        member_id=member_id,
        business_id=business_id,
        scope=scope,
        key=key,
        amount=to_kopecks(total),
        occurred_at=at,
        posted_at=at,
        rule={"grant": scope, "funders": {str(issuer): str(bonus) for issuer, bonus in given}},
    )
    if is_new:
        for issuer, bonus in given:
            _give(member_id, issuer, journal_id, to_kopecks(bonus), at=at, wakes_at=wakes_at)
        if debt and wakes_at <= at:
            repay(member_id=member_id, because=journal_id, at=at)
    return Posted(journal_id, total, not is_new, wakes_at)


def _give(
    member_id: UUID,
    issuer: UUID,
    journal_id: UUID,
    amount: int,
    *,
    at: datetime,
    wakes_at: datetime,
) -> None:
    if not amount:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.BIRTH_AND_WAKE if wakes_at <= at else sql.BIRTH,
            {
                "wallet": member_id,
                "issuer": issuer,
                "journal": journal_id,
                "amount": amount,
                "rate_bp": rules.SETTLEMENT_RATE_BP,
                "activates_at": wakes_at,
                "expires_at": expiry_of(wakes_at),
            },
        )


@transaction.atomic(savepoint=False)
def take_back_grant(*, scope: str, key: str, keep: Decimal, back_key: str, at: datetime) -> Posted:
    """Take a grant back from its own lots, in the order they were given, until `keep` bonuses of
    it are left; what was spent or is held becomes a debt to the funder, what expired is forgiven.

    Raises NotFound.
    """
    given = Journal.objects.filter(scope=scope, key=key, kind=Kind.EARN).first()
    if given is None or given.wallet_id is None:
        raise NotFound
    lock_wallet(given.wallet_id)
    before = Journal.objects.filter(ref=given, kind=Kind.CLAWBACK).exclude(
        scope=f"{scope}.back", key=back_key
    )
    left = given.amount - int(before.aggregate(total=Sum("amount", default=0))["total"])
    kopecks = max(0, left - to_kopecks(keep))
    claw_id, is_new = write_journal(
        kind=Kind.CLAWBACK,
        member_id=given.wallet_id,
        business_id=given.business_id,
        scope=f"{scope}.back",
        key=back_key,
        amount=kopecks,
        occurred_at=at,
        posted_at=at,
        ref=given.pk,
    )
    if is_new and kopecks:
        _take(given, claw_id, kopecks, at=at)
    return Posted(claw_id, from_kopecks(kopecks), not is_new)


def _take(given: Journal, claw_id: UUID, amount: int, *, at: datetime) -> None:
    for lot in Lot.objects.filter(journal=given).order_by("pk"):
        part = min(amount, lot.amount - lot.clawed)
        if part <= 0:
            continue
        amount -= part
        with connection.cursor() as cursor:
            cursor.execute(sql.REVOKE, {"lot": lot.pk, "journal": claw_id, "amount": part})
            short = part - int(cursor.fetchone()[0])
        owed = short - min(short, lot.expired)
        if owed:
            Debt.objects.create(
                wallet_id=lot.wallet_id,
                creditor_id=lot.issuer_id,
                journal_id=claw_id,
                lot=lot,
                amount=owed,
            )
            repay(member_id=lot.wallet_id, because=f"{claw_id}:{lot.pk}", at=at)
