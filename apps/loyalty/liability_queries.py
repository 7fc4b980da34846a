"""Unspent bonuses by issuer, month of expiry and age: what may still have to be paid for. Decimal ₽."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from apps.businesses.models import Business
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import settlement_sql
from apps.loyalty.settlement_queries import BP, ZERO, rows_of


@dataclass(frozen=True)
class LiabilityRow:
    """Unspent bonuses of one issuer that lapse in one month (`month` is its first day), ₽."""

    issuer_id: UUID
    issuer: str
    month: date
    pending: Decimal
    available: Decimal
    held: Decimal

    @property
    def total(self) -> Decimal:
        return self.pending + self.available + self.held


@dataclass(frozen=True)
class Ageing:
    """Unspent bonuses of one issuer by their age from the purchase, ₽, and the share of its bonuses
    that were spent among those whose life ended within a year; None when none did."""

    issuer_id: UUID
    up_to_30: Decimal
    up_to_90: Decimal
    older: Decimal
    spent_share: Decimal | None


@dataclass(frozen=True)
class Issuer:
    """One issuer's unspent bonuses; `expected` is what will probably be spent of them, ₽."""

    id: UUID
    name: str
    rows: tuple[LiabilityRow, ...]
    ageing: Ageing
    expected: Decimal | None

    @property
    def total(self) -> Decimal:
        return sum((row.total for row in self.rows), ZERO)


@dataclass(frozen=True)
class Liability:
    """What the network and its partners may still have to pay for."""

    at: datetime
    rows: tuple[LiabilityRow, ...]
    ageing: dict[UUID, Ageing]

    @property
    def total(self) -> Decimal:
        return sum((row.total for row in self.rows), ZERO)

    @property
    def by_issuer(self) -> list["Issuer"]:
        """Rows gathered by issuer, by name."""
        found: dict[UUID, list[LiabilityRow]] = {}
        for row in self.rows:
            found.setdefault(row.issuer_id, []).append(row)
        return [
            Issuer(pk, rows[0].issuer, tuple(rows), self.ageing[pk], self.expected(pk))
            for pk, rows in found.items()
        ]

    def total_of(self, issuer_id: UUID) -> Decimal:
        return sum((row.total for row in self.rows if row.issuer_id == issuer_id), ZERO)

    def expected(self, issuer_id: UUID) -> Decimal | None:
        """What will probably be spent of an issuer's total, by its own last year."""
        aged = self.ageing.get(issuer_id)
        if aged is None or aged.spent_share is None:
            return None
        share = int(aged.spent_share * BP)
        return from_kopecks(to_kopecks(self.total_of(issuer_id)) * share // BP)


def liability(*, at: datetime, business: Business | None = None) -> Liability:
    """Unspent bonuses by issuer and month of expiry, with their age, in two statements of SQL."""
    mine = business.pk if business else None
    rows = [
        LiabilityRow(issuer, name, month, *map(from_kopecks, sums))
        for issuer, name, month, *sums in rows_of(settlement_sql.LIABILITY, {"at": at})
        if mine in (None, issuer)
    ]
    ageing = {}
    for issuer, young, middle, old, spent, ended in rows_of(settlement_sql.AGEING, {"at": at}):
        share = (Decimal(spent) / Decimal(ended)).quantize(Decimal("0.0001")) if ended else None
        ageing[issuer] = Ageing(
            issuer, from_kopecks(young), from_kopecks(middle), from_kopecks(old), share
        )
    return Liability(at, tuple(rows), ageing)
