"""What loyalty does when it hears a fact. Hearing twice changes nothing twice."""

from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Refused
from apps.core.facts import (
    CheckedIn,
    EventVoted,
    GiftReceived,
    MemberErased,
    MemberJoined,
    PurchaseRecorded,
    PurchaseRefunded,
    ReferralRewarded,
)
from apps.loyalty import services

log = structlog.get_logger(__name__)


def member_joined(fact: MemberJoined, *, message_id: UUID) -> None:
    """What she typed at her first sign-in; a wrong code is no reason to try again."""
    member = User.objects.filter(pk=fact.member_id, erased_at__isnull=True).first()
    if not fact.referral_code or member is None:
        return
    try:
        services.accept_invitation(
            member=member,
            code=fact.referral_code,
            at=datetime.fromisoformat(fact.at),
            device_hash=fact.device_hash,
        )
    except Refused as refused:
        log.info("loyalty.invitation_refused", member=fact.member_id, because=refused.code)


def purchase_recorded(fact: PurchaseRecorded, *, message_id: UUID) -> None:
    occurred_at = datetime.fromisoformat(fact.occurred_at)
    services.reward_referral(
        invited_id=UUID(fact.member_id),
        sale=fact.transaction_id,
        occurred_at=occurred_at,
        at=timezone.now(),
    )
    services.judge_badges(member_id=UUID(fact.member_id), at=timezone.now())


def purchase_refunded(fact: PurchaseRefunded, *, message_id: UUID) -> None:
    at = timezone.now()
    services.revoke_referral(sale=fact.transaction_id, at=at)
    services.judge_badges(member_id=UUID(fact.member_id), at=at)


def referral_rewarded(fact: ReferralRewarded, *, message_id: UUID) -> None:
    services.judge_badges(member_id=UUID(fact.member_id), at=timezone.now())


def checked_in(fact: CheckedIn, *, message_id: UUID) -> None:
    _mark(fact.member_id, "events", fact.event_id, fact.at)


def event_voted(fact: EventVoted, *, message_id: UUID) -> None:
    _mark(fact.member_id, "voice", fact.event_id, fact.at)


def gift_received(fact: GiftReceived, *, message_id: UUID) -> None:
    _mark(fact.from_member_id, "gift", fact.gift_id, fact.at)


def _mark(member_id: str, badge: str, key: str, at: str) -> None:
    services.mark_badge(
        member_id=UUID(member_id), badge=badge, key=key, at=datetime.fromisoformat(at)
    )


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Her wallet is closed, words of gifts, code and devices go. An empty wallet stays as it is."""
    member_id = UUID(fact.member_id)
    services.close_wallet(member_id=member_id, at=datetime.fromisoformat(fact.at))
    services.forget_messages(member_id=member_id)
    services.forget_referrals(member_id=UUID(fact.member_id))
