"""Past purchases through a chain's terms: who would have got what, and who would have paid."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.money import from_kopecks, to_kopecks
from apps.coupons import rules as coupon_rules
from apps.coupons.rules import is_held_out
from apps.crosspromo import sql
from apps.crosspromo.enums import Fork, Topology
from apps.crosspromo.models import Step, Version
from apps.crosspromo.services.simulating import Payment

ZERO = Decimal("0.00")
DAYS = 90


@dataclass(frozen=True)
class Replayed:
    """A step over past purchases: how many would have set it off, how many guests would have been
    held out, and of the coupons those whose guests then bought at the receiver anyway: what these
    cost and who pays. More would come because of the coupon; `most` is the cost if all did."""

    step: Step
    triggered: int
    held_out: int
    coupons: int
    used: int
    discount: Decimal
    bonus: Decimal
    most: Decimal | None
    payments: list[Payment]


@dataclass(frozen=True)
class _Use:
    """A bill at the receiver on which the coupon would have been used, ₽."""

    member_id: UUID
    at: datetime
    bill: Decimal


@dataclass
class _Tally:
    """What a step comes to while purchases pass."""

    triggered: int = 0
    held_out: int = 0
    coupons: int = 0
    uses: list[_Use] = field(default_factory=list)


@dataclass(frozen=True)
class _Bought:
    """A purchase as one step would have looked at it; `used` is her first bill at the receiver."""

    step: Step
    id: UUID
    member_id: UUID
    at: datetime
    visit: int
    used: _Use | None

    @property
    def fires(self) -> bool:
        if self.step.first_visit:
            return self.visit == 1
        return not self.step.every_nth or self.visit % self.step.every_nth == 0


def replay_chain(*, version: Version, at: datetime, days: int = DAYS) -> list[Replayed]:
    """The last `days` through the version's terms: amounts, categories of receipts' lines, visit
    numbers, cool-downs, arms and forks as they would have been; a later step of a path follows
    uses of the one before it. Mutual depth is not reckoned. Nothing is written."""
    steps = list(
        version.steps.select_related("from_business", "to_business", "campaign__sender")
        .prefetch_related("campaign__funders__business")
        .order_by("number")
    )
    tallies = {step.pk: _Tally() for step in steps}
    is_path = version.chain.topology == Topology.PATH
    entries = steps[:1] if is_path else steps
    for _place, of_place in groupby(entries, key=lambda step: step.from_business_id):
        _replay_entries(version, list(of_place), tallies, at=at, days=days)
    if is_path:
        for before, step in zip(steps, steps[1:], strict=False):
            _replay_next(version, step, tallies[before.pk].uses, tallies[step.pk], at=at)
    return [_sum_up(step, tallies[step.pk]) for step in steps]


def _replay_entries(
    version: Version, steps: Sequence[Step], tallies: dict[UUID, _Tally], *, at: datetime, days: int
) -> None:
    """Steps from one place: a purchase makes one run, whichever of them it sets off."""
    last: dict[UUID, datetime] = {}
    for of_purchase in _purchases(steps, at=at, days=days):
        fired = [one for one in of_purchase if one.fires]
        if not fired:
            continue
        member_id, moment = fired[0].member_id, fired[0].at
        cooling = last.get(member_id)
        if cooling and moment < cooling + timedelta(days=version.cooldown_days):
            continue
        last[member_id] = moment
        held = is_held_out(
            salt=str(version.pk), member_id=member_id, percent=version.holdout_percent
        )
        _count(version, fired, tallies, held=held)


def _count(
    version: Version, fired: Sequence[_Bought], tallies: dict[UUID, _Tally], *, held: bool
) -> None:
    used = [one for one in fired if one.used]
    if version.chain.topology == Topology.FAN and version.fork == Fork.ONE_OF:
        used = sorted(used, key=lambda one: one.used.at if one.used else one.at)[:1]
    for one in fired:
        tally = tallies[one.step.pk]
        tally.triggered += 1
        tally.held_out += held
        tally.coupons += not held
        if one.used and one in used and not held:
            tally.uses.append(one.used)


def _purchases(steps: Sequence[Step], *, at: datetime, days: int) -> Iterator[list[_Bought]]:
    """Purchases of a period in their order, each as every step sees it."""
    seen = [one for step in steps for one in _seen_by(step, at=at, days=days)]
    seen.sort(key=lambda one: (one.at, str(one.id)))
    for _id, same in groupby(seen, key=lambda one: one.id):
        yield list(same)


def _window(step: Step) -> dict[str, Any]:
    """Which bills at the receiver a coupon of this step is good for."""
    return {
        "receiver": step.to_business_id,
        "min_bill": to_kopecks(step.campaign.min_amount),
        "delay": timedelta(hours=step.delay_hours),
        "valid": timedelta(days=step.campaign.valid_days or 0),
    }


def _seen_by(step: Step, *, at: datetime, days: int) -> list[_Bought]:
    values = _window(step) | {
        "sender": step.from_business_id,
        "since": at - timedelta(days=days),
        "at": at,
        "min_paid": to_kopecks(step.min_amount),
        "category": step.category,
    }
    return [
        _Bought(step, pk, member_id, moment, visit, _use(member_id, later, paid))
        for pk, member_id, moment, visit, later, paid in _rows(sql.REPLAY, values)
    ]


def _replay_next(
    version: Version, step: Step, before: Sequence[_Use], tally: _Tally, *, at: datetime
) -> None:
    """A later step of a path: its coupon comes once the one before it can no longer be returned."""
    wait = timedelta(days=version.return_days)
    due = [one for one in before if one.bill >= step.min_amount and one.at + wait <= at]
    tally.triggered = tally.coupons = len(due)
    values = _window(step) | {
        "members": [one.member_id for one in due],
        "due": [one.at + wait for one in due],
        "at": at,
    }
    found = (_use(*row) for row in _rows(sql.REPLAY_NEXT, values))
    tally.uses = [one for one in found if one]


def _use(member_id: UUID, at: datetime | None, paid: int | None) -> _Use | None:
    return _Use(member_id, at, from_kopecks(int(paid))) if at and paid else None


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [tuple(row) for row in cursor.fetchall()]


# --- who pays -------------------------------------------------------------------------------------
def _sum_up(step: Step, tally: _Tally) -> Replayed:
    campaign = step.campaign
    terms = coupon_rules.Terms("", campaign.benefit, campaign.value, campaign.max_discount)
    discounts = [coupon_rules.discount(terms, bill=one.bill, left=one.bill) for one in tally.uses]
    used, most = len(tally.uses), campaign.largest_cost
    return Replayed(
        step=step,
        triggered=tally.triggered,
        held_out=tally.held_out,
        coupons=tally.coupons,
        used=used,
        discount=sum(discounts, ZERO),
        bonus=campaign.value * used if campaign.benefit == "bonus" else ZERO,
        most=None if most is None else most * tally.coupons,
        payments=_payments(step, discounts, used),
    )


def _payments(step: Step, discounts: list[Decimal], used: int) -> list[Payment]:
    """Reckoned per coupon and then summed, as the settlement does it."""
    funders = sorted(step.campaign.funders.all(), key=lambda funder: funder.pk)
    totals: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for discount in discounts:
        parts = coupon_rules.split(discount, [funder.share for funder in funders])
        for funder, part in zip(funders, parts, strict=True):
            totals[funder.business_id] += part
    rows = [
        Payment(funder.business, step.to_business, "share", totals[funder.business_id])
        for funder in funders
        if totals[funder.business_id]
    ]
    fee = step.campaign.fee * used
    if fee:
        rows.append(Payment(step.to_business, step.from_business, "fee", fee))
    return rows
