"""What each fact means to whom: facts in, drafts of messages out. Nothing is written here.

A purchase of long ago (an import, a CRM that was away) is no news: nobody is told of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.accounts.models import StatusTier
from apps.businesses.models import Membership, Role
from apps.core import facts
from apps.core.facts import Fact
from apps.notifications.rules import day_text

NEWS_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Draft:
    """One message to write. `values` fill the places of its words and hold ids for the app."""

    kind: str
    member_id: str
    values: dict[str, Any] = field(default_factory=dict)
    business_id: str | None = None


def is_news(moment: str, *, at: datetime) -> bool:
    """Whether it happened within a day."""
    happened = datetime.fromisoformat(moment)
    if happened.tzinfo is None:
        happened = happened.replace(tzinfo=UTC)
    return at - happened < NEWS_FOR


def _joined(fact: facts.MemberJoined) -> Iterator[Draft]:
    yield Draft("welcome", fact.member_id)


def _purchase(fact: facts.PurchaseRecorded) -> Iterator[Draft]:
    values = {
        "transaction": fact.transaction_id,
        "amount": fact.amount,
        "to_pay": fact.to_pay,
        "bonus": fact.bonus_accrued,
        "spent": fact.bonus_spent,
        "when": fact.occurred_at,
    }
    if Decimal(fact.bonus_spent):
        yield Draft("bonus_spent", fact.member_id, values, fact.business_id)
    elif Decimal(fact.bonus_accrued):
        yield Draft("bonus_accrued", fact.member_id, values, fact.business_id)
    yield Draft("receipt", fact.member_id, values, fact.business_id)


def _refund(fact: facts.PurchaseRefunded) -> Iterator[Draft]:
    values = {
        "transaction": fact.transaction_id,
        "money": fact.money,
        "taken": fact.bonus_taken,
        "returned": fact.bonus_returned,
    }
    yield Draft("refund", fact.member_id, values, fact.business_id)


def _tier(fact: facts.TierChanged) -> Iterator[Draft]:
    rows = {row.code: row for row in StatusTier.objects.all()}
    before, after = rows[fact.before], rows[fact.after]
    if before.position != after.position:
        kind = "tier_up" if after.position > before.position else "tier_down"
        yield Draft(kind, fact.member_id, {"tier": after.name})


def _tier_at_risk(fact: facts.TierAtRisk) -> Iterator[Draft]:
    name = StatusTier.objects.get(code=fact.tier).name
    values = {
        "tier": name,
        "to_keep": fact.to_keep,
        "days": fact.days_left,
        "when": day_text(fact.falls_at),
    }
    yield Draft("tier_at_risk", fact.member_id, values)


def _expiring(fact: facts.BonusesExpiring) -> Iterator[Draft]:
    values = {"amount": fact.amount, "days": fact.days_left, "when": fact.expires_at}
    yield Draft("bonuses_expiring", fact.member_id, values)


def _gift(fact: facts.GiftReceived) -> Iterator[Draft]:
    """The giver is told at once: a gift that she did not send shows somebody on her phone."""
    values = {"amount": fact.amount, "gift": fact.gift_id}
    yield Draft("gift_received", fact.member_id, values)
    yield Draft("gift_sent", fact.from_member_id, values)


def _adjusted(fact: facts.BonusAdjusted) -> Iterator[Draft]:
    kind = "bonus_removed" if fact.amount.startswith("-") else "bonus_added"
    yield Draft(kind, fact.member_id, {"amount": fact.amount.lstrip("-")})


def _referral(fact: facts.ReferralRewarded) -> Iterator[Draft]:
    yield Draft("referral_rewarded", fact.member_id, {"amount": fact.amount, "role": fact.role})


def _badge(fact: facts.BadgeEarned) -> Iterator[Draft]:
    yield Draft("badge_earned", fact.member_id, {"badge": fact.badge, "award": fact.award_id})


def _coupon(fact: facts.CouponIssued) -> Iterator[Draft]:
    """What she claimed herself is a service; what the circle gives is advertising."""
    kind = "coupon_claimed" if fact.origin == "claim" else "coupon_gift"
    values = {"coupon": fact.coupon_id, "when": fact.valid_to}
    yield Draft(kind, fact.member_id, values, fact.business_id)


def _statement(fact: facts.StatementClosed) -> Iterator[Draft]:
    values = {"statement": fact.statement_id, "month": fact.month, "net": fact.net}
    yield from _to_owners("statement_ready", fact.business_id, values)


def _budget_low(fact: facts.OfferBudgetLow) -> Iterator[Draft]:
    values = {
        "offer": fact.name,
        "offer_id": fact.offer_id,
        "used": fact.used,
        "budget": fact.budget,
    }
    yield from _to_owners("offer_budget_low", fact.business_id, values)


def _to_owners(kind: str, business_id: str, values: dict[str, Any]) -> Iterator[Draft]:
    """To every owner of the business."""
    owners = Membership.objects.live().filter(business_id=business_id, role=Role.OWNER)
    for owner_id in owners.values_list("user_id", flat=True):
        yield Draft(kind, str(owner_id), values, business_id)


def _export(fact: facts.ExportReady) -> Iterator[Draft]:
    yield Draft("export_ready", fact.member_id, {"rows": str(fact.rows), "export": fact.export_id})


def _reuse(fact: facts.SessionReuseDetected) -> Iterator[Draft]:
    yield Draft("session_reuse", fact.member_id, {"when": fact.at, "session": fact.session_id})


def _phone(fact: facts.PhoneChanged) -> Iterator[Draft]:
    yield Draft("phone_changed", fact.member_id, {"when": fact.at})


def _phone_move(fact: facts.PhoneMoveAsked) -> Iterator[Draft]:
    yield Draft("phone_move_asked", fact.member_id, {"when": fact.at, "until": fact.due_at})


def _new_device(fact: facts.NewDeviceSignedIn) -> Iterator[Draft]:
    yield Draft("new_device", fact.member_id, {"when": fact.at, "session": fact.session_id})


# --- events ----------------------------------------------------------------------------------
MODERATED = {
    "approve": "event_approved",
    "reject": "event_rejected",
    "request_changes": "event_changes_wanted",
    "supported": "event_supported",
    "fell_short": "event_fell_short",
    "taken_on": "event_taken_on",
    "declined": "event_declined",
    "taken_down": "event_taken_down",
    "withdrawn": "event_withdrawn",
    "votes_cleared": "event_vote_again",
    "answered": "event_answered",
}
# Why a place was lost when it was not her own wish: she is told.
NOT_HER_WISH = ("removed", "suspended")


def _about_event(fact: Any, **more: Any) -> dict[str, Any]:
    return {"event": fact.title, "event_id": fact.event_id, **more}


def _moderated(fact: facts.EventModerated) -> Iterator[Draft]:
    yield Draft(MODERATED[fact.decision], fact.member_id, _about_event(fact))


def _registered(fact: facts.EventRegistered) -> Iterator[Draft]:
    kind = "event_registered" if fact.state == "confirmed" else "event_waitlisted"
    yield Draft(kind, fact.member_id, _about_event(fact, when=fact.starts_at))


def _seat_offered(fact: facts.EventSeatOffered) -> Iterator[Draft]:
    yield Draft("event_seat_offered", fact.member_id, _about_event(fact, until=fact.until))


def _seat_given(fact: facts.EventSeatGiven) -> Iterator[Draft]:
    yield Draft("event_seat_given", fact.member_id, _about_event(fact))


def _left(fact: facts.EventLeft) -> Iterator[Draft]:
    if fact.reason in NOT_HER_WISH:
        yield Draft("event_removed", fact.member_id, _about_event(fact))


def _event_changed(fact: facts.EventChanged) -> Iterator[Draft]:
    yield Draft("event_changed", fact.member_id, _about_event(fact, when=fact.starts_at))


def _event_cancelled(fact: facts.EventCancelled) -> Iterator[Draft]:
    yield Draft("event_cancelled", fact.member_id, _about_event(fact))


def _entries_doubtful(fact: facts.EventEntriesDoubtful) -> Iterator[Draft]:
    """To who organises it: the author or curator, and the owners of the host partner."""
    values = _about_event(fact, rows=str(fact.scans))
    if fact.member_id:
        yield Draft("event_entries_doubtful", fact.member_id, values)
    if fact.business_id:
        for draft in _to_owners("event_entries_doubtful", fact.business_id, values):
            if draft.member_id != fact.member_id:
                yield draft


def _reminder(fact: facts.EventReminder) -> Iterator[Draft]:
    yield Draft("event_reminder", fact.member_id, _about_event(fact, when=fact.starts_at))


BY_FACT: dict[type[Fact], Callable[[Any], Iterator[Draft]]] = {
    facts.MemberJoined: _joined,
    facts.PurchaseRecorded: _purchase,
    facts.PurchaseRefunded: _refund,
    facts.TierChanged: _tier,
    facts.TierAtRisk: _tier_at_risk,
    facts.BonusesExpiring: _expiring,
    facts.GiftReceived: _gift,
    facts.BonusAdjusted: _adjusted,
    facts.ReferralRewarded: _referral,
    facts.BadgeEarned: _badge,
    facts.CouponIssued: _coupon,
    facts.StatementClosed: _statement,
    facts.OfferBudgetLow: _budget_low,
    facts.ExportReady: _export,
    facts.SessionReuseDetected: _reuse,
    facts.PhoneChanged: _phone,
    facts.PhoneMoveAsked: _phone_move,
    facts.NewDeviceSignedIn: _new_device,
    facts.EventModerated: _moderated,
    facts.EventRegistered: _registered,
    facts.EventSeatOffered: _seat_offered,
    facts.EventSeatGiven: _seat_given,
    facts.EventLeft: _left,
    facts.EventChanged: _event_changed,
    facts.EventCancelled: _event_cancelled,
    facts.EventReminder: _reminder,
    facts.EventEntriesDoubtful: _entries_doubtful,
}


def of(fact: Fact, *, at: datetime) -> list[Draft]:
    """Drafts of this fact; none when it is stale or was about a tier that did not move."""
    happened = getattr(fact, "occurred_at", None) or getattr(fact, "at", None)
    if happened and not is_news(happened, at=at):
        return []
    drafts = list(BY_FACT[type(fact)](fact))
    return [one for one in drafts if UUID(one.member_id)]
