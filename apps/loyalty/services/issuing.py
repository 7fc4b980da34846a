"""Who issues a bonus: its funder, the network's reserve in its place, or nobody.

A prepaid partner whose deposit is used up, and one that leaves the circle, issue nothing; the sale
itself goes on. The figure is of the last minute (`refresh_exposure`).
"""

from collections.abc import Mapping
from uuid import UUID

import orjson
from django.db import connection

from apps.businesses.queries import network
from apps.loyalty import settlement_sql
from apps.loyalty.balance_cache import drop_after_commit
from apps.loyalty.models import WhenOver
from apps.loyalty.services.books import lock_wallet

Stops = Mapping[str, str]


def lock_wallet_and_stops(member_id: UUID) -> tuple[int, Stops]:
    """The wallet's lock with her debt in kopecks, as `lock_wallet`, and in the same round trip
    which issuers stopped: business id → refuse or reserve. Almost always empty."""
    with connection.cursor() as cursor:
        cursor.execute(settlement_sql.LOCK_AND_STOPS, {"member": member_id})
        row = cursor.fetchone()
    if row is None:
        return lock_wallet(member_id), stops()
    drop_after_commit([member_id])
    given = orjson.loads(row[1]) if isinstance(row[1], str) else row[1]
    return int(row[0]), given or {}


def stops() -> dict[str, str]:
    """Which issuers stopped, in a statement of its own: for batches."""
    with connection.cursor() as cursor:
        cursor.execute(settlement_sql.STOPS)
        return {str(business_id): stop for business_id, stop in cursor.fetchall()}


def issuer_in_place_of(funder_id: UUID, stopped: Stops) -> UUID | None:
    """The funder itself; the network when its reserve takes over; None when nothing is issued."""
    stop = stopped.get(str(funder_id))
    if stop is None:
        return funder_id
    return network().pk if stop == WhenOver.RESERVE else None
