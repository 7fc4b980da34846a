"""People, their tiers and devices. Roles, tiers of a person and sealed fields are never edited
here: services do that, each with its own check (security.md, the Django trap)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from import_export.fields import Field
from import_export.resources import ModelResource
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import queries, rights, services
from apps.accounts.admin.reveal import RevealPhone
from apps.accounts.admin.sessions import SessionInline
from apps.accounts.admin.standing import StandingPages
from apps.accounts.admin.tiers import TierChangeInline, tier_badge
from apps.accounts.models import TOTPDevice, User
from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    badge,
    column,
    days,
    links,
    moment,
)
from apps.core.errors import Refused
from apps.core.exchange import Exported

ACTIVE, BLOCKED = pgettext_lazy("person", "active"), _("blocked")


# --- people --------------------------------------------------------------------------------------
class ReasonDialog(BaseDialogForm):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Stays in the audit log."),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


LANGUAGES = dict(settings.LANGUAGES)


class BlockedFilter(DropdownFilter):
    title = _("state")
    parameter_name = "blocked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("0", ACTIVE), ("1", BLOCKED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(blocked_at__isnull=self.value() == "0")
        return queryset


class UserResource(ModelResource):
    """What a list may tell outside: no phone, no e-mail, no birth date, the name cut short."""

    name = Field(attribute="short_name", column_name="name")
    tier = Field(attribute="tier__name", column_name="tier")

    class Meta:
        model = User
        fields = ("card_number", "name", "tier", "job", "city", "joined_at", "blocked_at")
        export_order = fields


@admin.register(User)
class UserAdmin(Exported, RevealPhone, StandingPages, ReadonlyAdmin):
    resource_classes = (UserResource,)
    export_perm = "accounts.view_user"

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
            {
                "fields": [
                    "person",
                    "phone_masked",
                    "phone_reveal",
                    "email_known",
                    "city",
                    "language",
                ]
            },
        ),
        (
            _("Membership"),
            {"fields": ["card", "tier_shown", "tier_until", "joined", "state", "blocked"]},
        ),
        (_("Work here"), {"fields": ["job", "second_factor"]}),
        (_("Records"), {"fields": ["decisions", "records"]}),
    ]

    phone_masked = column("masked_phone", _("Phone"))
    language = column("locale", _("language"), show=lambda one: LANGUAGES.get(one, one))
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
                ("accounts_consent", _("Consents"), {"member__id": user.pk}),
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
        found = queries.find_person(text)
        if found is None:
            messages.warning(request, _("Nobody has exactly this phone, e-mail or card number."))
            return redirect("admin:accounts_user_changelist")
        return redirect("admin:accounts_user_change", found.pk)
