"""Guests of one business as its owner may see them: what they did here, nothing of elsewhere."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import Count, Max, Min, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import TierCode
from apps.accounts.models import User
from apps.accounts.queries import surrogates_of
from apps.analytics import rfm_queries
from apps.analytics.enums import Segment
from apps.analytics.models import ChurnRisk
from apps.backoffice.queries import PAID
from apps.businesses.models import Business
from apps.core import clickhouse
from apps.transactions.models import Status, Transaction
from apps.transactions.queries import sales_at

FILTERS = ("q", "tier", "segment", "last", "sort")
# How long ago she was here: name → (days from, days to); None has no end.
LAST: dict[str, tuple[int, int | None]] = {
    "30": (0, 30),
    "90": (30, 90),
    "180": (90, 180),
    "more": (180, None),
}
LAST_WORDS = {
    "30": _("within 30 days"),
    "90": _("31 to 90 days ago"),
    "180": _("91 to 180 days ago"),
    "more": _("more than 180 days ago"),
}
SORTS = {"last": "-last", "spent": "-spent", "visits": "-visits"}
SEGMENT_KEPT = 600  # seconds: the reckoning is nightly
SALES_SHOWN = 8


@dataclass(frozen=True)
class Wanted:
    """Which guests; empty is any. `q`: the beginning of a first name, or the last signs of a card."""

    q: str = ""
    tier: str = ""
    segment: str = ""
    last: str = ""
    sort: str = "last"


@dataclass(frozen=True)
class Guest:
    """What she did here: days with purchases, ₽ that stayed in the till, first and last time."""

    member: User
    visits: int
    receipts: int
    spent: Decimal
    first: datetime
    last: datetime
    segment: str = ""

    @property
    def average(self) -> Decimal:
        return self.spent / self.receipts if self.receipts else Decimal(0)


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """The filters of an address; what is not known is left out."""
    given = {name: query.get(name, "").strip()[:40] for name in FILTERS}
    return Wanted(
        q=given["q"],
        tier=given["tier"] if given["tier"] in TierCode.values else "",
        segment=given["segment"] if given["segment"] in Segment.values else "",
        last=given["last"] if given["last"] in LAST else "",
        sort=given["sort"] if given["sort"] in SORTS else "last",
    )


def guests_of(business: Business, wanted: Wanted, *, at: datetime) -> QuerySet[Any, Any]:
    """A row a guest, to be paged. Raises clickhouse.Unavailable when a segment is asked for and
    its store is away."""
    rows = Transaction.objects.filter(business=business).exclude(status=Status.REFUNDED)
    if wanted.tier:
        rows = rows.filter(member__tier__code=wanted.tier)
    if wanted.q.isdecimal():
        rows = rows.filter(member__card_number__endswith=wanted.q)
    elif wanted.q:
        rows = rows.filter(member__first_name__istartswith=wanted.q)
    if wanted.segment:
        rows = rows.filter(member__in=_members_in(business, wanted.segment))
    found: QuerySet[Any, Any] = rows.order_by().values("member").annotate(**_sums(business))
    if wanted.last:
        since, until = LAST[wanted.last]
        span = {"last__lte": at - timedelta(days=since)}
        if until:
            span["last__gt"] = at - timedelta(days=until)
        found = found.filter(**span)
    return found.order_by(SORTS[wanted.sort], "-member")


def _sums(business: Business) -> dict[str, Any]:
    day = TruncDate("occurred_at", tzinfo=ZoneInfo(business.zone))
    return {
        "visits": Count(day, distinct=True),
        "receipts": Count("pk"),
        "spent": Sum(PAID, default=Decimal(0)),
        "first": Min("occurred_at"),
        "last": Max("occurred_at"),
    }


def with_people(business: Business, rows: Sequence[Mapping[str, Any]]) -> list[Guest]:
    """The guests of these rows, in their order; two statements, and one of ClickHouse."""
    people = User.objects.select_related("tier").in_bulk([row["member"] for row in rows])
    segments = segments_of(business, list(people))
    names = ("visits", "receipts", "spent", "first", "last")
    return [
        Guest(
            member=people[row["member"]],
            segment=segments.get(row["member"], ""),
            **{name: row[name] for name in names},
        )
        for row in rows
    ]


CHUNK = 1000


def file_rows(business: Business, rows: QuerySet[Any, Any]) -> Iterator[list[Any]]:
    """The rows of a file, the heading first. No phone, no whole name."""
    yield [
        str(word)
        for word in (
            _("Guest"),
            _("End of the card"),
            _("Status"),
            _("Visits"),
            _("Receipts"),
            _("Paid here, ₽"),
            _("First visit"),
            _("Last visit"),
            _("Segment"),
        )
    ]
    zone = ZoneInfo(business.zone)
    found = iter(rows.iterator(chunk_size=CHUNK))
    while part := list(islice(found, CHUNK)):
        for one in with_people(business, part):
            gone = one.member.erased_at is not None
            yield [
                str(_("data deleted")) if gone else one.member.short_name,
                "" if gone else one.member.card_number[-4:],
                "" if gone else one.member.tier.name,
                one.visits,
                one.receipts,
                one.spent,
                one.first.astimezone(zone).date(),
                one.last.astimezone(zone).date(),
                one.segment,
            ]


# --- segments of the newest night --------------------------------------------------------------
IN_SEGMENT = """
SELECT member FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND segment = {segment:String}
"""
SEGMENTS = """
SELECT member, segment FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND member IN {members:Array(UUID)}
"""


def segments_of(business: Business, members: Collection[UUID]) -> dict[UUID, str]:
    """Member → the words of her segment; empty before the first night and while ClickHouse is
    away: a list of guests is shown without it rather than not at all."""
    newest = rfm_queries.snapshot_of(business=business) if members else None
    if newest is None:
        return {}
    by_surrogate = {one: UUID(pk) for pk, one in surrogates_of(map(str, members)).items()}
    try:
        rows = clickhouse.read(
            "backoffice.segments",
            SEGMENTS,
            day=newest.day,
            members=[str(one) for one in by_surrogate],
            **rfm_queries.scope_of(business),
        )
    except clickhouse.Unavailable:
        return {}
    return {by_surrogate[one]: str(Segment(segment).label) for one, segment in rows}


def _members_in(business: Business, segment: str) -> list[UUID]:
    """Guests of a segment as of the newest night, remembered for ten minutes. Raises
    clickhouse.Unavailable."""
    newest = rfm_queries.snapshot_of(business=business)
    if newest is None:
        return []
    key = f"guests:{business.pk}:{newest.day}:{segment}"
    kept: list[UUID] | None = cache.get(key)
    if kept is None:
        rows = clickhouse.read(
            "backoffice.in_segment",
            IN_SEGMENT,
            day=newest.day,
            segment=segment,
            **rfm_queries.scope_of(business),
        )
        wanted = {row[0] for row in rows}
        here = Transaction.objects.filter(business=business).order_by().values("member").distinct()
        everybody = surrogates_of(str(row["member"]) for row in here)
        kept = [UUID(pk) for pk, surrogate in everybody.items() if surrogate in wanted]
        cache.set(key, kept, SEGMENT_KEPT)
    return kept


# --- one guest ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class OneGuest:
    """A guest with her last sales here, and what is guessed about her leaving."""

    guest: Guest
    bonus_accrued: Decimal
    bonus_spent: Decimal
    sales: Sequence[Transaction]
    risk: ChurnRisk | None


def one_guest(business: Business, member_id: UUID) -> OneGuest | None:
    """None for whoever never bought here: she may not know that there is such a member."""
    rows = Transaction.objects.filter(business=business, member=member_id)
    found = list(
        rows.exclude(status=Status.REFUNDED)
        .order_by()
        .values("member")
        .annotate(accrued=Sum("bonus_accrued"), used=Sum("bonus_spent"), **_sums(business))
    )
    if not found:
        return None
    [row] = found
    [guest] = with_people(business, found)
    return OneGuest(
        guest=guest,
        bonus_accrued=row["accrued"],
        bonus_spent=row["used"],
        sales=list(
            sales_at(business)
            .filter(member=member_id)
            .order_by("-occurred_at", "-pk")[:SALES_SHOWN]
        ),
        risk=ChurnRisk.objects.filter(business=business, member=member_id).first(),
    )
