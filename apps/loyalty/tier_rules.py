"""When a member keeps her tier and when she falls: days in Moscow and kopecks, nothing else.

Everything follows from what she paid and the terms of the tiers, whenever it is asked: an
evaluation at a purchase, the job at night and a job that is late give one answer. So money leaves
the window at midnight only, and the day on which she fell short is reckoned, never remembered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from apps.loyalty.rules import MOSCOW

WINDOW_DAYS = 365  # "the last 12 months", today included
GRACE_DAYS = 30  # the default of LoyaltySettings
WARN_DAYS = (60, 30, 7)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Payment:
    """Money paid for one purchase, kopecks, and what came back of it on which days."""

    at: datetime
    business: UUID | str
    paid: int
    returns: tuple[tuple[date, int], ...] = ()

    @property
    def day(self) -> date:
        return day_of(self.at)

    def left(self, day: date) -> int:
        """What it counts on a day: what came back later still counts then."""
        return self.paid - sum(amount for when, amount in self.returns if when <= day)


@dataclass(frozen=True)
class Demand:
    """What a tier asks for: kopecks in the window, at how many partners.

    Terms that were replaced (`until`) still keep whoever paid by them, with the money paid before:
    a change of the table never shortens what she had.
    """

    threshold: int
    partners: int
    until: datetime | None = None

    def is_met(self, payments: Iterable[Payment], *, day: date) -> bool:
        counted = [
            (payment.business, left)
            for payment in payments
            if (self.until is None or payment.at < self.until) and (left := payment.left(day)) > 0
        ]
        places = {business for business, _left in counted}
        return sum(left for _b, left in counted) >= self.threshold and len(places) >= self.partners


@dataclass(frozen=True)
class Keeping:
    """What her present tier rests on: since when, a lock by hand, payments, demands, and how many
    days of grace there are before she falls."""

    since: datetime
    locked_until: datetime | None
    payments: Sequence[Payment]
    demands: Sequence[Demand]
    grace_days: int = GRACE_DAYS


def day_of(at: datetime) -> date:
    return at.astimezone(MOSCOW).date()


def midnight(day: date) -> datetime:
    """The first moment of a day in Moscow."""
    return datetime(day.year, day.month, day.day, tzinfo=MOSCOW)


def window_start(at: datetime) -> datetime:
    """The first moment whose purchases count towards a tier."""
    return midnight(day_of(at) - timedelta(days=WINDOW_DAYS - 1))


def memory_start(at: datetime, *, grace_days: int = GRACE_DAYS) -> datetime:
    """How far back payments must be known to tell on which day she fell short."""
    return window_start(at) - timedelta(days=grace_days)


def in_window(payments: Iterable[Payment], day: date) -> list[Payment]:
    first = day - timedelta(days=WINDOW_DAYS - 1)
    return [payment for payment in payments if first <= payment.day <= day]


def is_kept(keeping: Keeping, day: date) -> bool:
    counted = in_window(keeping.payments, day)
    return any(demand.is_met(counted, day=day) for demand in keeping.demands)


def last_kept_day(keeping: Keeping, *, today: date) -> date | None:
    """The last day on which she has enough if she pays nothing more; None when she had not enough
    for longer than the grace."""
    if is_kept(keeping, today):
        days = sorted({payment.day for payment in in_window(keeping.payments, today)})
        for first in reversed(days):
            rest = [payment for payment in keeping.payments if first <= payment.day <= today]
            if any(demand.is_met(rest, day=today) for demand in keeping.demands):
                return first + timedelta(days=WINDOW_DAYS - 1)
        return today  # a tier that asks for nothing
    past = (today - DAY * n for n in range(1, keeping.grace_days + 1))
    return next((day for day in past if is_kept(keeping, day)), None)


def falls_on(keeping: Keeping, *, today: date) -> date:
    """The first day of the tier below, if she pays nothing more: the days of grace after she fell
    short of this tier, counted from reaching it or from the end of a lock at the earliest."""
    starts = [day_of(keeping.since)]
    if keeping.locked_until:
        starts.append(day_of(keeping.locked_until))
    kept = last_kept_day(keeping, today=today)
    if kept:
        starts.append(kept + DAY)
    return max(starts) + timedelta(days=keeping.grace_days)


def to_keep(keeping: Keeping, *, falls: date) -> int:
    """Kopecks that she must pay before she falls, so that on that day there is enough."""
    threshold = next((one.threshold for one in keeping.demands if one.until is None), 0)
    left = sum(payment.left(falls) for payment in in_window(keeping.payments, falls))
    return max(0, threshold - left)


def stage_of(falls: date, *, today: date, stages: Sequence[int] = WARN_DAYS) -> int | None:
    """The nearest of the warnings that is due: 60, 30 or 7 days ahead; None when none is."""
    return min((stage for stage in stages if (falls - today).days <= stage), default=None)
