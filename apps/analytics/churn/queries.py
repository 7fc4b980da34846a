"""Histories of guests out of facts, models and risks out of PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from apps.accounts.models import User
from apps.analytics import door
from apps.analytics.churn import rules, sql
from apps.analytics.churn.rules import History
from apps.analytics.models import ChurnModel, ChurnRisk, Snapshot
from apps.analytics.rfm_queries import horizon as horizon_of
from apps.businesses.models import Business

NOBODY = UUID(int=0)
LEARN_FROM = 200_000  # rows at most; of a larger scope a share of the guests by hash
AT_ONCE = 50_000  # guests whose scores are reckoned together


@dataclass(frozen=True)
class Scope:
    """The network (no business) or one partner, as of the end of a day."""

    business: Business | None
    on: date
    horizon: int
    first: date
    guests: int

    @property
    def active(self) -> int:
        """Days within which a guest has bought, for her to be asked about."""
        return rules.active_days(self.horizon)

    @property
    def newest(self) -> date:
        """The newest cut whose window is complete."""
        return self.on - timedelta(days=self.horizon)

    @property
    def kind(self) -> str:
        return ChurnModel.Scope.BUSINESS if self.business else ChurnModel.Scope.NETWORK

    def cuts(self) -> list[date]:
        """Complete cuts, newest first: enough to train a report of the newest one as well."""
        more = -(-self.horizon // rules.CUT_STEP)
        return rules.cuts_until(self.newest, first=self.first, count=rules.MOST_CUTS + more)

    def known_at_newest(self, cut: date) -> bool:
        """Its window was complete when the newest cut was today."""
        return cut + timedelta(days=self.horizon) <= self.newest


def scope_of(*, business: Business | None, on: date) -> Scope | None:
    """None when nobody has bought there by that day. Raises clickhouse.Unavailable."""
    [(first, guests, purchases)] = door.read("churn_extent", sql.EXTENT, business, day=on)
    if not purchases:
        return None
    return Scope(business, on, horizon_of(business=business, day=on), first, guests)


def histories(
    scope: Scope, cuts: list[date], *, parts: int = 1, part: int = 0, member: UUID = NOBODY
) -> list[History]:
    """Guests active at each cut, of a share of the guests or of one. Raises
    clickhouse.Unavailable."""
    rows = door.read(
        "churn_histories",
        sql.HISTORIES,
        scope.business,
        cuts=cuts,
        until=scope.on,
        horizon=scope.horizon,
        active=scope.active,
        parts=parts,
        part=part,
        who=str(member),
    )
    return [History(*row) for row in rows]


def has_bought(scope: Scope, *, member: UUID) -> bool:
    """Whether she ever bought there. Raises clickhouse.Unavailable."""
    [(count,)] = door.read(
        "churn_bought", sql.BOUGHT, scope.business, day=scope.on, member=str(member)
    )
    return bool(count)


def to_learn_from(scope: Scope) -> list[History]:
    """Guests at all complete cuts. Raises clickhouse.Unavailable."""
    cuts = scope.cuts()
    parts = 1 + scope.guests * len(cuts) // LEARN_FROM
    return histories(scope, cuts, parts=parts) if cuts else []


def to_score(scope: Scope) -> Iterator[list[History]]:
    """Guests active on the day itself, some at a time. Raises clickhouse.Unavailable."""
    parts = 1 + scope.guests // AT_ONCE
    for part in range(parts):
        yield histories(scope, [scope.on], parts=parts, part=part)


def alike(scope: Scope, *, day: date) -> list[tuple[int, int, int, int]]:
    """All guests by repeat days, days to the last purchase, days to `day`, and how many are so.
    Raises clickhouse.Unavailable."""
    parts = 1 + scope.guests // LEARN_FROM
    rows = door.read("churn_alike", sql.ALIKE, scope.business, day=day, parts=parts)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def published(kind: str, *, at: date | None = None) -> ChurnModel | None:
    """The model that is in force; `at`: the newest of that day or before."""
    rows = ChurnModel.objects.filter(scope=kind, published_at__isnull=False)
    if at:
        rows = rows.filter(fitted_on__lte=at)
    return rows.order_by("-fitted_on", "-published_at").first()


def risks(business: Business | None) -> QuerySet[ChurnRisk]:
    """Guests whose leaving would cost most, first. From PostgreSQL."""
    return ChurnRisk.objects.filter(business=business).select_related("member").order_by("rank")


def newest(kind: str, *, business: Business | None) -> Snapshot | None:
    """The newest night of a kind. From PostgreSQL."""
    return Snapshot.objects.filter(kind=kind, business=business).order_by("-day").first()


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What is guessed about a member, for herself."""
    rows = ChurnRisk.objects.filter(member=member).order_by("pk")
    guesses = rows.values("day", "probability", "band", "reasons", place=F("business__name"))
    return {"risk_of_leaving": list(guesses)}
