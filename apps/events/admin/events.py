"""Curating: one form in tabs, a checklist, decisions as dialogs, the event's life under it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.businesses.zones import ZONES
from apps.core.admin_base import (
    EMPTY,
    AmountField,
    ReasonedAdmin,
    ReasonedForm,
    badge,
    column,
    days,
    link,
    links,
    moment,
)
from apps.core.errors import Invalid, Refused
from apps.events import queries, rules, services, watching
from apps.events.admin import curating, recounting
from apps.events.admin.deciding import CURATE, ask
from apps.events.admin.inlines import (
    CaseInline,
    ChangeInline,
    LineInline,
    RegistrationInline,
    ScanInline,
    SeatInline,
)
from apps.events.admin.words import CHECKS, people, state_of
from apps.events.enums import Kind, State
from apps.events.models import Event


class NewEventForm(forms.Form):
    """What a draft begins with; the rest is filled in on its page."""

    title = forms.CharField(label=_("Title"), max_length=120, widget=UnfoldAdminTextInputWidget)
    business = forms.ModelChoiceField(
        Business.objects.none(),
        label=_("Host partner"),
        required=False,
        help_text=_("Takes the bonuses paid for seats; its staff check tickets"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["business"].queryset = partners().order_by("name")  # type: ignore[attr-defined]


class EventForm(ReasonedForm):
    zone = forms.ChoiceField(label=_("Time zone"), choices=ZONES, widget=UnfoldAdminSelectWidget)
    price = AmountField(label=_("Price, bonuses"))
    attendance_bonus = AmountField(label=_("Bonus for coming"))
    seen = forms.IntegerField(
        label=_("Version seen"), widget=forms.HiddenInput
    )  # the version that the page was made from
    by: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields.get("reason")
        if reason is None:
            return  # nothing of it may be changed
        reason.required = False
        reason.help_text = _("Needed when a published event gets another time or place.")
        self.initial["seen"] = self.instance.version
        self.fields["business"].queryset = partners().order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> Any:
        """The service is tried and taken back, so that a refusal keeps what was typed."""
        given = super().clean() or self.cleaned_data
        changes = changes_of(self)
        if self.errors or not changes:
            return given
        try:
            with transaction.atomic():
                save_plan(self.instance, changes, by=self.by, reason=given.get("reason", ""))
                transaction.set_rollback(True)
        except Invalid as wrong:
            self.add_error(wrong.field if wrong.field in self.fields else None, str(wrong))
        except Refused as refusal:
            self.add_error(None, str(refusal))
        return given


def changes_of(form: Any) -> dict[str, Any]:
    """What differs; with `seen` when the page was opened before somebody else saved."""
    given = form.cleaned_data
    names = [name for name in form.changed_data if name in given and name != "reason"]
    return {name: given[name] for name in names}


def save_plan(row: Event, changes: dict[str, Any], *, by: User, reason: str) -> None:
    changes = dict(changes)
    version = changes.pop("seen", row.version)
    services.change_event(
        event=row, changes=changes, by=by, at=timezone.now(), version=version, reason=reason
    )


class OverdueFilter(DropdownFilter):
    title = _("decision")
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("supported, overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "1":
            return queryset.filter(pk__in=queries.overdue(at=timezone.now()).values("pk"))
        return queryset


class Panels:
    """Read-only parts of the page: what is missing, who is for it, who will come."""

    @display(description=_("State"))
    def state_column(self, event: Event) -> str:
        return state_of(event)

    @display(description=_("Before it goes live"))
    def checklist_shown(self, event: Event) -> str:
        rows = [
            (badge(_("there"), "good") if done else badge(_("missing"), "warn"), CHECKS[name])
            for name, done in services.checklist(event)
        ]
        items = format_html_join("", "<li>{} {}</li>", rows)
        return format_html('<ul class="sk-checks">{}</ul>', items)

    @display(description=_("Decisions"))
    def decisions(self, event: Event) -> str:
        found = [
            (
                reverse("admin:events_event_decide", args=[event.pk, act]),
                curating.DIALOGS[act].title,
            )
            for act in watching.acts_on_event(event, at=timezone.now())
        ]
        if watching.has_door(event, at=timezone.now()):
            found.append((f"/door/{event.pk}/", _("Check-in at the door")))
        return format_html_join(" ", '<a class="sk-list" href="{}">{}</a>', found) or EMPTY

    @display(description=_("Votes"))
    def votes_shown(self, event: Event) -> str:
        if event.need_points is None:
            return EMPTY
        points, voters = services.tally(event)
        lines = [
            _now("%(points)d points of %(need)d") % {"points": points, "need": event.need_points},
            _now("%(people)s, at least %(need)d are needed")
            % {"people": people(voters), "need": event.need_voters},
        ]
        told = format_html_join("", "<p>{}</p>", [(line,) for line in lines])
        again = reverse("admin:events_event_recount", args=[event.pk])
        words = _now("Count the votes again")
        return format_html('{}<p><a class="sk-list" href="{}">{}</a></p>', told, again, words)

    @display(description=_("By tier"))
    def tiers_shown(self, event: Event) -> str:
        groups = watching.votes_by_tier(event)
        lines = [
            (tier, _now("%(people)s, %(points)d points") % {"people": people(n), "points": points})
            for tier, n, points in groups
        ]
        note = _now("Groups of fewer than %(least)d people are not shown.")
        told = format_html_join("", "<p>{}: {}</p>", lines)
        least = {"least": rules.AUTHOR_SEES_GROUPS_FROM}
        return format_html("{}<p>{}</p>", told, note % least)

    @display(description=_("Who is likely to come"))
    def forecast_shown(self, event: Event) -> str:
        if event.state != State.PUBLISHED:
            return EMPTY
        seen = queries.forecast(event)
        words = _now(
            "Of %(confirmed)d about %(expected)s are likely to come, judged by what they did "
            "before. Safe to invite over the seats: %(more)d."
        )
        expected = f"{seen.expected:.1f}".replace(".", ",")
        return words % {
            "confirmed": seen.confirmed,
            "expected": expected,
            "more": seen.over_invite,
        }

    @display(description=_("Lists"))
    def records(self, event: Event) -> str:
        mine: dict[str, object] = {"event__id__exact": event.pk}
        return links(
            [
                ("events_eventregistration", _("Registrations"), mine),
                ("events_scan", _("Scans"), mine),
                ("events_voterecord", _("Votes"), mine),
                ("core_auditentry", _("Audit log"), {"object_id": event.pk}),
            ]
        )


@admin.register(Event)
class EventAdmin(Panels, ReasonedAdmin):
    form = EventForm
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}
    list_display = ["title", "kind", "state_column", "starts", "seats", "waits", "support", "host"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("business", RelatedDropdownFilter),
        OverdueFilter,
        days("starts_at", _("Starts")),
    ]
    list_select_related = ["business"]
    search_fields = ["title", "city"]
    search_help_text = _("Title or city")
    ordering = ["-created_at", "-id"]
    inlines = [
        LineInline,
        RegistrationInline,
        SeatInline,
        ScanInline,
        CaseInline,
        ChangeInline,
    ]
    shown = ["state_column", "checklist_shown", "decisions", "author", "votes_shown"]
    shown += ["tiers_shown", "voting_ends", "forecast_shown", "records"]
    plan = [
        (_("What"), ["title", "description", "city", "business", "author", "notes", "question"]),
        (_("When and where"), ["zone", "starts_at", "ends_at", "place", "address", "contact"]),
        (
            _("Registration and money"),
            [
                "opens_at",
                "closes_at",
                "capacity",
                "guests_allowed",
                "price",
                "deposit",
                "free_cancel_hours",
                "late_return_percent",
                "attendance_bonus",
                "forecast_shown",
            ],
        ),
        (_("Voting"), ["votes_shown", "tiers_shown", "voting_ends"]),
    ]

    author = column("creator", _("Author"), show=link)
    host = column("business", _("Host partner"), show=link)
    starts = moment("starts_at", _("Starts"), ordering="starts_at")
    voting_ends = moment("voting_until", _("Voting until"))
    waits = column("line_length", _("Wait"))

    @display(description=_("Seats"))
    def seats(self, event: Any) -> str:
        return f"{event.taken} / {event.capacity}" if event.capacity else EMPTY

    @display(description=_("Support"))
    def support(self, event: Any) -> str:
        if event.need_points is None:
            return EMPTY
        return f"{event.points} / {event.need_points} · {event.voters} / {event.need_voters}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return watching.with_numbers(super().get_queryset(request)).select_related(
            "business", "creator"
        )

    # --- the form --------------------------------------------------------------------------------
    def is_open(self, event: Event | None) -> bool:
        """Whether a curator may change it: her own draft, what she took on, what is live."""
        if event is None:
            return False
        if event.state == State.DRAFT:
            return event.kind == Kind.CURATED
        return event.state in (State.SCHEDULED, State.PUBLISHED)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        top = ["state_column", "checklist_shown", "decisions"]
        if obj is not None and obj.state not in (State.DRAFT, State.SCHEDULED):
            top.remove("checklist_shown")
        shown = {} if self.is_open(obj) else {"zone": "zone_shown"}
        tabs = [
            (name, {"fields": [shown.get(one, one) for one in fields], "classes": ["tab"]})
            for name, fields in self.plan
            if name != _("Voting") or obj is None or obj.need_points is not None
        ]
        why = ["records", "reason", "seen"] if self.is_open(obj) else ["records"]
        return [(None, {"fields": top}), *tabs, (_("Records"), {"fields": why})]

    @display(description=_("Time zone"))
    def zone_shown(self, event: Event) -> str:
        return str(dict(ZONES).get(event.zone, event.zone))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if self.is_open(obj):
            return self.shown
        return [*flatten_fieldsets(self.get_fieldsets(request, obj)), "reason", "seen"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kw: Any
    ) -> Any:
        made = super().get_form(request, obj, change=change, **kw)
        return type(made.__name__, (made,), {"by": request.user})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if not self.is_open(kwargs.get("obj")):
            names = ("show_save", "show_save_and_continue", "show_save_and_add_another")
            context |= dict.fromkeys(names, False)
        return super().render_change_form(request, context, *args, **kwargs)

    def update(self, row: Event, *, changes: dict[str, Any], by: User, reason: str) -> None:
        save_plan(row, changes, by=by, reason=reason)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        changes = changes_of(form)
        if changes:
            reason = form.cleaned_data["reason"]
            self.update(obj, changes=changes, by=request.user, reason=reason)

    # --- pages of its own ------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        own = [
            path("new/", guard(never_cache(self.new)), name="events_event_new"),
            path(
                "<uuid:pk>/do/<slug:act>/",
                guard(never_cache(self.decide)),
                name="events_event_decide",
            ),
            path(
                "<uuid:pk>/recount/",
                guard(never_cache(self.recount)),
                name="events_event_recount",
            ),
        ]
        return own + super().get_urls()

    def new(self, request: HttpRequest) -> HttpResponse:
        """A draft; its page asks for the rest."""
        by: Any = request.user
        if not rights.may(CURATE, job=by.job):
            raise PermissionDenied
        form = NewEventForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            data = {**form.cleaned_data, "city": getattr(form.cleaned_data["business"], "city", "")}
            event = services.create_event(data, by, at=timezone.now())
            return redirect("admin:events_event_change", event.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("New event"),
            "form": form,
            "opts": Event._meta,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/events/event/new.html", context, status=status)

    def recount(self, request: HttpRequest, pk: Any) -> HttpResponse:
        return recounting.recount(self, request, pk)

    def decide(self, request: HttpRequest, pk: Any, act: str) -> HttpResponse:
        event = get_object_or_404(Event.objects.select_related("business"), pk=pk)
        open_acts = watching.acts_on_event(event, at=timezone.now())
        if act not in curating.DIALOGS or (request.method == "GET" and act not in open_acts):
            raise Http404
        back = reverse("admin:events_event_change", args=[event.pk])
        return ask(self, request, event, curating.DIALOGS[act], back=back)
