"""What guests said of a partner's events. Fewer than five answers are nobody's business: with
them it would be plain who said what, so they are counted and not shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, QuerySet

from apps.businesses.models import Business
from apps.events.models import Event, Feedback
from apps.events.rules import FEEDBACK_SHOWN_FROM as SHOWN_FROM

STARS = (5, 4, 3, 2, 1)
LOW = 2  # stars and fewer: something was wrong
LATELY = timedelta(days=14)


@dataclass(frozen=True)
class Rated:
    """An event with its answers; `mean` is None while there are too few of them."""

    event: Event
    answers: int
    mean: Decimal | None

    @property
    def missing(self) -> int:
        return max(0, SHOWN_FROM - self.answers)


@dataclass(frozen=True)
class Opinion:
    """All shown answers of a partner together: how many gave each number of stars."""

    counts: dict[int, int] = field(default_factory=dict)

    @property
    def answers(self) -> int:
        return sum(self.counts.values())

    @property
    def mean(self) -> Decimal | None:
        if not self.answers:
            return None
        total = sum(stars * count for stars, count in self.counts.items())
        return (Decimal(total) / self.answers).quantize(Decimal("0.1"))

    @property
    def bars(self) -> Sequence[tuple[int, int, int]]:
        """(stars, how many, whole percent), the best first."""
        all_of_them = self.answers or 1
        return [
            (stars, self.counts.get(stars, 0), round(100 * self.counts.get(stars, 0) / all_of_them))
            for stars in STARS
        ]


def _all(business: Business) -> QuerySet[Feedback]:
    return Feedback.objects.filter(registration__event__business=business)


def shown_reviews(business: Business) -> QuerySet[Feedback]:
    """Answers about events that have enough of them, the newest first. Nobody's name comes with
    them."""
    enough = (
        _all(business)
        .order_by()
        .values(event=F("registration__event"))
        .annotate(n=Count("pk"))
        .filter(n__gte=SHOWN_FROM)
    )
    rows = _all(business).filter(registration__event__in=enough.values("event"))
    return rows.select_related("registration__event").order_by("-given_at", "-pk")


def opinion_of(business: Business) -> Opinion:
    rows = shown_reviews(business).order_by().values_list("rating").annotate(n=Count("pk"))
    return Opinion(dict(rows))


def rated_events(business: Business) -> list[Rated]:
    """Events with any answer, the latest first; two statements."""
    told: Any = (
        _all(business)
        .order_by()
        .values_list("registration__event")
        .annotate(n=Count("pk"), mean=Avg("rating"))
    )
    found: dict[UUID, tuple[int, float]] = {event: (n, mean) for event, n, mean in told}
    return [
        Rated(
            event,
            found[event.pk][0],
            Decimal(f"{found[event.pk][1]:.1f}") if found[event.pk][0] >= SHOWN_FROM else None,
        )
        for event in Event.objects.filter(pk__in=found).order_by("-starts_at", "-pk")
    ]


def low_ones(business: Business, *, at: datetime) -> int:
    """How many of two stars and fewer came lately."""
    rows = shown_reviews(business).order_by()
    return rows.filter(rating__lte=LOW, given_at__gt=at - LATELY).count()
