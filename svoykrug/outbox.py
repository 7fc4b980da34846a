"""Who hears which fact: the one dictionary. Names are imported by a system check at start.

A listener is called as `listener(fact, *, message_id)` and must be idempotent by the message id.
The suffix `@batch` marks one whose app collects its deliveries in batches.
"""

LISTENERS: dict[str, list[str]] = {
    "GiftReceived": ["apps.loyalty.consumers.gift_received"],
    "EventVoted": ["apps.loyalty.consumers.event_voted"],
    "CheckedIn": ["apps.loyalty.consumers.checked_in"],
    "ReferralRewarded": ["apps.loyalty.consumers.referral_rewarded"],
    "PurchaseRefunded": [
        "apps.analytics.loader.TRANSACTION_FACTS@batch",
        "apps.loyalty.consumers.purchase_refunded",
    ],
    "MemberBlocked": ["apps.events.consumers.member_blocked"],
    "MemberErased": [
        "apps.analytics.consumers.member_erased",
        "apps.events.consumers.member_erased",
        "apps.businesses.consumers.member_erased",
        "apps.coupons.consumers.member_erased",
        "apps.loyalty.consumers.member_erased",
        "apps.notifications.consumers.member_erased",
        "apps.crm.consumers.member_erased",
    ],
    "MemberJoined": ["apps.crm.consumers.member_joined", "apps.loyalty.consumers.member_joined"],
    "TierChanged": ["apps.crm.consumers.tier_changed"],
    "PurchaseRecorded": [
        "apps.analytics.loader.TRANSACTION_FACTS@batch",
        "apps.loyalty.consumers.purchase_recorded",
    ],
}

# What members are told of: apps/notifications/drafts.py says what each means to whom.
TOLD = (
    "BadgeEarned",
    "BonusAdjusted",
    "BonusesExpiring",
    "CouponIssued",
    "EventCancelled",
    "EventChanged",
    "EventEntriesDoubtful",
    "EventLeft",
    "EventModerated",
    "EventRegistered",
    "EventReminder",
    "EventSeatGiven",
    "EventSeatOffered",
    "ExportReady",
    "GiftReceived",
    "MemberJoined",
    "NewDeviceSignedIn",
    "OfferBudgetLow",
    "PhoneChanged",
    "PhoneMoveAsked",
    "PurchaseRecorded",
    "PurchaseRefunded",
    "ReferralRewarded",
    "SessionReuseDetected",
    "StatementClosed",
    "TierAtRisk",
    "TierChanged",
)
for _topic in TOLD:
    LISTENERS.setdefault(_topic, []).append("apps.notifications.consumers.heard")

# What members do beside buying.
for _topic in (
    "EventRegistered",
    "CheckedIn",
    "EventVoted",
    "CouponIssued",
    "CouponRedeemed",
    "MessageMoved",
):
    LISTENERS.setdefault(_topic, []).append("apps.analytics.engagement.ENGAGEMENT_FACTS@batch")
