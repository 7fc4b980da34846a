"""Partners: their reference data may be changed with a reason, who works there only seen."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminExpandableTextareaWidget, UnfoldAdminSelectWidget

from apps.accounts.models import User
from apps.businesses import services
from apps.businesses.models import Business, Location, Membership, State
from apps.businesses.zones import ZONES
from apps.core.admin_base import (
    AmountField,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    ReasonedForm,
    badge,
    code,
    column,
    days,
    link,
    links,
    moment,
)
from apps.core.exchange import Imported, ServiceResource

TONES = {State.ACTIVE: "good", State.SUSPENDED: "warn", State.CLOSED: "bad"}


# --- who works where -----------------------------------------------------------------------------
class MembershipColumns:
    person = column("user", _("Person"), show=link)
    place = column("business", _("Business"), show=link)
    since = moment("started_at", _("Since"))
    until = moment("ended_at", _("Until"))

    @display(description=_("State"))
    def state(self, membership: Membership) -> str:
        return badge(_("left")) if membership.ended_at else badge(_("works"), "good")


class MembershipInline(MembershipColumns, ReadonlyInline):
    model = Membership
    fields = ["person", "role", "since", "until", "state"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "business")


class LiveFilter(DropdownFilter):
    title = _("state")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("works")), ("0", _("left"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("0", "1"):
            return queryset.filter(ended_at__isnull=self.value() == "1")
        return queryset


@admin.register(Membership)
class MembershipAdmin(MembershipColumns, ReadonlyAdmin):
    """Read-only: joining and leaving also gives and takes rights, which services do."""

    list_display = ["role", "person", "place", "since", "until", "state"]
    list_filter = [
        ("business", RelatedDropdownFilter),
        ("role", ChoicesDropdownFilter),
        LiveFilter,
        days("started_at", _("Since")),
    ]
    list_select_related = ["user", "business"]
    search_fields = ["user__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    fields = ["person", "place", "role", "since", "until", "state"]


# --- partners ------------------------------------------------------------------------------------
class LocationInline(ReadonlyInline):
    model = Location
    fields = ["name", "address"]


class BusinessForm(ReasonedForm):
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=ZONES,
        widget=UnfoldAdminSelectWidget,
    )
    max_sale = AmountField(label=_("Largest sale, ₽"))


class BusinessResource(ServiceResource):
    """Partners by their address name. State, category and limits stay with the form."""

    class Meta(ServiceResource.Meta):
        model = Business
        import_id_fields = ("slug",)
        fields = ("slug", "name", "city", "description", "max_bonus_share", "pending_days")

    def update(self, row: Business, *, changes: Any) -> None:
        services.update_business(
            business=row, changes=dict(changes), by=self.by, reason=self.reason
        )


@admin.register(Business)
class BusinessAdmin(Imported, ReasonedAdmin):
    resource_classes = (BusinessResource,)
    import_perm = export_perm = "businesses.change_business"

    form = BusinessForm
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}
    list_display = ["name", "category", "city", "state_shown", "staff", "places"]
    list_filter = [("category", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter)]
    search_fields = ["name", "city", "slug"]
    search_help_text = _("Name, city or address name")
    ordering = ["name"]
    readonly_fields = ["slug_shown", "records"]
    inlines = [LocationInline, MembershipInline]
    fieldsets = [
        (None, {"fields": ["name", "slug_shown", "category", "city", "zone", "description"]}),
        (_("Rules"), {"fields": ["state", "max_bonus_share", "pending_days", "max_sale"]}),
        (_("Records"), {"fields": ["records"]}),
        (_("Why it changes"), {"fields": ["reason"]}),
    ]

    slug_shown = column("slug", _("Address name"), show=code)
    staff = column("staff_count", _("Staff"))
    places = column("place_count", _("Locations"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Business]:
        live = Q(memberships__ended_at__isnull=True)
        return (
            super()
            .get_queryset(request)
            .annotate(
                staff_count=Count("memberships", filter=live, distinct=True),
                place_count=Count("locations", distinct=True),
            )
        )

    @display(description=_("State"))
    def state_shown(self, business: Business) -> str:
        return badge(business.get_state_display(), TONES[State(business.state)])

    @display(description=_("Lists"))
    def records(self, business: Business) -> str:
        return links(
            [
                ("transactions_transaction", _("Sales"), {"business__id__exact": business.pk}),
                ("loyalty_journal", _("Journal"), {"business__id__exact": business.pk}),
                ("loyalty_lot", _("Bonuses it issued"), {"issuer__id__exact": business.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": business.pk}),
            ]
        )

    def update(self, row: Business, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.update_business(business=row, changes=changes, by=by, reason=reason)
