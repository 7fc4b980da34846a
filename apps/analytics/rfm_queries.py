"""Who stands where by recency, frequency and money: reckoned now, or read from a snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.queries import surrogates_of
from apps.analytics import door, rules, sql
from apps.analytics.enums import Segment
from apps.analytics.models import Snapshot
from apps.businesses.models import Business
from apps.core import clickhouse

NOBODY = UUID(int=0)  # stands for the network where a business would stand
MOVED_DAYS = 30


@dataclass(frozen=True)
class RFMSegment:
    """Where a guest stands on `day`. Recency is days since her last purchase, frequency days with
    purchases and money ₽ kept by the till in 365 days. Scores 1…5; 0 without any purchase."""

    segment: Segment
    day: date
    r: int = 0
    f: int = 0
    m: int = 0
    recency: int | None = None
    frequency: int = 0
    money: Decimal = Decimal("0.00")
    population: int = 0
    method: str = ""


@dataclass(frozen=True)
class Guest:
    """A row of the reckoning. `member` is her surrogate id; money in ₽."""

    member: UUID
    recency: int
    frequency: int
    money: Decimal
    r: int
    f: int
    m: int
    segment: str
    population: int
    method: str


def scope_of(business: Business | None) -> dict[str, str]:
    """How snapshots name a scope."""
    if business is None:
        return {"scope": "network", "of": str(NOBODY)}
    return {"scope": "business", "of": str(business.pk)}


def horizon(*, business: Business | None, day: date) -> int:
    """Days without a purchase after which a guest of this scope counts as gone.

    Raises clickhouse.Unavailable."""
    [(gap, gaps)] = door.read("gaps", sql.GAPS, business, day=day)
    return rules.horizon_of(gap if gaps else None)


def terms(*, business: Business | None, day: date) -> dict[str, Any]:
    """What the statement is bound to. Raises clickhouse.Unavailable."""
    recency, visits = rules.FIXED[business.category if business else "network"]
    return {
        "day": day,
        "horizon": horizon(business=business, day=day),
        "recency_edges": list(recency),
        "visit_edges": list(visits),
        "grid": [str(cell.value) for row in rules.GRID for cell in row],
    }


def guests(*, business: Business | None, day: date) -> list[Guest]:
    """Everybody with a purchase by the end of `day`, reckoned from facts now.

    Raises clickhouse.Unavailable."""
    rows = door.read("rfm", sql.RFM, business, **terms(business=business, day=day))
    return [Guest(*row) for row in rows]


def snapshot_of(*, business: Business | None, on: date | None = None) -> Snapshot | None:
    """The newest snapshot of a scope, or the one of a day. From PostgreSQL."""
    rows = Snapshot.objects.filter(kind=Snapshot.Kind.RFM, business=business)
    if on:
        rows = rows.filter(day=on)
    return rows.order_by("-day").first()


def moves(*, business: Business | None, day: date) -> list[tuple[str, str, int]] | None:
    """Guests by segment 30 days before and on `day`; None while ClickHouse is down."""
    since = day - timedelta(days=MOVED_DAYS)
    try:
        rows = clickhouse.read(
            "analytics.rfm_moves", sql.RFM_MOVES, day=day, since=since, **scope_of(business)
        )
    except clickhouse.Unavailable:
        return None
    return [(row[0], row[1], row[2]) for row in rows]


def standing_of(*, member: User, business: Business | None) -> RFMSegment | None:
    """Where she stood in the newest snapshot; None before the first one.

    Raises clickhouse.Unavailable."""
    newest = snapshot_of(business=business)
    if newest is None:
        return None
    surrogate = surrogates_of([str(member.pk)])[str(member.pk)]
    rows = clickhouse.read(
        "analytics.rfm_of",
        sql.RFM_OF,
        day=newest.day,
        member=str(surrogate),
        **scope_of(business),
    )
    if not rows:
        return RFMSegment(Segment.PROSPECT, newest.day)
    [(segment, r, f, m, recency, frequency, money, population, method)] = rows
    return RFMSegment(
        Segment(segment), newest.day, r, f, m, recency, frequency, money, population, method
    )


def standing_now(*, member: User, business: Business | None, day: date) -> RFMSegment:
    """Where she stands among all guests, reckoned from facts. Raises clickhouse.Unavailable."""
    surrogate = surrogates_of([str(member.pk)])[str(member.pk)]
    for one in guests(business=business, day=day):
        if one.member == surrogate:
            scores = (one.r, one.f, one.m, one.recency, one.frequency, one.money)
            return RFMSegment(Segment(one.segment), day, *scores, one.population, one.method)
    return RFMSegment(Segment.PROSPECT, day)


def members_by_surrogate() -> Iterator[tuple[UUID, str]]:
    """Surrogate id → member id, for commands whose reader may see members."""
    ids = [str(pk) for pk in User.objects.values_list("pk", flat=True)]
    for start in range(0, len(ids), 10_000):
        for member, surrogate in surrogates_of(ids[start : start + 10_000]).items():
            yield surrogate, member


def members_of(surrogates: set[UUID]) -> Iterator[tuple[UUID, str]]:
    """Those of `members_by_surrogate` who are asked for. For jobs: it walks over everybody."""
    return (pair for pair in members_by_surrogate() if pair[0] in surrogates)
