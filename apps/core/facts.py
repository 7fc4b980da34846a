"""Everything that can happen, as frozen dataclasses: the page to read second.

A fact is in the past tense and carries ids and strings frozen at that moment, never a model.
Sums are strings of roubles, moments are ISO 8601 in UTC, ids are strings, counts are numbers.
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
    """A person is new here. `referral_code` is what she typed at her first sign-in, unchecked;
    `device_hash` a digest of her device's id, empty when it told none."""

    member_id: str
    at: str
    referral_code: str = ""
    device_hash: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberErased(Fact):
    """She is no more: whoever keeps something personal beside her id clears it. Books stay."""

    member_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberBlocked(Fact):
    """She was shut out. Whoever hears it looks whether she still is: it may have been taken back."""

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
class PhoneChanged(Fact):
    """She has another number and was signed out everywhere but there: her devices are told."""

    member_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhoneMoveAsked(Fact):
    """From `due_at` she has another number, unless one of her devices or the old number objects."""

    member_id: str
    at: str
    due_at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewDeviceSignedIn(Fact):
    """A device she had not used before signed in to her account."""

    member_id: str
    session_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionReuseDetected(Fact):
    """A spent refresh token came back: the session was closed, its owner should be told."""

    member_id: str
    session_id: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PurchaseRefunded(Fact):
    """Goods came back, whole or in part. Sums of this return alone: `amount` of the receipt's
    total, `money` handed back, `bonus_taken` from what was earned, `bonus_returned` of what was
    spent. `is_whole`: nothing of the receipt is left."""

    transaction_id: str
    refund_id: str
    business_id: str
    member_id: str
    amount: str
    money: str
    bonus_taken: str
    bonus_returned: str
    occurred_at: str
    zone: str
    source: str
    category: str = ""
    is_whole: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class BonusesExpiring(Fact):
    """What lapses at `expires_at` unless it is spent; said `days_left` days before (14, 3)."""

    member_id: str
    amount: str
    expires_at: str
    days_left: int
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TierAtRisk(Fact):
    """She falls one step at `falls_at` unless she pays `to_keep` ₽; said 60, 30, 7 days before."""

    member_id: str
    tier: str
    falls_to: str
    to_keep: str
    falls_at: str
    days_left: int
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class GiftReceived(Fact):
    gift_id: str
    member_id: str
    from_member_id: str
    amount: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class BonusAdjusted(Fact):
    """An admin moved her balance by hand: signed `amount`."""

    member_id: str
    amount: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReferralRewarded(Fact):
    """`role` is inviter or invited."""

    referral_id: str
    member_id: str
    role: str
    amount: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class BadgeEarned(Fact):
    award_id: str
    member_id: str
    badge: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class StatementClosed(Fact):
    """A month's mutual settlement is ready for this business to confirm. `net` is signed ₽."""

    statement_id: str
    business_id: str
    month: str
    net: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfferBudgetLow(Fact):
    """A purchase brought an offer past 80 % of its budget: its owner should know. Sums in ₽. After
    a return it may be told again."""

    offer_id: str
    business_id: str
    name: str
    used: str
    budget: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CouponIssued(Fact):
    """`origin` is campaign, claim or chain; `business_id` is where it is good."""

    coupon_id: str
    campaign_id: str | None
    member_id: str
    business_id: str
    origin: str
    valid_to: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CouponRedeemed(Fact):
    coupon_id: str
    campaign_id: str | None
    member_id: str
    business_id: str
    transaction_id: str | None
    discount: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromoSkipped(Fact):
    """A fault in a chain's evaluation: the sale stands, nobody got a coupon. `reason` is a class
    name, never data."""

    transaction_id: str
    reason: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventVoted(Fact):
    event_id: str
    member_id: str
    value: int
    weight: int
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventModerated(Fact):
    """What became of a proposal. To the creator: approve, reject, request_changes, supported,
    fell_short, taken_on, declined, taken_down; to each voter: withdrawn, votes_cleared; to whoever
    rated the event: answered. `title`, here and below: for the messages that name it."""

    event_id: str
    member_id: str
    decision: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventRegistered(Fact):
    """`state` is confirmed or waitlisted."""

    event_id: str
    registration_id: str
    member_id: str
    state: str
    starts_at: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventSeatOffered(Fact):
    event_id: str
    registration_id: str
    member_id: str
    until: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventSeatGiven(Fact):
    """From the waiting list to a confirmed seat, by auto-accept or by her yes."""

    event_id: str
    registration_id: str
    member_id: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventLeft(Fact):
    """She gave her place up, or lost it; `reason` says which."""

    event_id: str
    registration_id: str
    member_id: str
    reason: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventChanged(Fact):
    """Time or place of an event she goes to is another; one fact a registrant."""

    event_id: str
    registration_id: str
    member_id: str
    starts_at: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventCancelled(Fact):
    """One fact a registrant; what she paid came back."""

    event_id: str
    registration_id: str
    member_id: str
    reason: str
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventReminder(Fact):
    event_id: str
    registration_id: str
    member_id: str
    starts_at: str
    hours_left: int
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventEntriesDoubtful(Fact):
    event_id: str
    member_id: str | None  # the organiser; and the owners of the host partner
    business_id: str | None
    scans: int  # entries without a network that want a look
    at: str
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckedIn(Fact):
    event_id: str
    registration_id: str
    member_id: str
    business_id: str | None
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageMoved(Fact):
    """A message to a member was delivered or opened; `state` says which."""

    message_id: str
    member_id: str
    kind: str
    channel: str
    state: str
    at: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportReady(Fact):
    """A long table that she asked for was written."""

    export_id: str
    member_id: str
    rows: int
    at: str


FACTS: dict[str, type[Fact]] = {fact.topic(): fact for fact in Fact.__subclasses__()}
