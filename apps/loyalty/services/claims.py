"""What partners owe each other beside bonuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.core.money import to_kopecks
from apps.loyalty.models import Claim


@dataclass(frozen=True)
class Owed:
    """`amount` ₽ that the debtor owes the creditor, `kind` of LineKind: discount or fee."""

    debtor_id: UUID
    creditor_id: UUID
    kind: str
    amount: Decimal


def claim(*, owed: Iterable[Owed], ref: UUID, at: datetime) -> None:
    """Book what a use of a coupon (`ref`) makes partners owe each other; the next close takes it.
    What a partner would owe itself is left out. The caller's transaction books it once."""
    _book(owed, 1, ref=ref, at=at)


def unclaim(*, owed: Iterable[Owed], ref: UUID, at: datetime) -> None:
    """Meet earlier claims by counter-claims: they turned out not to be owed."""
    _book(owed, -1, ref=ref, at=at)


def _book(owed: Iterable[Owed], sign: int, *, ref: UUID, at: datetime) -> None:
    Claim.objects.bulk_create(
        Claim(
            debtor_id=one.debtor_id,
            creditor_id=one.creditor_id,
            kind=one.kind,
            amount=sign * to_kopecks(one.amount),
            ref=ref,
            recorded_at=at,
        )
        for one in owed
        if one.debtor_id != one.creditor_id and one.amount
    )
