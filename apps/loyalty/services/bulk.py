"""Accruals of many purchases in a handful of statements, for imports and back-fills.

Only for members whose purchases are plain: nothing but the cashback of their tier can come of
them. Who is plain is told by data (`plain_members`); the others go one by one, and the books are
the same row for row either way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.queries import terms_of_many
from apps.businesses.models import Business
from apps.core.ids import new_id
from apps.core.money import to_kopecks
from apps.loyalty import bulk_sql, rules, sql, tier_queries, tier_rules
from apps.loyalty.enums import Kind
from apps.loyalty.models import OfferSpan
from apps.loyalty.services.books import Posted, body_hash
from apps.loyalty.services.issuing import issuer_in_place_of, stops
from apps.loyalty.settings_queries import expiry_of
from apps.loyalty.tier_queries import Place


@dataclass(frozen=True)
class Purchase:
    """Money actually paid by a member at one business, ₽; `key` as of `earn_for_purchase`."""

    key: str
    member: User
    paid: Decimal
    occurred_at: datetime
    posted_at: datetime


def plain_members(
    *, business: Business, purchases: Sequence[tuple[User, Decimal, datetime]], at: datetime
) -> dict[UUID, bool]:
    """Members of these purchases (member, ₽ paid, when) who can be booked in bulk → whether they
    may have reached a tier then (`raise_tiers`). They owe nothing, no offer was in force at any of
    the moments, and however the sums fall none of them moves but up by one tier, which what was
    bought before `at` does not earn by. The caller holds their wallets' locks."""
    moments = [occurred_at for _member, _paid, occurred_at in purchases]
    if _offers_between(business, min(moments), max(moments)):
        return {}
    since = tier_rules.window_start(at)
    fresh: dict[UUID, int] = {}
    for member, paid, occurred_at in purchases:
        counted = to_kopecks(paid) if occurred_at >= since else 0
        fresh[member.pk] = fresh.get(member.pk, 0) + counted
    with connection.cursor() as cursor:
        cursor.execute(sql.DEBTORS, {"wallets": list(fresh)})
        debtors = {row[0] for row in cursor.fetchall()}
    steps = {
        place.member_id: _steps_up(place, most=fresh[place.member_id])
        for place in tier_queries.places_of(fresh, at=at)
        if place.member_id not in debtors and not place.may_fall()
    }
    most = 1 if max(moments) < at else 0
    return {member_id: up > 0 for member_id, up in steps.items() if up <= most}


def _offers_between(business: Business, first: datetime, last: datetime) -> bool:
    """Whether any offer, of the business or of the network, may concern these moments."""
    mine = Q(business=business) | Q(business__is_network=True)
    return OfferSpan.objects.filter(mine, since__lte=last, until__gt=first).exists()


def _steps_up(place: Place, *, most: int) -> int:
    """By how many tiers the most that she may have paid in the end raises her."""
    highest = replace(place, spent=place.spent + most, partners=place.partners + 1)
    return highest.reached() - place.tier.position if highest.may_rise() else 0


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
                    "lapses": expiry_of(wakes),
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
