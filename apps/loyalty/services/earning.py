"""Accrual: bonuses for money actually paid."""

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from apps.accounts.models import User
from apps.accounts.queries import terms_of
from apps.businesses.models import Business
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import rules, sql
from apps.loyalty.enums import Kind
from apps.loyalty.services.books import Posted, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.issuing import issuer_in_place_of, lock_wallet_and_stops


def calculate_bonus(amount: Decimal, user: User, business: Business) -> Decimal:
    """Bonuses that `user` earns for `amount` ₽ actually paid at `business`: cashback by tier
    (5/7/10/10 %), rounded down to the kopeck. Nothing is written."""
    return rules.accrual(paid=amount, rate_bp=user.tier.rate_bp)


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
    """Accrue for money actually paid; the business where it was earned is the issuer,
    or the network's reserve in its place, or nobody when it may not issue: then it is 0 bonuses.

    `paid` in ₽ is the base; the rate and the base are kept in the journal row, so that a return
    can be reckoned by the rule of that day. Zero bonuses still leave their journal row. A debt
    is repaid from what was just earned.
    """
    debt, stopped = lock_wallet_and_stops(member.pk)
    issuer_id = issuer_in_place_of(business.pk, stopped)
    terms = terms_of(member, at=occurred_at)  # a late receipt earns by the tier of its day
    rate_bp = terms.rate_bp if issuer_id else 0  # a return of nothing takes nothing back
    amount = to_kopecks(rules.accrual(paid=paid, rate_bp=rate_bp))
    activates_at = rules.activation(occurred_at=occurred_at, pending_days=business.pending_days)
    journal_id, is_new = write_journal(
        kind=Kind.EARN,
        member_id=member.pk,
        business_id=business.pk,
        scope="earn",
        key=key,
        amount=amount,
        paid=to_kopecks(paid),
        rule={"tier": terms.code, "rate_bp": rate_bp, "paid": str(paid)},
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
                    "issuer": issuer_id,
                    "journal": journal_id,
                    "amount": amount,
                    "rate_bp": rules.SETTLEMENT_RATE_BP,
                    "activates_at": activates_at,
                    "expires_at": rules.expiry(activates_at=activates_at),
                },
            )
        if debt:
            repay(member_id=member.pk, because=journal_id, at=posted_at)
    return Posted(journal_id, from_kopecks(amount), not is_new, activates_at, rate_bp)
