"""People, their tiers and devices. Roles, tiers of a person and sealed fields are never edited
here: services do that, each with its own check (security.md, the Django trap)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from apps.accounts import queries, services
from apps.accounts.admin_reveal import RevealPhone
from apps.accounts.enums import Job
from apps.accounts.models import CodeLimits, Session, StatusTier, TOTPDevice, User
from apps.core.admin_base import (
    AmountField,
    DayRangeFilter,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    ReasonedForm,
    column,
    link,
    links,
    roubles,
)

NETWORK_STATE = {"active": _("active"), "blocked": _("blocked")}
SESSION_STATE = {"live": _("live"), "ended": _("ended")}


def tier_badge(tier: StatusTier) -> str:
    """Always with the word: colour alone says nothing."""
    return format_html('<span class="sk-tier sk-tier-{}">{}</span>', tier.code, tier.name)


# --- sessions ------------------------------------------------------------------------------------
class SessionColumns:
    since = column("created_at", _("Since"))
    device = column("device_name", _("Device"))
    system = column("platform", _("System of the device"))
    where = column("address", _("Network address"))
    rotated = column("rotated_at", _("Last renewal"))
    ended = column("revoked_at", _("Ended"))
    because = column("revoked_because", _("Reason"))

    @display(description=_("State"), label={"live": "success", "ended": "info"})
    def state(self, session: Session) -> tuple[str, Any]:
        state = "ended" if session.revoked_at else "live"
        return state, SESSION_STATE[state]


class SessionInline(SessionColumns, ReadonlyInline):
    model = Session
    fields = ["since", "device", "system", "where", "rotated", "state"]
    ordering = ["-id"]


class SessionStateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", SESSION_STATE["live"]), ("0", SESSION_STATE["ended"])]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(revoked_at__isnull=self.value() == "1")
        return queryset


@admin.register(Session)
class SessionAdmin(SessionColumns, ReadonlyAdmin):
    list_display = ["since", "person", "device", "system", "where", "rotated", "state"]
    list_display_links = ["since"]
    list_filter = [SessionStateFilter, ("created_at", DayRangeFilter)]
    list_select_related = ["user"]
    search_fields = ["user__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    list_disable_select_all = True
    actions = ["end"]
    fields = [
        "person",
        "device",
        "system",
        "where",
        "since",
        "rotated",
        "state",
        "ended",
        "because",
    ]

    person = column("user", _("Person"), show=link)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_session"))

    @admin.action(description=_("End the sessions"), permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        live = list(chosen.filter(revoked_at__isnull=True))
        for session in live:
            services.end_session(
                session=session, because="admin", at=timezone.now(), by=request.user
            )
        words = ngettext("%(count)d session ended.", "%(count)d sessions ended.", len(live))
        self.message_user(request, words % {"count": len(live)})


# --- people --------------------------------------------------------------------------------------
class BlockedFilter(DropdownFilter):
    title = _("state")
    parameter_name = "blocked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("0", NETWORK_STATE["active"]), ("1", NETWORK_STATE["blocked"])]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(blocked_at__isnull=self.value() == "0")
        return queryset


@admin.register(User)
class UserAdmin(RevealPhone, ReadonlyAdmin):
    list_display = [
        "person",
        "card",
        "phone_masked",
        "tier_shown",
        "job",
        "city",
        "joined",
        "state",
    ]
    list_filter = [
        ("tier", RelatedDropdownFilter),
        ("job", ChoicesDropdownFilter),
        BlockedFilter,
        ("joined_at", DayRangeFilter),
    ]
    list_select_related = ["tier"]
    ordering = ["-joined_at", "-id"]
    inlines = [SessionInline]
    fieldsets = [
        (
            None,
            {"fields": ["person", "phone_masked", "phone_reveal", "email_known", "city", "locale"]},
        ),
        (_("Membership"), {"fields": ["card", "tier_shown", "joined", "state", "blocked"]}),
        (_("Work here"), {"fields": ["job", "second_factor"]}),
        (_("Records"), {"fields": ["records"]}),
    ]

    phone_masked = column("masked_phone", _("Phone"))
    tier_shown = column("tier", _("Tier"), show=tier_badge)
    joined = column("joined_at", _("Joined"), ordering="joined_at")
    blocked = column("blocked_at", _("Blocked"))

    @display(description=_("Person"))
    def person(self, user: User) -> str:
        return str(user)

    @display(description=_("Card"))
    def card(self, user: User) -> str:
        digits = user.card_number
        return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))

    @display(description=_("State"), label={"active": "success", "blocked": "danger"})
    def state(self, user: User) -> tuple[str, Any]:
        state = "active" if user.is_active else "blocked"
        return state, NETWORK_STATE[state]

    @display(description=_("E-mail"), boolean=True)
    def email_known(self, user: User) -> bool:
        return bool(user.email_sealed)

    @display(description=_("Second factor"), boolean=True)
    def second_factor(self, user: User) -> bool:
        return TOTPDevice.objects.filter(user=user, confirmed=True).exists()

    @display(description=_("Lists"))
    def records(self, user: User) -> str:
        return links(
            [
                ("loyalty_wallet", _("Wallet"), {"member__id": user.pk}),
                ("transactions_transaction", _("Purchases"), {"member__id": user.pk}),
                ("loyalty_journal", _("Journal"), {"wallet": user.pk}),
                ("loyalty_lot", _("Lots"), {"wallet": user.pk}),
                ("businesses_membership", _("Where she works"), {"user__id": user.pk}),
                ("core_auditentry", _("What she did"), {"actor_id": user.pk}),
                ("core_auditentry", _("What was done to her"), {"object_id": user.pk}),
            ]
        )

    # A phone in a query string would stay in logs and in the browser's history: hence a POST.
    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(require_POST(self.find))
        return [path("find/", find, name="accounts_user_find"), *super().get_urls()]

    def find(self, request: HttpRequest) -> HttpResponse:
        """Straight to the person with this exact phone, e-mail or card number."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.POST.get("who", "").strip()
        found = User.objects.with_email(text) if "@" in text else queries.find_member(text)
        if found is None:
            messages.warning(request, _("Nobody has exactly this phone, e-mail or card number."))
            return redirect("admin:accounts_user_changelist")
        return redirect("admin:accounts_user_change", found.pk)


