"""What each fact is called by people: in the admin's lists of messages and deliveries."""

from typing import Any

from django.utils.translation import gettext_lazy as _

NAMES: dict[str, Any] = {
    "MemberJoined": _("a member joined"),
    "MemberErased": _("a member's data was erased"),
    "MemberBlocked": _("a member was blocked"),
    "PurchaseRecorded": _("a purchase was recorded"),
    "PurchaseRefunded": _("a purchase was returned"),
    "TierChanged": _("a tier changed"),
    "TierAtRisk": _("a tier is at risk"),
    "PhoneChanged": _("a phone changed"),
    "PhoneMoveAsked": _("a new phone was asked for"),
    "NewDeviceSignedIn": _("a sign-in from a new device"),
    "SessionReuseDetected": _("a suspicious sign-in"),
    "BonusesExpiring": _("bonuses lapse soon"),
    "GiftReceived": _("a gift was received"),
    "BonusAdjusted": _("a balance was adjusted"),
    "ReferralRewarded": _("an invitation was rewarded"),
    "BadgeEarned": _("a badge was earned"),
    "StatementClosed": _("a month of settlement was closed"),
    "OfferBudgetLow": _("an offer's budget runs out"),
    "CouponIssued": _("a coupon was issued"),
    "CouponRedeemed": _("a coupon was redeemed"),
    "PromoSkipped": _("a chain gave no coupon"),
    "EventVoted": _("a vote was cast"),
    "EventModerated": _("a proposal was decided about"),
    "EventRegistered": _("a registration for an event"),
    "EventSeatOffered": _("a seat was offered"),
    "EventSeatGiven": _("a seat was given"),
    "EventLeft": _("a place at an event was given up"),
    "EventChanged": _("an event was changed"),
    "EventCancelled": _("an event was cancelled"),
    "EventReminder": _("a reminder of an event"),
    "EventEntriesDoubtful": _("entries to an event want a look"),
    "CheckedIn": _("a guest came to an event"),
    "MessageMoved": _("a message was delivered or opened"),
    "ExportReady": _("a table is ready"),
}


def fact_name(topic: str) -> str:
    """`покупка записана` of `PurchaseRecorded`; the topic itself of a fact that is told no more."""
    return str(NAMES.get(topic, topic))
