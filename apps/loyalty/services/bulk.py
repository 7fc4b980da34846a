"""Accruals of many purchases in a handful of statements, for imports and back-fills.

Only for members whose purchases are plain: nothing but the cashback of their tier can come of
them. Who is plain is told by data (`plain_members`); the others go one by one, and the books are
the same row for row either way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from apps.accounts.models import StatusTier, User
from apps.accounts.queries import terms_of_many
from apps.businesses.models import Business
from apps.core.ids import new_id
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import bulk_sql, rules
from apps.loyalty.enums import Kind
from apps.loyalty.services.books import Posted, body_hash
from apps.loyalty.services.issuing import issuer_in_place_of, stops


@dataclass(frozen=True)
class Purchase:
    """Money actually paid by a member at one business, ₽; `key` as of `earn_for_purchase`."""

    key: str
    member: User
    paid: Decimal
    occurred_at: datetime
    posted_at: datetime


def plain_members(
    *, business: Business, purchases: Iterable[tuple[User, Decimal, datetime]], at: datetime
) -> set[UUID]:
    """Members of these purchases (member, ₽ paid, when) who can be booked in bulk: they owe
    nothing, and however the sums fall no tier is reached or lost by them. The caller holds their
    wallets' locks."""
    since = at - timedelta(days=rules.WINDOW_DAYS)
    members: dict[UUID, User] = {}
    fresh: dict[UUID, Decimal] = {}
    for member, paid, occurred_at in purchases:
        members[member.pk] = member
        counted = paid if occurred_at > since else Decimal(0)
        fresh[member.pk] = fresh.get(member.pk, Decimal(0)) + counted
    values: dict[str, Any] = {"members": list(members), "business": business.pk, "since": since}
    with connection.cursor() as cursor:
        cursor.execute(bulk_sql.STANDING, values)
        rows = cursor.fetchall()
    tiers = [
        (tier.position, tier.threshold, tier.min_partners) for tier in StatusTier.objects.all()
    ]
    plain = set()
    for member_id, debt, spent, partners in rows:
        most = from_kopecks(spent) + fresh[member_id]
        reached = rules.earned_tier(spent=most, partners=partners + 1, tiers=tiers)
        if not debt and reached <= members[member_id].tier.position:
            plain.add(member_id)
    return plain


def earn_in_bulk(*, business: Business, purchases: Sequence[Purchase]) -> dict[str, Posted]:
    """Accrue for purchases of plain members: key → what was posted, all of it new.

    The same rows as `earn_for_purchase` for each in turn. The caller holds the wallets' locks and
    has made sure that no key was used.
    """
    issuer_id = issuer_in_place_of(business.pk, stops())
    terms = terms_of_many([(one.member, one.occurred_at) for one in purchases])
    posted: dict[str, Posted] = {}
    journals: list[dict[str, Any]] = []
    lots: list[dict[str, Any]] = []
    for one, held in zip(purchases, terms, strict=True):
        rate_bp = held.rate_bp if issuer_id else 0
        bonus = rules.accrual(paid=one.paid, rate_bp=rate_bp)
        wakes = rules.activation(occurred_at=one.occurred_at, pending_days=business.pending_days)
        rule = {"tier": held.code, "rate_bp": rate_bp, "paid": str(one.paid)}
        journal = _journal(one, business, amount=to_kopecks(bonus), rule=rule)
        journals.append(journal)
        if bonus:
            lots.append(
                {
                    "wallet": one.member.pk,
                    "journal": journal["id"],
                    "amount": journal["amount"],
                    "wakes": wakes,
                    "lapses": rules.expiry(activates_at=wakes),
                    "posted": one.posted_at,
                }
            )
        posted[one.key] = Posted(journal["id"], bonus, False, wakes, rate_bp)
    _write(journals, lots, issuer_id)
    return posted


def _journal(
    one: Purchase, business: Business, *, amount: int, rule: Mapping[str, object]
) -> dict[str, Any]:
    paid = to_kopecks(one.paid)
    return {
        "id": new_id(),
        "wallet": one.member.pk,
        "key": one.key,
        "hash": body_hash(
            kind=Kind.EARN,
            member_id=one.member.pk,
            business_id=business.pk,
            amount=amount,
            paid=paid,
            ref=None,
        ),
        "business": business.pk,
        "amount": amount,
        "paid": paid,
        "rule": orjson.dumps(rule).decode(),
        "occurred": one.occurred_at,
        "posted": one.posted_at,
    }


def _write(
    journals: list[dict[str, Any]], lots: list[dict[str, Any]], issuer_id: UUID | None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(bulk_sql.JOURNALS, _columns(journals))
        if lots:
            values = _columns(lots) | {"issuer": issuer_id, "rate_bp": rules.SETTLEMENT_RATE_BP}
            cursor.execute(bulk_sql.BIRTHS, values)


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in rows[0]}
