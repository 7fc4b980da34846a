"""Broadcasts: progress, and the second person."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from apps.accounts.enums import TierCode
from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    badge,
    column,
    days,
    kopecks,
    links,
    moment,
)
from apps.core.errors import Refused
from apps.notifications import queries, services
from apps.notifications.admin.composing import Composing
from apps.notifications.enums import BroadcastState, Channel, State
from apps.notifications.models import (
    Broadcast,
)

BROADCAST_TONES = {
    BroadcastState.ASKED: "warn",
    BroadcastState.RUNNING: "warn",
    BroadcastState.DONE: "good",
}


# --- broadcasts ------------------------------------------------------------------------------
SEGMENT_WORDS = {
    "tiers": _("tiers"),
    "city": _("city"),
    "locale": _("language"),
    "joined_from": _("joined from"),
    "joined_to": _("joined until"),
    "has_app": _("has the app"),
    "bought_at": _("bought at"),
    "at_risk": _("may leave"),
}


def channel_names(codes: str) -> str:
    """In the order in which they are tried."""
    return ", ".join(str(Channel(code).label) for code in codes.split(","))


def _names(codes: list[str]) -> str:
    return ", ".join(str(TierCode(code).label) for code in codes)


@admin.register(Broadcast)
class BroadcastAdmin(Composing, ReadonlyAdmin):
    list_display = ["named", "state_shown", "count", "whose", "second", "asked", "ended"]
    list_display_links = ["named"]
    list_filter = [("state", ChoicesDropdownFilter), days("created_at", _("Asked"))]
    list_select_related = ["asked_by", "approved_by"]
    ordering = ["-created_at", "-id"]
    actions_detail = ["allow", "stop"]
    fields = [
        "named",
        "state_shown",
        "purpose",
        "by",
        "title_ru",
        "body_ru",
        "title_en",
        "body_en",
        "count",
        "segment_shown",
        "whose",
        "second",
        "asked",
        "ended",
        "progress",
        "records",
    ]

    named = column("name", _("Name"))
    count = column("people", _("people"))
    by = column("channels", _("channels"), show=channel_names)
    whose = column("asked_by", _("Asked by"), show=str)
    second = column("approved_by", _("Allowed by"), show=str)
    asked = moment("created_at", _("Asked"))
    ended = moment("ended_at", _("Ended"))

    @display(description=_("State"))
    def state_shown(self, row: Broadcast) -> str:
        state = BroadcastState(row.state)
        return badge(state.label, BROADCAST_TONES.get(state, "quiet"))

    @display(description=_("Segment"))
    def segment_shown(self, row: Broadcast) -> str:
        said = [
            f"{SEGMENT_WORDS.get(name, name)}: "
            + (_names(value) if isinstance(value, list) else str(value))
            for name, value in row.segment.items()
        ]
        return "; ".join(said) or str(_("everybody"))

    @display(description=_("Messages"))
    def progress(self, row: Broadcast) -> str:
        found = dict(queries.progress_of([row.pk]).get(row.pk, {}))
        paid = found.pop("cost", 0)
        said = [f"{State(state).label}: {count}" for state, count in sorted(found.items())]
        return "; ".join([*said, f"{kopecks(paid)} ₽"]) if said else EMPTY

    @display(description=_("Lists"))
    def records(self, row: Broadcast) -> str:
        return links([("notifications_notification", _("Messages"), {"broadcast__id": row.pk})])

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("notifications.change_broadcast"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what the state lets happen."""
        row = Broadcast.objects.filter(pk=object_id).first()
        wanted = {BroadcastState.ASKED: ("allow", "stop"), BroadcastState.RUNNING: ("stop",)}
        may = wanted.get(BroadcastState(row.state), ()) if row else ()
        found = super().get_actions_detail(request, object_id)
        return [one for one in found if one.action_name.endswith(tuple(f"_{x}" for x in may))]

    @action(
        description=_("Allow"),
        permissions=["send"],
        dialog={
            "title": _("Allow this broadcast"),
            "description": _("It begins to leave at once."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Allow"),
        },
    )
    def allow(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._done(request, object_id, services.approve_broadcast)

    @action(
        description=_("Stop it"),
        permissions=["send"],
        dialog={
            "title": _("Stop this broadcast"),
            "description": _("What has left cannot be taken back; the rest does not leave."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Stop it"),
        },
    )
    def stop(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._done(request, object_id, services.cancel_broadcast)

    def _done(self, request: HttpRequest, object_id: str, service: Any) -> HttpResponse:
        row = get_object_or_404(Broadcast, pk=object_id)
        try:
            service(broadcast_id=row.pk, by=request.user, at=timezone.now())
        except Refused as refused:
            messages.error(request, str(refused))
        url = reverse("admin:notifications_broadcast_change", args=[row.pk])
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
