"""Invitations and badges, to be read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import (
    ReadonlyAdmin,
    badge,
    code,
    column,
    days,
    english,
    link,
    moment,
    roubles,
)
from apps.loyalty.admin.ledger import operation_link
from apps.loyalty.enums import ReferralState
from apps.loyalty.models import Badge, BadgeAward, Referral

TONES = {
    ReferralState.WAITING: "quiet",
    ReferralState.REWARDED: "good",
    ReferralState.LAPSED: "quiet",
    ReferralState.REFUSED: "bad",
    ReferralState.REVOKED: "warn",
}
WHYS = {"device": _("the device was here before"), "phone": _("the number was here before")}


@admin.register(Referral)
class ReferralAdmin(ReadonlyAdmin):
    list_display = ["when", "inviting", "guest", "state_shown", "reason", "paid_at"]
    list_display_links = ["when"]
    list_filter = [("state", ChoicesDropdownFilter), days("accepted_at", _("Invitation accepted"))]
    list_select_related = ["inviter", "invited"]
    ordering = ["-id"]
    fields = [
        "when",
        "inviting",
        "guest",
        "state_shown",
        "reason",
        "until",
        "paid_at",
        "to_inviter",
        "to_guest",
    ]

    when = moment("accepted_at", _("Invitation accepted"))
    inviting = column("inviter", _("Inviter"), show=link)
    guest = column("invited", _("Invited"), show=link)
    reason = column("why", _("Why refused"), show=lambda why: WHYS.get(why, why))
    until = moment("lapses_at", _("Lapses"))
    paid_at = moment("rewarded_at", _("Rewarded"))
    to_inviter = column("inviter_journal", _("To the inviter"), show=operation_link)
    to_guest = column("invited_journal", _("To the invited"), show=operation_link)

    @display(description=_("State"))
    def state_shown(self, referral: Referral) -> str:
        return badge(referral.get_state_display(), TONES[ReferralState(referral.state)])


@admin.register(Badge)
class BadgeAdmin(ReadonlyAdmin):
    list_display = ["name_ru", "period", "target", "pays", "rolls_back", "is_active"]
    ordering = ["position"]
    fields = [
        "code_shown",
        "name_ru",
        "in_english",
        "text_ru",
        "text_in_english",
        "period",
        "target",
        "pays",
        "rolls_back",
        "is_active",
    ]

    code_shown = column("code", _("Code"), show=code)
    in_english = column("name_en", _("Name in English"), show=english)
    text_in_english = column("text_en", _("Text in English"), show=english)
    pays = column("bonus", _("Bonuses"), show=roubles)


@admin.register(BadgeAward)
class BadgeAwardAdmin(ReadonlyAdmin):
    list_display = ["when", "person", "what", "period", "gone"]
    list_display_links = ["when"]
    list_filter = [("badge", RelatedDropdownFilter), days("at", _("Time"))]
    list_select_related = ["member", "badge"]
    ordering = ["-id"]
    fields = ["when", "person", "what", "period", "gone", "operation"]

    when = moment("at", _("Time"))
    person = column("member", _("Member"), show=link)
    what = column("badge", _("Badge"), show=link)
    gone = moment("revoked_at", _("Taken back"))
    operation = column("journal", _("Operation"), show=operation_link)
