"""What an offer would have given: past purchases once more, through the live path, undone after.

The dry run and the real run are the same code by construction; only a rollback is between them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import stdev
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import NotFound
from apps.core.ids import new_id
from apps.core.money import from_kopecks, round_down
from apps.loyalty.enums import Kind, OfferState
from apps.loyalty.models import (
    Journal,
    OfferConstructor,
    OfferFunder,
    OfferSpan,
    OfferUse,
    OfferVersion,
)
from apps.loyalty.services.books import lock_wallets
from apps.loyalty.services.earning import earn_for_purchase
from apps.loyalty.services.issuing import stops
from apps.loyalty.services.offers import create_offer, edit_offer

DAYS = 90
MOST = 1000  # purchases replayed; of more, those of every n-th member
SURE = 1.645  # 90 % of the weeks' spread


@dataclass(frozen=True)
class Forecast:
    """What 90 days would have given: purchases and members that got something, bonuses more, and
    their price in ₽ with a range from how unlike the weeks were. A guess by the past, not a
    promise. `replayed` of `purchases` were looked at."""

    transactions: int
    members: int
    extra_bonuses: Decimal
    cost: Decimal
    low: Decimal
    high: Decimal
    purchases: int
    replayed: int


@transaction.atomic
def simulate_offer(*, offer_id: UUID, by: User | None, at: datetime) -> Forecast:
    """Replay the last 90 days with the newest version of an offer in force, and undo all of it.

    Wallets of the members are locked for as long as it takes, in one order, before anything else.
    Raises NotFound.
    """
    offer = OfferConstructor.objects.select_related("business", "current").filter(pk=offer_id)
    found = offer.first()
    if found is None or (by is not None and not by.has_perm(rights.MANAGE, found.business)):
        raise NotFound
    since = at - timedelta(days=DAYS)
    past = _past(found.business, since=since, until=at)
    total = past.count()
    step = -(-total // MOST) or 1
    chosen = [row for row in past.order_by("occurred_at", "id") if row.wallet_id.int % step == 0]
    with transaction.atomic():
        lock_wallets({row.wallet_id for row in chosen})
        trial = _trial_of(found, step=step, since=since, until=at)
        _replay(chosen)
        uses = list(
            OfferUse.objects.filter(offer=trial, granted__gt=0).values_list(
                "wallet_id", "granted", "at"
            )
        )
        transaction.set_rollback(True)
    return _forecast(uses, step=step, since=since, purchases=total, replayed=len(chosen))


@transaction.atomic
def simulate_terms(
    *,
    business: Business,
    terms: dict[str, Any],
    offer_id: UUID | None = None,
    by: User | None,
    at: datetime,
) -> Forecast:
    """`simulate_offer` for terms that nobody has saved: of a new offer, or of changes to one. They
    are written, looked at and undone. Raises NotFound, OfferInvalid, PriorityTaken."""
    with transaction.atomic():
        if offer_id is None:
            offer = create_offer(business=business, terms=terms, by=by, at=at)
        else:
            offer = edit_offer(offer_id=offer_id, changes=terms, by=by, at=at)
        forecast = simulate_offer(offer_id=offer.pk, by=by, at=at)
        transaction.set_rollback(True)
    return forecast


def _past(business: Business, *, since: datetime, until: datetime) -> Any:
    where = Q() if business.is_network else Q(business=business)
    return Journal.objects.filter(
        where,
        kind=Kind.EARN,
        scope="earn",
        paid__gt=0,
        occurred_at__gte=since,
        occurred_at__lt=until,
    )


def _trial_of(
    offer: OfferConstructor, *, step: int, since: datetime, until: datetime
) -> OfferConstructor:
    """A copy in force all the time, with counters of its own, in place of the offer itself. Of a
    sample of members it has the same part of the common limits."""
    OfferConstructor.objects.filter(pk=offer.pk).update(state=OfferState.ENDED)
    OfferSpan.objects.filter(offer=offer).delete()
    trial = OfferConstructor.objects.create(
        business=offer.business, priority=offer.priority, state=OfferState.ACTIVE
    )
    version = OfferVersion.objects.get(pk=offer.version.pk)
    funders = list(version.funders.order_by("position"))
    version.pk, version.offer = new_id(), trial
    for name in ("budget", "cap_day"):
        limit = getattr(version, name)
        if limit is not None:
            setattr(version, name, max(Decimal("0.01"), round_down(limit / step)))
    version.save(force_insert=True)
    OfferFunder.objects.bulk_create(
        OfferFunder(
            version=version,
            business_id=one.business_id,
            position=one.position,
            share_bp=one.share_bp,
        )
        for one in funders
    )
    OfferSpan.objects.create(
        offer=trial, version=version, business=offer.business, since=since, until=until
    )
    return trial


def _replay(rows: list[Journal]) -> None:
    people = User.objects.select_related("tier").in_bulk({row.wallet_id for row in rows})
    places = Business.objects.in_bulk({row.business_id for row in rows})
    stopped = stops()
    for row in rows:
        earn_for_purchase(
            member=people[row.wallet_id],
            business=places[row.business_id],
            paid=from_kopecks(row.paid),
            key=str(row.pk),
            occurred_at=row.occurred_at,
            posted_at=row.occurred_at,
            categories=row.rule.get("categories", []),
            locked=(0, stopped),
            scope="replay",
        )


def _forecast(
    uses: list[tuple[UUID, int, datetime]],
    *,
    step: int,
    since: datetime,
    purchases: int,
    replayed: int,
) -> Forecast:
    weeks = [0] * -(-DAYS // 7)
    for _member, granted, moment in uses:
        weeks[(moment - since).days // 7] += granted * step
    given = sum(weeks)
    spread = int(SURE * stdev(weeks) * sqrt(len(weeks)))
    return Forecast(
        transactions=len(uses) * step,
        members=len({member for member, _granted, _moment in uses}) * step,
        extra_bonuses=from_kopecks(given),
        cost=from_kopecks(given),
        low=from_kopecks(max(0, given - spread)),
        high=from_kopecks(given + spread),
        purchases=purchases,
        replayed=replayed,
    )
