"""Coupons, to be read: campaigns with their funnel, codes in part, who used what and who pays."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    ReadonlyInline,
    badge,
    code,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.core.money import format_number
from apps.coupons import rules
from apps.coupons.enums import Benefit, CampaignState, CouponState
from apps.coupons.models import Campaign, Charge, Coupon, Funder, Redemption
from apps.coupons.queries import stats_of

TONES = {
    CouponState.ACTIVE: "good",
    CouponState.REDEEMED: "quiet",
    CouponState.EXPIRED: "warn",
    CouponState.CANCELLED: "bad",
}


def gives(campaign: Campaign) -> str:
    """`15 %, до 900 ₽`: what a coupon of it gives, in one line."""
    value = format_number(campaign.value, always_kopecks=False)
    most = campaign.max_discount
    said = {
        Benefit.PERCENT: f"{value} %",
        Benefit.FIXED: f"{value} ₽",
        Benefit.BONUS: str(_("%(value)s bonuses") % {"value": value}),
        Benefit.GIFT: campaign.gift,
    }[Benefit(campaign.benefit)]
    return f"{said} ≤ {format_number(most, always_kopecks=False)} ₽" if most else said


# --- campaigns -----------------------------------------------------------------------------------
class FunderInline(ReadonlyInline):
    model = Funder
    verbose_name_plural = _("who pays")
    fields = ["who", "share"]

    who = column("business", _("Business"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Funder]:
        return super().get_queryset(request).select_related("business")


@admin.register(Campaign)
class CampaignAdmin(ReadonlyAdmin):
    list_display = ["shown_name", "place", "audience", "given", "state_shown", "count", "until"]
    list_filter = [
        ("business", RelatedDropdownFilter),
        ("audience", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        days("created_at", _("Made")),
    ]
    list_select_related = ["business", "sender"]
    search_fields = ["name", "promo_code__exact"]
    search_help_text = _("Name, or whole promo code")
    ordering = ["-created_at"]
    inlines = [FunderInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "shown_name",
                    "state_shown",
                    "place",
                    "sent_by",
                    "audience",
                    "word",
                    "given",
                    "least_bill",
                    "stacking",
                ]
            },
        ),
        (_("Limits"), {"fields": ["count", "each", "spent", "held", "starts", "until", "lives"]}),
        (_("What became of it"), {"fields": ["funnel", "money", "effect", "records"]}),
    ]

    shown_name = column("title", _("Name"))
    place = column("business", _("Good at"), show=link)
    sent_by = column("sender", _("Sent by"), show=link)
    word = column("promo_code", _("Promo code"))
    least_bill = column("min_amount", _("Least bill"), show=roubles)
    each = column("per_member", _("Per member"))
    held = column("holdout_percent", _("Held out, %"))
    lives = column("valid_days", _("Days from issue"))
    starts = moment("valid_from", _("From"))
    until = moment("valid_to", _("Until"))

    @display(description=_("Gives"))
    def given(self, campaign: Campaign) -> str:
        return gives(campaign)

    @display(description=_("State"))
    def state_shown(self, campaign: Campaign) -> str:
        tone = "good" if campaign.state == CampaignState.ACTIVE else "bad"
        return badge(campaign.get_state_display(), tone)

    @display(description=_("Issued"))
    def count(self, campaign: Campaign) -> str:
        if campaign.audience == "chain":  # counted by its chain, bounded by its budget
            return EMPTY
        return f"{campaign.issued} / {campaign.quantity}"

    @display(description=_("Beside others"))
    def stacking(self, campaign: Campaign) -> str:
        words = _("one of its group on a bill:")
        group: object = format_html("{} {}", words, code(campaign.group))
        if campaign.group == rules.BILL:
            group = _("one of them on a bill")
        elif not campaign.group:
            group = _("stands with all")
        turn = _("turn %(n)s") % {"n": campaign.priority}
        percent = _("percent of %(base)s") % {"base": campaign.get_base_display()}
        return format_html("{} · {} · {}", group, turn, percent)

    @display(description=_("Budget: used, reserved, cap"))
    def spent(self, campaign: Campaign) -> str:
        budget = campaign.budget
        if budget is None:
            return EMPTY
        return " · ".join(roubles(sum_) for sum_ in (budget.charged, budget.reserved, budget.cap))

    @display(description=_("Issued → seen → redeemed"))
    def funnel(self, campaign: Campaign) -> str:
        stats = self._stats(campaign)
        return f"{stats.issued} → {stats.seen} → {stats.redeemed}"

    @display(description=_("Discounts and bonuses given"))
    def money(self, campaign: Campaign) -> str:
        stats = self._stats(campaign)
        return f"{roubles(stats.discount)} · {format_number(stats.bonus)}"

    @display(description=_("Paid more than without it"))
    def effect(self, campaign: Campaign) -> str:
        stats = self._stats(campaign)
        if stats.low is None or stats.high is None:
            note = _("against the same days before")
            return f"{roubles(stats.incremental)} ({note})"
        return f"{roubles(stats.incremental)} ({roubles(stats.low)} … {roubles(stats.high)})"

    @staticmethod
    def _stats(campaign: Campaign):
        if not hasattr(campaign, "_stats"):
            campaign._stats = stats_of(campaign, at=timezone.now())
        return campaign._stats

    @display(description=_("Lists"))
    def records(self, campaign: Campaign) -> str:
        return links(
            [
                ("coupons_coupon", _("Coupons"), {"campaign__id__exact": campaign.pk}),
                ("coupons_redemption", _("Redemptions"), {"campaign__id__exact": campaign.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": campaign.pk}),
            ]
        )


# --- coupons -------------------------------------------------------------------------------------
@admin.register(Coupon)
class CouponAdmin(ReadonlyAdmin):
    """Codes are shown in part: whoever reads one off a screen could use it."""

    list_display = ["code_shown", "of_campaign", "place", "owner", "state_shown", "issued", "until"]
    list_filter = [
        ("campaign", RelatedDropdownFilter),
        ("campaign__business", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
        days("issued_at", _("Issued")),
    ]
    list_select_related = ["campaign__business", "campaign__sender", "member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    fields = [
        "code_shown",
        "state_shown",
        "of_campaign",
        "place",
        "owner",
        "issued",
        "seen",
        "starts",
        "until",
        "used",
        "cancelled",
        "set_aside",
        "records",
    ]

    code_shown = column("code", _("Code"), show=rules.masked)
    of_campaign = column("campaign", _("Campaign"), show=link)
    place = column("campaign__business", _("Good at"), show=link)
    owner = column("member", _("Member"), show=link)
    issued = moment("issued_at", _("Issued"))
    seen = moment("seen_at", _("Seen"))
    starts = moment("valid_from", _("From"))
    until = moment("valid_to", _("Until"))
    used = moment("redeemed_at", _("Redeemed"))
    cancelled = moment("cancelled_at", _("Cancelled"))
    set_aside = column("reserved", _("Reserved"), show=roubles)

    @display(description=_("State"))
    def state_shown(self, coupon: Coupon) -> str:
        state = CouponState(coupon.state_at(timezone.now()))
        return badge(state.label, TONES[state])

    @display(description=_("Lists"))
    def records(self, coupon: Coupon) -> str:
        return links(
            [
                ("coupons_redemption", _("Redemptions"), {"coupon__id__exact": coupon.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": coupon.pk}),
            ]
        )


# --- redemptions ---------------------------------------------------------------------------------
class ChargeInline(ReadonlyInline):
    model = Charge
    fields = ["kind", "from_whom", "to_whom", "sum_shown"]

    from_whom = column("payer", _("Who pays"), show=link)
    to_whom = column("payee", _("To whom"), show=link)
    sum_shown = column("amount", _("Sum"), show=roubles)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Charge]:
        return super().get_queryset(request).select_related("payer", "payee")


@admin.register(Redemption)
class RedemptionAdmin(ReadonlyAdmin):
    list_display = ["code_shown", "of_campaign", "place", "guest", "off", "plus", "moment_used"]
    list_display_links = ["moment_used"]
    list_filter = [
        ("business", RelatedDropdownFilter),
        ("campaign", RelatedDropdownFilter),
        ("coupon", RelatedDropdownFilter),
        days("at", _("Redeemed")),
    ]
    list_select_related = ["coupon", "campaign__sender", "business", "member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-at"]
    inlines = [ChargeInline]
    fields = [
        "code_shown",
        "of_campaign",
        "place",
        "guest",
        "by_whom",
        "bill",
        "off",
        "plus",
        "moment_used",
        "taken_back",
    ]

    code_shown = column("coupon", _("Coupon"), show=link)
    of_campaign = column("campaign", _("Campaign"), show=link)
    place = column("business", _("Business"), show=link)
    guest = column("member", _("Member"), show=link)
    by_whom = column("by", _("Redeemed by"), show=link)
    bill = column("amount", _("Bill"), show=roubles)
    off = column("discount", _("Discount"), show=roubles)
    plus = column("bonus", _("Bonuses"), show=format_number)
    moment_used = moment("at", _("Redeemed"), ordering="at")
    taken_back = moment("returned_at", _("Taken back"))
