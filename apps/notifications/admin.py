"""Messages in the admin: what became of each, dead letters, words, providers, broadcasts."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.core.admin_base import (
    EMPTY,
    AmountField,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    ReasonedForm,
    badge,
    column,
    days,
    kopecks,
    link,
    links,
    moment,
    money,
)
from apps.core.errors import Refused
from apps.notifications import queries, services
from apps.notifications.enums import Barrier, BroadcastState, State, TryState
from apps.notifications.kinds import KINDS
from apps.notifications.models import (
    Attempt,
    Broadcast,
    Notification,
    Provider,
    Suppression,
    Template,
)
from apps.notifications.rules import unknown_places
from apps.notifications.words import Library, shipped

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
BROADCAST_TONES = {
    BroadcastState.ASKED: "warn",
    BroadcastState.RUNNING: "warn",
    BroadcastState.DONE: "good",
}


def state_badge(state: str) -> str:
    return badge(State(state).label, TONES.get(State(state), "quiet"))


# --- messages --------------------------------------------------------------------------------
class AttemptColumns:
    when = moment("at", _("Time"))
    by = column("get_channel_display", _("Channel"), show=lambda words: words())
    through = column("provider", _("Provider"))
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
        return attempt.code or EMPTY


class AttemptInline(AttemptColumns, ReadonlyInline):
    model = Attempt
    fields = ["when", "by", "through", "came", "said", "paid", "news"]


class DeadFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, Any]]:
        return ((str(state), state.label) for state in State)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Notification)
class NotificationAdmin(ReadonlyAdmin):
    """Dead letters are those in the state «given up»."""

    list_display = ["written", "kind", "person", "by", "state_shown", "tries", "trouble", "paid"]
    list_display_links = ["written"]
    list_filter = [DeadFilter, ("channel", ChoicesDropdownFilter), days("created_at", _("Written"))]
    list_select_related = ["member"]
    search_fields = ["id__exact", "kind__exact", "member__card_number__exact"]
    search_help_text = _("Whole id, kind or card number")
    ordering = ["-id"]
    actions = ["retry"]
    list_disable_select_all = True
    inlines = [AttemptInline]
    fields = [
        "person",
        "kind",
        "words",
        "get_priority_display",
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

    person = column("member", _("Member"), show=link)
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
        return f"{raw.title} {raw.body}"

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.change_notification"))

    @admin.action(description=_("Send the chosen ones again"), permissions=["retry"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Notification]) -> None:
        count = services.retry_failed(
            ids=list(chosen.values_list("pk", flat=True)),
            by=request.user,
            reason="admin",
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
    list_display = ["when", "person", "by", "reason"]
    list_display_links = ["when"]
    list_filter = [("channel", ChoicesDropdownFilter), days("at", _("Time"))]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    fields = ["when", "person", "by", "reason"]

    when = moment("at", _("Time"))
    person = column("member", _("Member"), show=link)
    by = column("get_channel_display", _("Channel"), show=lambda words: words())


# --- words -----------------------------------------------------------------------------------
class TemplateForm(ReasonedForm):
    class Meta:
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "body": UnfoldAdminTextareaWidget,
            "sms": UnfoldAdminTextareaWidget,
        }

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        places = KINDS[self.instance.kind].places
        for name in ("title", "body", "sms"):
            strange = unknown_places(given.get(name) or "", places)
            if strange:
                said = _("Unknown place: %(place)s.") % {"place": strange[0]}
                self.add_error(name, said)
        return given


@admin.register(Template)
class TemplateAdmin(ReasonedAdmin):
    form = TemplateForm
    list_display = ["kind", "language", "title_shown", "is_own"]
    list_filter = [("language", ChoicesDropdownFilter)]
    search_fields = ["kind__exact"]
    search_help_text = _("Whole kind")
    ordering = ["kind", "language"]
    fields = [
        "kind",
        "language",
        "places",
        "title_shipped",
        "title",
        "body_shipped",
        "body",
        "sms_shipped",
        "sms",
        "reason",
    ]
    readonly_fields = [
        "kind",
        "language",
        "places",
        "title_shipped",
        "body_shipped",
        "sms_shipped",
    ]

    @display(description=_("Places"))
    def places(self, row: Template) -> str:
        return " ".join(f"{{{name}}}" for name in KINDS[row.kind].places) or EMPTY

    @display(description=_("Title"))
    def title_shown(self, row: Template) -> str:
        return row.title or shipped(row.kind, row.language).title

    @display(description=_("Words"))
    def is_own(self, row: Template) -> str:
        own = row.title or row.body or row.sms
        return badge(_("changed"), "warn") if own else badge(_("of the product"))

    @display(description=_("Title of the product"))
    def title_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).title

    @display(description=_("Text of the product"))
    def body_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).body or EMPTY

    @display(description=_("SMS of the product"))
    def sms_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).sms or EMPTY

    def update(self, row: Template, *, changes: dict[str, Any], by: Any, reason: str) -> None:
        services.change_words(template=row, changes=changes, by=by, reason=reason)


# --- providers -------------------------------------------------------------------------------
class ProviderForm(ReasonedForm):
    least_balance = AmountField(label=_("alarm below, ₽"))


@admin.register(Provider)
class ProviderAdmin(ReasonedAdmin):
    form = ProviderForm
    list_display = ["name", "by", "health", "per_second", "price_shown", "left", "asked"]
    ordering = ["name"]
    fields = [
        "name",
        "by",
        "health",
        "trouble",
        "left",
        "asked",
        "is_on",
        "per_second",
        "price",
        "least_balance",
        "reason",
    ]
    readonly_fields = ["name", "by", "health", "trouble", "left", "asked"]

    by = column("get_channel_display", _("Channel"), show=lambda words: words())
    price_shown = money("price", _("Price, ₽"))
    left = column("balance", _("Balance, ₽"), show=lambda value: kopecks(int(value * 100)))
    asked = moment("balance_at", _("Balance asked"))

    @display(description=_("State"))
    def health(self, row: Provider) -> str:
        if not row.is_on:
            return badge(_("switched off"))
        if row.rests_until and row.rests_until > timezone.now():
            return badge(_("rests"), "bad")
        return badge(_("works"), "good")

    def update(self, row: Provider, *, changes: dict[str, Any], by: Any, reason: str) -> None:
        services.change_provider(provider=row, changes=changes, by=by, reason=reason)


# --- broadcasts ------------------------------------------------------------------------------
@admin.register(Broadcast)
class BroadcastAdmin(ReadonlyAdmin):
    list_display = ["named", "state_shown", "people", "whose", "second", "asked", "ended"]
    list_display_links = ["named"]
    list_filter = [("state", ChoicesDropdownFilter), days("created_at", _("Asked"))]
    list_select_related = ["asked_by", "approved_by"]
    ordering = ["-created_at", "-id"]
    actions_detail = ["allow", "stop"]
    fields = [
        "named",
        "state_shown",
        "purpose",
        "channels",
        "title_ru",
        "body_ru",
        "title_en",
        "body_en",
        "people",
        "segment_shown",
        "whose",
        "second",
        "asked",
        "ended",
        "progress",
        "records",
    ]

    named = column("name", _("Name"))
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
        said = [f"{name}: {value}" for name, value in row.segment.items()]
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
