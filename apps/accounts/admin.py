"""People, their tiers and devices. Roles, tiers of a person and sealed fields are never edited
here: services do that, each with its own check (security.md, the Django trap)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import queries, rights, services
from apps.accounts.admin_reveal import RevealPhone
from apps.accounts.admin_tiers import TierChangeInline, tier_badge
from apps.accounts.models import (
    CodeLimits,
    Session,
    TOTPDevice,
    User,
)
from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    badge,
    column,
    days,
    link,
    links,
    moment,
)
from apps.core.errors import Refused

ACTIVE, BLOCKED = pgettext_lazy("person", "active"), _("blocked")
LIVE, ENDED = _("live"), _("ended")


# --- sessions ------------------------------------------------------------------------------------
class SessionColumns:
    since = moment("created_at", _("Since"))
    device = column("device_name", _("Device"))
    system = column("platform", _("System of the device"))
    where = column("address", _("Network address"))
    kind_shown = column("get_kind_display", _("Kind"), show=lambda words: words())
    seen = moment("last_seen_at", _("Last seen"))
    ended = moment("revoked_at", _("Ended"))
    because = column("revoked_because", _("Reason"))

    @display(description=_("State"))
    def state(self, session: Session) -> str:
        return badge(ENDED) if session.revoked_at else badge(LIVE, "good")


class SessionInline(SessionColumns, ReadonlyInline):
    model = Session
    fields = ["since", "device", "system", "where", "seen", "state"]


class SessionStateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", LIVE), ("0", ENDED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(revoked_at__isnull=self.value() == "1")
        return queryset


@admin.register(Session)
class SessionAdmin(SessionColumns, ReadonlyAdmin):
    list_display = ["since", "person", "kind_shown", "device", "system", "where", "seen", "state"]
    list_display_links = ["since"]
    list_filter = [SessionStateFilter, days("created_at", _("Since"))]
    list_select_related = ["user"]
    search_fields = ["user__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    list_disable_select_all = True
    actions = ["end"]
    fields = [
        "person",
        "kind_shown",
        "device",
        "system",
        "where",
        "since",
        "seen",
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
class ReasonDialog(BaseDialogForm):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Stays in the audit log."),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class BlockedFilter(DropdownFilter):
    title = _("state")
    parameter_name = "blocked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("0", ACTIVE), ("1", BLOCKED)]

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
        days("joined_at", _("Joined")),
    ]
    list_select_related = ["tier"]
    ordering = ["-joined_at", "-id"]
    inlines = [TierChangeInline, SessionInline]
    actions_detail = ["block", "unblock"]
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
    joined = moment("joined_at", _("Joined"), ordering="joined_at")
    blocked = moment("blocked_at", _("Blocked"))

    @display(description=_("Person"))
    def person(self, user: User) -> str:
        return str(user)

    @display(description=_("Card"))
    def card(self, user: User) -> str:
        digits = user.card_number
        return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))

    @display(description=_("State"))
    def state(self, user: User) -> str:
        return badge(ACTIVE, "good") if user.is_active else badge(BLOCKED, "bad")

    @display(description=_("E-mail"))
    def email_known(self, user: User) -> Any:
        return pgettext("e-mail", "given") if user.email_sealed else EMPTY

    @display(description=_("Second factor"))
    def second_factor(self, user: User) -> Any:
        made = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
        return pgettext("second factor", "set up") if made else EMPTY

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

    def has_block_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return rights.may("users.block", job=request.user.job)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Block or let in: the one that would change something."""
        shut = User.objects.filter(pk=object_id, blocked_at__isnull=False).exists()
        wanted = "unblock" if shut else "block"
        found = super().get_actions_detail(request, object_id)
        return [one for one in found if one.action_name.endswith(f"_{wanted}")]

    @action(
        description=_("Block"),
        permissions=["block"],
        dialog={
            "title": _("Block this person"),
            "description": _("Her sessions end at once, codes no longer come. Bonuses stay."),
            "form_class": ReasonDialog,
            "form_submit_text": _("Block"),
        },
    )
    def block(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        def shut(person: User) -> None:
            reason = form.cleaned_data["reason"]
            services.block_user(user=person, by=request.user, reason=reason, at=timezone.now())

        return self._decide(request, object_id, shut)

    @action(
        description=_("Let in again"),
        permissions=["block"],
        dialog={
            "title": _("Let this person in again"),
            "description": _("She signs in anew."),
            "form_class": ReasonDialog,
            "form_submit_text": _("Let in again"),
        },
    )
    def unblock(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        def let_in(person: User) -> None:
            reason = form.cleaned_data["reason"]
            services.unblock_user(user=person, by=request.user, reason=reason)

        return self._decide(request, object_id, let_in)

    def _decide(
        self, request: HttpRequest, object_id: str, decision: Callable[[User], None]
    ) -> HttpResponse:
        person = get_object_or_404(User, pk=object_id)
        try:
            decision(person)
        except Refused as refused:
            messages.error(request, str(refused))
        url = reverse("admin:accounts_user_change", args=[person.pk])
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)

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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Whoever only reads is asked for no reason.
        return self.fields if self.has_change_permission(request) else self.fields[:-1]

    def update(self, row: CodeLimits, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.change_code_limits(changes=changes, by=by, reason=reason)
