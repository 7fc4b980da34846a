"""Tabs under an event: the line with its reasons, seats, registrations, scans, history."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.admin_base import EMPTY, ReadonlyInline, badge, column, link, moment
from apps.core.money import format_number
from apps.events import queries, rules, watching
from apps.events.admin.words import SCAN_TONES, place_of
from apps.events.enums import Place, Scanned, State
from apps.events.models import (
    Case,
    Event,
    EventChange,
    EventRegistration,
    Penalty,
    RegistrationChange,
    Scan,
    Seat,
)
from apps.events.words import why_not

ACT_WORDS = {"seat": _("Give a seat"), "remove": _("Remove"), "mend": _("Mend the mark")}


def act_links(row: EventRegistration) -> str:
    found = [
        (reverse("admin:events_eventregistration_decide", args=[row.pk, act]), ACT_WORDS[act])
        for act in watching.acts_on_place(row)
    ]
    return format_html_join(" ", '<a class="sk-list" href="{}">{}</a>', found) if found else EMPTY


def seat_numbers(row: EventRegistration) -> str:
    """`4`, `4, 5`, `21 (over the limit)`."""
    told = [
        f"{seat.number} ({_('over the limit')})" if seat.over_limit else str(seat.number)
        for seat in sorted(row.seats.all(), key=lambda seat: seat.number)
    ]
    return ", ".join(told) or EMPTY


class RegistrationColumns:
    person = column("member", _("Member"), show=link)
    since = moment("joined_at", _("Since"))
    spent = column("paid", _("Paid, bonuses"), show=format_number)
    back = column("returned", _("Returned, bonuses"), show=format_number)

    @display(description=_("State"))
    def state_shown(self, row: EventRegistration) -> str:
        return place_of(row)

    @display(description=_("Seat"))
    def seats_shown(self, row: EventRegistration) -> str:
        return seat_numbers(row)

    @display(description=_("Decisions"))
    def decisions(self, row: EventRegistration) -> str:
        return act_links(row)


class LineInline(RegistrationColumns, ReadonlyInline):
    """Who waits, in order, each with what must happen for an offer."""

    model = EventRegistration
    tab = True
    ordering = ("band", "turn", "id")
    verbose_name_plural = _("waiting list")
    fields = ["place", "person", "since", "guests", "auto_accept", "why", "decisions"]

    place = column("position", _("Place in line"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventRegistration]:
        rows = super().get_queryset(request).select_related("member", "event")
        return watching.in_line(rows, at=timezone.now())

    @display(description=_("Why not promoted"))
    def why(self, row: Any) -> str:
        code = queries.why_waiting(row, points=row.points_now, position=row.position)
        return why_not(
            code, position=row.position, phase=watching.phase_of_line(row.event, at=timezone.now())
        )


class RegistrationInline(RegistrationColumns, ReadonlyInline):
    model = EventRegistration
    tab = True
    ordering = ("-joined_at", "-id")
    verbose_name_plural = _("registrations")
    fields = ["person", "state_shown", "seats_shown", "guests", "since", "spent", "back"]
    fields += ["reason", "decisions"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventRegistration]:
        rows = super().get_queryset(request).exclude(state=Place.WAITLISTED)
        return rows.select_related("member", "event").prefetch_related("seats")


class SeatInline(ReadonlyInline):
    model = Seat
    tab = True
    verbose_name_plural = _("all seats")
    ordering = ("number",)
    per_page = 40
    fields = ["number", "held_by", "held_as", "mark"]

    held_by = column("registration__member", _("Member"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Seat]:
        return super().get_queryset(request).select_related("registration__member")

    @display(description=_("State"))
    def held_as(self, seat: Seat) -> str:
        return place_of(seat.registration) if seat.registration else badge(_("free"))

    @display(description=_("Mark"))
    def mark(self, seat: Seat) -> str:
        if seat.over_limit:
            return badge(_("over the limit"), "warn")
        return badge(_("goes when she leaves"), "warn") if seat.leaving else EMPTY


class ScanColumns:
    on_device = moment("device_at", _("Device time"))
    on_server = moment("server_at", _("Server time"))
    guest = column("registration", _("Registration"), show=lambda row: link(row, _guest(row)))
    hand = column("by", _("By"), show=link)

    @display(description=_("Result"))
    def result_shown(self, scan: Scan) -> str:
        return badge(scan.get_result_display(), SCAN_TONES.get(Scanned(scan.result), "bad"))

    @display(description=_("Worth a look"))
    def conflict(self, scan: Scan) -> str:
        if scan.annulled_at:
            return badge(_("annulled"))
        if scan.is_double:
            return badge(_("let in by two devices offline"), "warn")
        if scan.would_refuse:
            return badge(_("let in offline, would have been refused"), "warn")
        late = (scan.server_at - scan.device_at).total_seconds() > rules.LATE_SCAN_MINUTES * 60
        off = abs(scan.clock_offset or 0) > rules.CLOCK_OFF_SECONDS
        told = [badge(_("arrived late"))] if late else []
        told += [badge(clock_words(scan.clock_offset or 0), "warn")] if off else []
        return format_html_join(" ", "{}", [(one,) for one in told]) if told else EMPTY


def clock_words(ahead: int) -> str:
    """`clock 5 min fast`."""
    words = _("clock %(n)d min fast") if ahead > 0 else _("clock %(n)d min slow")
    return str(words) % {"n": round(abs(ahead) / 60)}


def _guest(row: EventRegistration) -> str:
    return str(row.member or _("erased"))


class ScanInline(ScanColumns, ReadonlyInline):
    model = Scan
    tab = True
    ordering = ("-server_at", "-id")
    fields = ["on_device", "result_shown", "guest", "device", "hand", "conflict", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scan]:
        return super().get_queryset(request).select_related("registration__member", "by")


class ScanOfGuestInline(ScanInline):
    tab = False
    fields = ["on_device", "on_server", "result_shown", "device", "hand", "conflict", "reason"]


class CaseColumns:
    opened = moment("opened_at", _("Opened"))
    decided = moment("decided_at", _("Decided"))
    who_decided = column("decided_by", _("Decided by"), show=link)
    claimed = column("claimed_by", _("Moderator"), show=link)

    @display(description=_("Decision"))
    def decision_shown(self, case: Case) -> str:
        if not case.decision:
            return badge(_("in the queue"), "warn")
        return badge(case.get_decision_display(), "good" if case.decision == "approve" else "quiet")


class CaseInline(CaseColumns, ReadonlyInline):
    model = Case
    tab = True
    ordering = ("-opened_at",)
    fields = ["opened", "decision_shown", "reason", "comment", "who_decided", "decided"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return super().get_queryset(request).select_related("decided_by")


def field_name(name: str) -> object:
    """`начало` of `starts_at`: what was edited, as the form calls it."""
    known = {field.name: field for field in Event._meta.fields}
    return known[name].verbose_name if name in known else name


class ChangeInline(ReadonlyInline):
    model = EventChange
    tab = True
    verbose_name_plural = _("history")
    fields = ["when", "move", "hand", "reason"]

    when = moment("at", _("Time"))
    hand = column("by", _("By"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventChange]:
        return super().get_queryset(request).select_related("by")

    @display(description=_("Change"))
    def move(self, row: EventChange) -> str:
        states = dict(State.choices)
        after = str(states.get(row.after, row.after))
        if row.before == row.after:
            names = ", ".join(str(field_name(one)) for one in row.snapshot)
            return str(_("edited: %(names)s")) % {"names": names or after}
        return f"{states.get(row.before, '')} → {after}".strip()


class StepInline(ReadonlyInline):
    model = RegistrationChange
    verbose_name_plural = _("history")
    fields = ["when", "move", "hand", "reason"]

    when = moment("at", _("Time"))
    hand = column("by", _("By"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegistrationChange]:
        return super().get_queryset(request).select_related("by")

    @display(description=_("Change"))
    def move(self, row: RegistrationChange) -> str:
        names = dict(Place.choices)
        return f"{names.get(row.before, '')} → {names.get(row.after, row.after)}".strip()


class PenaltyColumns:
    given = moment("given_at", _("Given"))
    lapses = moment("lapses_at", _("Lapses"))
    back = moment("removed_at", _("Taken back"))


class PenaltyInline(PenaltyColumns, ReadonlyInline):
    model = Penalty
    fields = ["points", "cause", "given", "lapses", "back"]
