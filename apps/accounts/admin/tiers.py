"""The tiers: their terms with all versions, and who moved when."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from apps.accounts import services
from apps.accounts.models import StatusTier, TierChange, TierVersion, User
from apps.core.admin_base import (
    AmountField,
    ReadonlyInline,
    ReasonedAdmin,
    ReasonedForm,
    code,
    column,
    link,
    moment,
    roubles,
)

TIER_REASONS = {
    "reached": _("paid enough"),
    "fell_short": _("paid too little for too long"),
    "by_hand": _("set by hand"),
    "invited": _("invited"),
}


def tier_badge(tier: StatusTier) -> str:
    """Always with the word: colour alone says nothing."""
    return format_html('<span class="sk-tier sk-tier-{}">{}</span>', tier.code, tier.name)


class TierChangeInline(ReadonlyInline):
    """Where she stood before: receipts of those days that come late earn by it."""

    model = TierChange
    fields = ["when", "left", "reached", "because"]

    when = moment("at", _("When"))
    left = column("before", _("From the tier"), show=tier_badge)
    reached = column("after", _("To the tier"), show=tier_badge)

    @display(description=_("Reason"))
    def because(self, change: TierChange) -> Any:
        return TIER_REASONS.get(change.reason, change.reason)


class TierForm(ReasonedForm):
    rate_bp = forms.IntegerField(
        label=_("Rate, hundredths of a percent"),
        help_text=_("500 is 5 %"),
        min_value=0,
        max_value=5000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    threshold = AmountField(label=_("Threshold, ₽ in 12 months"), required=False)


def percent(basis_points: int) -> str:
    return f"{basis_points / 100:g}\u00a0%".replace(".", ",")


class TierVersionInline(ReadonlyInline):
    """What the tier was worth before, newest first."""

    model = TierVersion
    fields = [
        "from_moment",
        "to_moment",
        "rate",
        "threshold_shown",
        "min_partners",
        "vote_weight",
        "changed_by",
        "reason",
    ]

    from_moment = moment("since", _("In force from"))
    to_moment = moment("until", _("In force until"))
    rate = column("rate_bp", _("Rate"), show=percent)
    threshold_shown = column("threshold", _("Threshold in 12 months"), show=roubles)
    changed_by = column("replaced_by", _("Changed by"), show=link)


@admin.register(StatusTier)
class StatusTierAdmin(ReasonedAdmin):
    form = TierForm
    list_display = ["name", "rate", "threshold_shown", "min_partners", "vote_weight", "in_force"]
    readonly_fields = ["code_shown", "position", "invited", "in_force"]
    inlines = [TierVersionInline]
    fields = [
        "code_shown",
        "position",
        "invited",
        "in_force",
        "name",
        "rate_bp",
        "threshold",
        "min_partners",
        "vote_weight",
        "reason",
    ]

    code_shown = column("code", _("Code"), show=code)
    rate = column("rate_bp", _("Rate"), show=percent)
    in_force = moment("since", _("In force from"))
    invited = column(
        "by_invitation", _("by invitation only"), show=lambda yes: _("Yes") if yes else _("No")
    )
    threshold_shown = column("threshold", _("Threshold in 12 months"), show=roubles)

    def update(self, row: StatusTier, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.update_tier_row(tier=row, changes=changes, by=by, reason=reason)
