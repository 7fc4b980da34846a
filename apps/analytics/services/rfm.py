"""Nightly snapshots by recency, frequency and money, each scope by itself."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import door, rfm_queries, rules, sql
from apps.analytics.models import Snapshot
from apps.analytics.rfm_queries import RFMSegment
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.core import clickhouse
from apps.core.errors import NotFound

log = structlog.get_logger(__name__)


def calculate_rfm(user_id: UUID, *, business: Business | None = None) -> RFMSegment:
    """Where she stands in the network, or at one business, by the newest snapshot; before the first
    night reckoned now.

    A member without purchases is a prospect. Raises NotFound for an unknown member,
    clickhouse.Unavailable."""
    member = User.objects.filter(pk=user_id).first()
    if member is None:
        raise NotFound
    standing = rfm_queries.standing_of(member=member, business=business)
    if standing is None:
        today = timezone.localdate()
        return rfm_queries.standing_now(member=member, business=business, day=today)
    return standing


@clickhouse.patient()
def snapshot_rfm(*, business: Business | None, day: date, at: datetime) -> Snapshot:
    """Reckon one scope as of the end of `day` and replace what stood there.

    New rows first, then whoever is no longer in the population, then the mark that it is done: a
    crash between leaves the day unmarked, and the next run does it again.
    Raises clickhouse.Unavailable."""
    scope = rfm_queries.scope_of(business)
    bound = rfm_queries.terms(business=business, day=day)
    door.write("keep_rfm", sql.KEEP_RFM, business, **bound, **scope, rule=rules.RULE_VERSION, at=at)
    older = {**scope, "day": day, "at": at}
    if clickhouse.read("analytics.older_rfm", sql.OLDER_RFM, **older)[0][0]:
        clickhouse.write("analytics.forget_older_rfm", sql.FORGET_OLDER_RFM, **older)
    summary = _summary(day=day, scope=scope) | {"horizon": bound["horizon"]}
    done, _made = Snapshot.objects.update_or_create(
        kind=Snapshot.Kind.RFM,
        business=business,
        day=day,
        defaults={"rows": summary["population"], "summary": summary, "computed_at": at},
    )
    return done


def _summary(*, day: date, scope: dict[str, str]) -> dict[str, Any]:
    rows = clickhouse.read("analytics.rfm_cells", sql.RFM_CELLS, day=day, **scope)
    cells = [
        {"segment": row[0], "r": row[1], "f": row[2], "count": row[5], "money": f"{row[6]:.2f}"}
        for row in rows
    ]
    return {
        "population": sum(cell["count"] for cell in cells),
        "method": rows[0][3] if rows else "",
        "cells": cells,
    }


def snapshot_all(*, day: date, at: datetime) -> int:
    """The network and every partner, as of the end of `day`; what is done already is left alone.

    How many scopes were reckoned now. Raises clickhouse.Unavailable; what was done stays done."""
    done = set(
        Snapshot.objects.filter(kind=Snapshot.Kind.RFM, day=day).values_list("business", flat=True)
    )
    scopes: list[Business | None] = [None, *partners()]
    waiting = [one for one in scopes if (one.pk if one else None) not in done]
    for one in waiting:
        snapshot_rfm(business=one, day=day, at=at)
    log.info("rfm.done", day=str(day), scopes=len(waiting))
    return len(waiting)