# --- tiers ---------------------------------------------------------------------------------------
class TierForm(ReasonedForm):
    rate_bp = forms.IntegerField(
        label=_("Rate, hundredths of a percent"),
        help_text=_("500 is 5 %"),
        min_value=0,
        max_value=5000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    threshold = AmountField(label=_("Threshold, ₽ in 12 months"), required=False)


@admin.register(StatusTier)
class StatusTierAdmin(ReasonedAdmin):
    form = TierForm
    list_display = ["name", "rate", "threshold_shown", "min_partners", "vote_weight"]
    readonly_fields = ["code", "position", "by_invitation"]
    fields = [
        "code",
        "position",
        "by_invitation",
        "name",
        "rate_bp",
        "threshold",
        "min_partners",
        "vote_weight",
        "reason",
    ]

    rate = column("rate_bp", _("Rate"), show=lambda bp: f"{bp / 100:g}\u00a0%".replace(".", ","))
    threshold_shown = column("threshold", _("Threshold in 12 months"), show=roubles)

    def update(self, row: StatusTier, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.update_tier_row(tier=row, changes=changes, by=by, reason=reason)


# --- one-time codes ------------------------------------------------------------------------------
@admin.register(CodeLimits)
class CodeLimitsAdmin(ReasonedAdmin):
    """One row: what codes by SMS may cost. Admins read it, the superadmin changes it."""

    list_display = ["__str__", "cap_hour_rub", "cap_day_rub", "failures_hour"]
    fields = [
        "sms_price_kopecks",
        "cap_hour_rub",
        "cap_day_rub",
        "failures_hour",
        "countries",
        "reason",
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.job == Job.SUPERADMIN

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Whoever only reads is asked for no reason.
        return self.fields if self.has_change_permission(request) else self.fields[:-1]

    def update(self, row: CodeLimits, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.change_code_limits(changes=changes, by=by, reason=reason)
