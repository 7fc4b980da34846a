"""Numbers of the programme: one row."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from apps.accounts import freshness
from apps.accounts.models import User
from apps.core.admin_base import ReasonedAdmin
from apps.loyalty import services
from apps.loyalty.models import LoyaltySettings


@admin.register(LoyaltySettings)
class LoyaltySettingsAdmin(ReasonedAdmin):
    """Admins change them with a reason; what one admin moves alone, the superadmin sets."""

    list_display = ["__str__", "life_days", "gift_a_day", "adjust_alone", "referral_inviter"]
    fields = [
        "life_days",
        "warn_days",
        "last_warn_days",
        "hold_minutes",
        "bonus_share",
        "tier_grace_days",
        "gift_a_day",
        "adjust_alone",
        "referral_inviter",
        "referral_invited",
        "referral_least",
        "referral_pending_days",
        "referral_lapse_days",
        "referral_a_month",
        "reason",
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if services.may_set_limits(request.user) else ["adjust_alone"]

    def update(
        self, row: LoyaltySettings, *, changes: dict[str, Any], by: User, reason: str
    ) -> None:
        services.change_loyalty_settings(changes=changes, by=by, reason=reason)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_change_permission(request):
            away = freshness.stale(request, services.CHANGE_SETTINGS, back=request.path)
            if away:
                return away
        return super().changeform_view(request, *args, **kwargs)
