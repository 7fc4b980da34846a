"""Bonuses that are not earned on money, paid by partners: a coupon, coming to an event. What the
network gives is in `rewards`."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.core.errors import NotFound
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty.enums import Box, Kind
from apps.loyalty.models import Journal, Lot, Posting
from apps.loyalty.rules import expiry
from apps.loyalty.services.books import Posted, lock_wallet_of, write_journal
from apps.loyalty.services.debts import repay
from apps.loyalty.services.earning import bear_lots
from apps.loyalty.services.issuing import Stops, issuer_in_place_of, lock_wallet_and_stops
from apps.loyalty.services.returns import Taken, post_clawback, taken_before


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
    by_funder = _by_funder(parts, stopped)
    total = by_funder.total()
    journal_id, is_new = write_journal(
        kind=Kind.EARN,
        member_id=member_id,
        business_id=business_id,
        scope=scope,
        key=key,
        amount=total,
        occurred_at=at,
        posted_at=at,
        rule={
            "grant": scope,
            "funders": {issuer: str(from_kopecks(part)) for issuer, part in by_funder.items()},
        },
    )
    if is_new and total:
        bear_lots(member_id, journal_id, by_funder, activates_at=wakes_at, posted_at=at)
        if debt and wakes_at <= at:
            repay(member_id=member_id, because=journal_id, at=at)
    return Posted(journal_id, from_kopecks(total), not is_new, wakes_at)


def _by_funder(parts: Sequence[tuple[UUID, Decimal]], stopped: Stops) -> Counter[str]:
    """Kopecks by who pays in the end: the reserve may stand in for two funders."""
    by_funder = Counter[str]()
    for funder, bonus in parts:
        issuer = issuer_in_place_of(funder, stopped)
        if issuer:
            by_funder[str(issuer)] += to_kopecks(bonus)
    return by_funder


@transaction.atomic(savepoint=False)
def take_back_grant(*, scope: str, key: str, keep: Decimal, back_key: str, at: datetime) -> Posted:
    """Take a grant back from its own lots, in the order they were given, until `keep` bonuses of
    it are left; what was spent or is held becomes a debt to the funder, what expired is forgiven.

    Raises NotFound.
    """
    grants = Journal.objects.filter(scope=scope, key=key, kind=Kind.EARN)
    granted = grants.values_list("pk", flat=True).first()
    if granted is None:
        raise NotFound
    given = lock_wallet_of(granted, Kind.EARN)
    before = taken_before(granted)
    name = f"{scope}:{back_key}"
    left = given.amount - sum(before.lots.values()) - to_kopecks(keep)
    takes = {} if name in before.amounts else _in_order(granted, left, before)
    return post_clawback(given, takes, key=name, before=before, at=at)


@transaction.atomic(savepoint=False)
def give_lapsed_again(*, journal_id: UUID, days: int, at: datetime) -> Decimal:
    """What a return or a released hold brought back to lots that had lapsed meanwhile is born
    again, from the same funders, for so many days (events.md part 7). How much; once a return.

    `journal_id` is the return. The caller holds her wallet's lock.
    """
    lapsed = Posting.objects.filter(journal=journal_id, dst=Box.EXPIRED).order_by("lot__issuer")
    by_funder = {
        str(issuer): int(amount)
        for issuer, amount in lapsed.values_list("lot__issuer").annotate(Sum("amount"))
    }
    if not by_funder:
        return Decimal(0)
    back = Journal.objects.get(pk=journal_id)
    assert back.wallet_id is not None
    total = sum(by_funder.values())
    again_id, is_new = write_journal(
        kind=Kind.EARN,
        member_id=back.wallet_id,
        business_id=back.business_id,
        scope="courtesy",
        key=str(journal_id),
        amount=total,
        occurred_at=at,
        posted_at=at,
        rule={
            "grant": "courtesy",
            "funders": {issuer: str(from_kopecks(part)) for issuer, part in by_funder.items()},
        },
    )
    if is_new:
        bear_lots(
            back.wallet_id,
            again_id,
            by_funder,
            activates_at=at,
            posted_at=at,
            expires_at=expiry(activates_at=at, life_days=days),
        )
    return from_kopecks(total)


def _in_order(granted: UUID, amount: int, before: Taken) -> dict[Lot, int]:
    takes = {}
    for lot in Lot.objects.filter(journal=granted).order_by("pk"):
        takes[lot] = max(0, min(amount, lot.amount - before.lots.get(lot.pk, 0)))
        amount -= takes[lot]
    return takes
