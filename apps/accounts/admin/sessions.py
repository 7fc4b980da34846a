"""Devices: where people are signed in, and computers of tills that are trusted."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from apps.accounts import services
from apps.accounts.models import Session, TrustedDevice
from apps.core.admin_base import (
    ReadonlyAdmin,
    ReadonlyInline,
    badge,
    code,
    column,
    days,
    link,
    link_by_id,
    moment,
    with_reason,
)

LIVE, ENDED = _("live"), _("ended")

BECAUSE = {
    "signed_out": _("she signed out"),
    "admin": _("ended by an admin"),
    "blocked": _("the person was blocked"),
    "erased": _("her data was erased"),
    "job": _("her role changed"),
    "phone_changed": _("her phone changed"),
    "reuse": _("a spent key came back"),
    "timed_out": _("unused for too long"),
}
SYSTEMS = {"web": _("browser"), "ios": "iOS", "android": "Android"}


class SessionColumns:
    since = moment("created_at", _("Since"))
    device = column("device_name", _("Device"))
    system = column("platform", _("System of the device"), show=lambda one: SYSTEMS.get(one, one))
    where = column("address", _("Network address"))
    kind_shown = column("get_kind_display", _("Kind"), show=lambda words: words())
    seen = moment("last_seen_at", _("Last seen"))
    ended = moment("revoked_at", _("Ended"))
    because = column("revoked_because", _("Reason"), show=lambda why: BECAUSE.get(why) or code(why))

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
    @with_reason
    def end(self, request: HttpRequest, chosen: QuerySet[Session], *, reason: str) -> None:
        live = list(chosen.filter(revoked_at__isnull=True))
        for session in live:
            services.end_session_by_admin(
                session=session, by=request.user, reason=reason, at=timezone.now()
            )
        words = ngettext("%(count)d session ended.", "%(count)d sessions ended.", len(live))
        self.message_user(request, words % {"count": len(live)})


# --- computers of tills --------------------------------------------------------------------------
@admin.register(TrustedDevice)
class TrustedDeviceAdmin(ReadonlyAdmin):
    """Where staff sign in by PIN. The secret lies in the computer's own cookie."""

    list_display = ["since", "named", "where", "by", "seen", "state"]
    list_display_links = ["since"]
    list_filter = [days("created_at", _("Since"))]
    list_select_related = ["trusted_by"]
    ordering = ["-created_at", "-id"]
    fields = ["named", "where", "by", "since", "until", "seen", "state", "ended"]

    since = moment("created_at", _("Since"))
    until = moment("good_until", _("Good until"))
    named = column("name", _("Device"))
    by = column("trusted_by", _("Trusted by"), show=link)
    seen = moment("last_seen_at", _("Last seen"))
    ended = moment("revoked_at", _("Ended"))

    @display(description=_("Business"))
    def where(self, device: TrustedDevice) -> str:
        return link_by_id("business", device.business_id)

    @display(description=_("State"))
    def state(self, device: TrustedDevice) -> str:
        good = device.revoked_at is None and device.good_until > timezone.now()
        return badge(LIVE, "good") if good else badge(ENDED)
