"""Everything that can happen, as frozen dataclasses: the page to read second.

A fact is in the past tense and carries ids and strings frozen at that moment, never a model.
Sums are strings of roubles, moments are ISO 8601 in UTC, ids are strings.
"""

import dataclasses
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fact:
    """Base of all facts. `topic` is the class name; listeners subscribe by it."""

    version: ClassVar[int] = 1

    @classmethod
    def topic(cls) -> str:
        return cls.__name__

    def as_payload(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberJoined(Fact):
    member_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberErased(Fact):
    """She is no more: whoever keeps something personal beside her id clears it. Books stay."""

    member_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PurchaseRecorded(Fact):
    """A sale is in the books: the till, the API, an import or a CRM brought it."""

    transaction_id: str
    business_id: str
    location_id: str | None
    member_id: str
    category: str
    kind: str
    amount: str
    to_pay: str
    bonus_accrued: str
    bonus_spent: str
    occurred_at: str
    zone: str
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TierChanged(Fact):
    member_id: str
    before: str
    after: str
    reason: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionReuseDetected(Fact):
    """A spent refresh token came back: the session was closed, its owner should be told."""

    member_id: str
    session_id: str
    at: str


FACTS: dict[str, type[Fact]] = {
    fact.topic(): fact
    for fact in (MemberJoined, MemberErased, PurchaseRecorded, TierChanged, SessionReuseDetected)
}
