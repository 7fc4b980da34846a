"""What became of each message, dead letters, addresses that refuse."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
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
    moment,
    money,
    with_reason,
)
from apps.notifications import services
from apps.notifications.admin.labels import KindFilter, with_places
from apps.notifications.enums import Barrier, State, TryState
from apps.notifications.labels import kind_name
from apps.notifications.models import (
    Attempt,
    Notification,
    Suppression,
)
from apps.notifications.words import Library

TONES = {
    State.WAITING: "warn",
    State.SENDING: "warn",
    State.SENT: "good",
    State.DELIVERED: "good",
    State.OPENED: "good",
    State.UNKNOWN: "warn",
    State.FAILED: "bad",
    State.EXPIRED: "bad",
}
TRY_TONES = {TryState.REFUSED: "bad", TryState.BARRED: "quiet", TryState.UNKNOWN: "warn"}


def state_name(state: str) -> str:
    return str(_("not delivered") if state == State.FAILED else State(state).label)


def state_badge(state: str) -> str:
    return badge(state_name(state), TONES.get(State(state), "quiet"))


# --- messages --------------------------------------------------------------------------------
class AttemptColumns:
    when = moment("at", _("Time"))
    by = column("get_channel_display", _("Channel"), show=lambda words: words())
    through = column("provider", _("Provider"), show=code)
    paid = money("cost", _("Cost, ₽"))
    news = moment("moved_at", _("Last news"))

    @display(description=_("State"))
    def came(self, attempt: Attempt) -> str:
        state = TryState(attempt.state)
        return badge(state.label, TRY_TONES.get(state, "good"))

    @display(description=_("Answer"))
    def said(self, attempt: Attempt) -> Any:
        if attempt.state == TryState.BARRED:
            return Barrier(attempt.code).label
        return code(attempt.code) if attempt.code else EMPTY


class AttemptInline(AttemptColumns, ReadonlyInline):
    model = Attempt
    fields = ["when", "by", "through", "came", "said", "paid", "news"]


class DeadFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, Any]]:
        return ((str(state), state_name(state)) for state in State)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Notification)
class NotificationAdmin(ReadonlyAdmin):
    """Dead letters are those in the state «given up»."""

    list_display = [
        "written",
        "kind_shown",
        "person",
        "by",
        "state_shown",
        "tries",
        "trouble",
        "paid",
    ]
    list_display_links = ["written"]
    list_filter = [
        DeadFilter,
        KindFilter,
        ("channel", ChoicesDropdownFilter),
        days("created_at", _("Written")),
    ]
    list_select_related = ["member"]
    search_fields = ["id__exact", "kind__exact", "member__card_number__exact"]
    search_help_text = _("Whole id, kind or card number")
    ordering = ["-id"]
    actions = ["retry"]
    list_disable_select_all = True
    inlines = [AttemptInline]
    fields = [
        "person",
        "kind_shown",
        "words",
        "urgency",
        "state_shown",
        "by",
        "tries",
        "trouble",
        "due",
        "until",
        "written",
        "read",
        "paid",
        "of_broadcast",
    ]

    kind_shown = column("kind", _("kind"), show=kind_name)
    person = column("member", _("Member"), show=link)
    urgency = column("get_priority_display", _("priority"), show=lambda words: words())
    written = moment("created_at", _("Written"))
    due = moment("due_at", _("Next attempt"))
    until = moment("expires_at", _("Worth sending until"))
    read = moment("read_at", _("Read"))
    paid = money("cost", _("Cost, ₽"))
    by = column("get_channel_display", _("Channel"), show=lambda words: words() or EMPTY)
    state_shown = column("state", _("State"), show=state_badge)
    of_broadcast = column("broadcast", _("Broadcast"), show=link)

    @display(description=_("Text"))
    def words(self, message: Notification) -> str:
        """The words of its kind with their places: what the member was told stays hers."""
        raw = Library().raw(message.kind, get_language() or "ru")
        return with_places(f"{raw.title} {raw.body}")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.change_notification"))

    @admin.action(description=_("Send the chosen ones again"), permissions=["retry"])
    @with_reason
    def retry(self, request: HttpRequest, chosen: QuerySet[Notification], *, reason: str) -> None:
        count = services.retry_failed(
            ids=list(chosen.values_list("pk", flat=True)),
            by=request.user,
            reason=reason,
            at=timezone.now(),
        )
        words = ngettext(
            "%(count)d message will be tried again.",
            "%(count)d messages will be tried again.",
            count,
        )
        self.message_user(request, words % {"count": count})


@admin.register(Suppression)
class SuppressionAdmin(ReadonlyAdmin):
    list_display = ["when", "person", "by", "why"]
    list_display_links = ["when"]
    list_filter = [("channel", ChoicesDropdownFilter), days("at", _("Time"))]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    fields = ["when", "person", "by", "why"]

    when = moment("at", _("Time"))
    why = column("reason", _("Reason"), show=code)
    person = column("member", _("Member"), show=link)
    by = column("get_channel_display", _("Channel"), show=lambda words: words())
