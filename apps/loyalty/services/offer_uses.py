"""What an offer gave is counted in the transaction that gave it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core import outbox
from apps.core.facts import OfferBudgetLow
from apps.core.ids import new_id
from apps.core.money import from_kopecks
from apps.loyalty import offer_sql
from apps.loyalty.models import OfferConstructor
from apps.loyalty.offer_queries import Limit, Outlook
from apps.loyalty.offer_rules import Part, Terms, nearly_used
from apps.loyalty.services.books import Earlier


def keep_uses(outlook: Outlook, *, member_id: UUID, journal_id: UUID, at: datetime) -> None:
    """Write what each offer gave and count it against its limits. Nothing when none applied.

    The counters were locked when the purchase was reckoned, so their one conditional update moves
    every row; fewer would be a broken limit, and the whole sale is undone (RuntimeError).
    """
    if not outlook.terms:
        return
    keys = {str(one.rule.offer): one.once_key for one in outlook.verdicts if not one.why}
    granted = {one.offer: one.granted for one in outlook.terms}
    with connection.cursor() as cursor:
        cursor.execute(
            offer_sql.USES,
            {
                "wallet": member_id,
                "journal": journal_id,
                "at": at,
                "ids": [new_id() for _ in outlook.terms],
                "offers": [one.offer for one in outlook.terms],
                "versions": [one.version for one in outlook.terms],
                "wanted": [one.wanted for one in outlook.terms],
                "granted": [one.granted for one in outlook.terms],
                "once_keys": [keys[one.offer] for one in outlook.terms],
            },
        )
        limits = [one for one in outlook.limits if granted[one.offer]]
        if limits:
            _count(limits, granted, at=at)


def _count(limits: Sequence[Limit], granted: Mapping[str, int], *, at: datetime) -> None:
    values: dict[str, Any] = {
        "scopes": [one.scope for one in limits],
        "periods": [one.period for one in limits],
        "amounts": [granted[one.offer] for one in limits],
        "limits": [one.most for one in limits],
    }
    with connection.cursor() as cursor:
        cursor.execute(offer_sql.USE_COUNTERS, values)
        used = {(scope, period): now for scope, period, now in cursor.fetchall()}
    if len(used) != len(limits):
        raise RuntimeError("A limit of an offer would be broken.")
    for one in limits:
        now = used[one.scope, one.period]
        before = now - granted[one.offer]
        crossed = nearly_used(now, most=one.most) and not nearly_used(before, most=one.most)
        if one.is_budget and crossed:
            _tell_of_budget(one, used=now, at=at)


def _tell_of_budget(limit: Limit, *, used: int, at: datetime) -> None:
    offer = OfferConstructor.objects.select_related("current").get(pk=limit.offer)
    outbox.publish(
        OfferBudgetLow(
            offer_id=limit.offer,
            business_id=str(offer.business_id),
            name=offer.version.name,
            used=f"{from_kopecks(used):.2f}",
            budget=f"{from_kopecks(limit.most):.2f}",
            at=at.isoformat(),
        )
    )


def give_back_uses(
    earned: Earlier, *, before: Sequence[Part], after: Sequence[Part], terms: Sequence[Terms]
) -> None:
    """A return takes bonuses of offers back: their limits have that much room again. What was
    given once (a first purchase, a birthday) stays given. Nothing when no offer had a limit."""
    back = {
        one.version: was.granted - still.granted
        for one, was, still in zip(terms, before, after, strict=True)
        if one.cap is not None and was.granted > still.granted
    }
    if not back:
        return
    values: dict[str, Any] = {
        "versions": [UUID(version) for version in back],
        "amounts": list(back.values()),
        "business": earned.business_id,
        "wallet": earned.wallet_id,
        "at": earned.occurred_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(offer_sql.GIVE_BACK, values)
