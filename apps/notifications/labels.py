"""Kinds of messages as people name them."""

from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Any] = {
    "session_reuse": _("suspicious sign-in"),
    "phone_changed": _("number changed"),
    "phone_move_asked": _("number asked to change"),
    "new_device": _("new device"),
    "welcome": _("welcome"),
    "bonus_accrued": _("bonuses accrued"),
    "bonus_spent": _("bonuses spent"),
    "receipt": _("receipt"),
    "refund": _("return"),
    "tier_up": _("tier rose"),
    "tier_down": _("tier fell"),
    "tier_at_risk": _("tier at risk"),
    "bonuses_expiring": _("bonuses lapse soon"),
    "gift_received": _("gift received"),
    "bonus_added": _("bonuses added by hand"),
    "bonus_removed": _("bonuses removed by hand"),
    "referral_rewarded": _("invitation rewarded"),
    "badge_earned": _("badge earned"),
    "coupon_claimed": _("coupon claimed"),
    "coupon_gift": _("coupon as a gift"),
    "event_approved": _("event: proposal approved"),
    "event_rejected": _("event: proposal rejected"),
    "event_changes_wanted": _("event: changes wanted"),
    "event_supported": _("event: proposal supported"),
    "event_fell_short": _("event: too few votes"),
    "event_taken_on": _("event: proposal taken on"),
    "event_declined": _("event: proposal declined"),
    "event_taken_down": _("event: proposal taken down"),
    "event_withdrawn": _("event: proposal withdrawn"),
    "event_vote_again": _("event: vote again"),
    "event_registered": _("event: registered"),
    "event_waitlisted": _("event: on the waiting list"),
    "event_seat_offered": _("event: seat offered"),
    "event_seat_given": _("event: seat given"),
    "event_removed": _("event: place lost"),
    "event_changed": _("event: changed"),
    "event_cancelled": _("event: cancelled"),
    "event_reminder": _("event: reminder"),
    "event_entries_doubtful": _("event: entries to look at"),
    "event_answered": _("event: the host answered"),
    "statement_ready": _("statement of settlement"),
    "gift_sent": _("gift that she sent"),
    "offer_budget_low": _("offer nearly used up"),
    "export_ready": _("table is ready"),
    "weekly_digest": _("weekly letter"),
    "broadcast": _("broadcast"),
    "announcement": _("announcement"),
}


def kind_name(code: str) -> str:
    """The name of a kind; its code where it has none."""
    return str(LABELS.get(code, code))
