"""Accrual: bonuses for money actually paid."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import offer_queries, offer_sql, rules
from apps.loyalty.enums import Kind
from apps.loyalty.models import Journal
from apps.loyalty.offer_queries import Outlook
from apps.loyalty.services.books import KeyReused, Posted, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.issuing import Stops, issuer_in_place_of, lock_wallet_and_stops, stops
from apps.loyalty.services.offer_uses import keep_uses
from apps.loyalty.settings_queries import expiry_of


def calculate_bonus(amount: Decimal, user: User, business: Business) -> Decimal:
    """Bonuses that `user` earns now for `amount` ₽ actually paid at `business`: cashback by tier
    (5/7/10/10 %) with the offers in force, rounded down once to the kopeck. Nothing is written."""
    return foresee(member=user, business=business, paid=amount, at=timezone.now()).bonus


def foresee(
    *,
    member: User,
    business: Business,
    paid: Decimal,
    at: datetime,
    categories: Collection[str] = (),
) -> Outlook:
    """What a purchase would earn and why; nothing is written and nothing locked."""
    return offer_queries.outlook(
        member=member,
        business=business,
        paid=paid,
        at=at,
        categories=categories,
        issuer_of=partial(issuer_in_place_of, stopped=stops()),
    )


@transaction.atomic(savepoint=False)
def earn_for_purchase(  # noqa: PLR0913 - what a purchase is
    *,
    member: User,
    business: Business,
    paid: Decimal,
    key: str,
    occurred_at: datetime,
    posted_at: datetime,
    categories: Collection[str] = (),
    locked: tuple[int, Stops] | None = None,
    scope: str = "earn",
) -> Posted:
    """Accrue for money actually paid, with the offers that were in force at that moment.

    `paid` in ₽ is the base; the rate, the base and the rules of the offers are kept in the journal
    row, so that a return is reckoned by the rule of that day. The business pays for the cashback,
    an offer's part falls on its funders: a lot each; the network's reserve stands in for one that
    may not issue, or nobody does. Zero bonuses still leave their journal row. A debt is repaid
    from what was just earned. `locked` is what `lock_wallet_and_stops` answered to a caller who
    holds the lock. `categories` are those of the receipt's lines.
    """
    debt, stopped = locked or lock_wallet_and_stops(member.pk)
    outlook = offer_queries.outlook(
        member=member,
        business=business,
        paid=paid,
        at=occurred_at,
        categories=categories,
        issuer_of=partial(issuer_in_place_of, stopped=stopped),
        lock=True,
    )
    activates_at = rules.activation(occurred_at=occurred_at, pending_days=business.pending_days)
    try:
        journal_id, is_new = write_journal(
            **_whose(member, business, scope=scope, key=key),
            amount=outlook.reckoned.total,
            paid=to_kopecks(paid),
            rule=snapshot(outlook),
            occurred_at=occurred_at,
            posted_at=posted_at,
        )
    except KeyReused:
        return _replayed(member, business, paid=paid, key=key, scope=scope)
    if is_new and outlook.reckoned.total:
        shares = outlook.reckoned.by_funder
        bear_lots(member.pk, journal_id, shares, activates_at=activates_at, posted_at=posted_at)
        keep_uses(outlook, member_id=member.pk, journal_id=journal_id, at=occurred_at)
        if debt:
            repay(member_id=member.pk, because=journal_id, at=posted_at)
    return Posted(journal_id, outlook.bonus, not is_new, activates_at, outlook.rate_bp)


def _whose(member: User, business: Business, *, scope: str, key: str) -> dict[str, Any]:
    return {
        "kind": Kind.EARN,
        "member_id": member.pk,
        "business_id": business.pk,
        "scope": scope,
        "key": key,
    }


def _replayed(member: User, business: Business, *, paid: Decimal, key: str, scope: str) -> Posted:
    """The same purchase, reckoned otherwise by now: its own use of an offer counts already."""
    first = Journal.objects.get(scope=scope, key=key)
    same = (first.wallet_id, first.business_id, first.paid)
    if same != (member.pk, business.pk, to_kopecks(paid)):
        raise KeyReused
    activates_at = rules.activation(
        occurred_at=first.occurred_at, pending_days=business.pending_days
    )
    return Posted(
        first.pk, from_kopecks(first.amount), True, activates_at, int(first.rule["rate_bp"])
    )


def snapshot(outlook: Outlook) -> dict[str, object]:
    """The rule of a purchase as its journal row keeps it: no personal data."""
    rule: dict[str, object] = {
        "tier": outlook.tier,
        "rate_bp": outlook.rate_bp,
        "paid": str(outlook.paid),
    }
    if outlook.categories:
        rule["categories"] = sorted(outlook.categories)
    if outlook.terms:
        rule |= {"issuer": outlook.issuer, "offers": [asdict(one) for one in outlook.terms]}
    return rule


def bear_lots(
    member_id: UUID,
    journal_id: UUID,
    by_funder: dict[str, int],
    *,
    activates_at: datetime,
    posted_at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Lots of one accrual, one for whoever pays, in one statement; awake at once when their time
    has come. `expires_at` other than the usual 90 days is for what is only given again."""
    due = [(issuer, amount) for issuer, amount in by_funder.items() if amount]
    awake = activates_at <= posted_at
    with connection.cursor() as cursor:
        cursor.execute(
            offer_sql.BIRTHS_AND_WAKE if awake else offer_sql.BIRTHS,
            {
                "wallet": member_id,
                "journal": journal_id,
                "issuers": [UUID(issuer) for issuer, _amount in due],
                "amounts": [amount for _issuer, amount in due],
                "rate_bp": rules.SETTLEMENT_RATE_BP,
                "activates_at": activates_at,
                "expires_at": expires_at or expiry_of(activates_at),
            },
        )
