"""Events from the control side: who has a seat and who waits, what was paid, who came in, and the
decisions that people feel, each with a reason."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.queries import find_member
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, page_of, reason_of, without_page
from apps.core.errors import Invalid, NotFound
from apps.core.money import parse_amount
from apps.events import queries, rules, services, watching
from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration
from apps.events.words import why_not

LINE = 50  # of those who wait
HISTORY = 15
WHEN = [("", _("to come")), ("past", _("over")), ("all", _("all"))]
SOON = (State.SCHEDULED, State.PUBLISHED, State.THRESHOLD_REACHED)
OVER = (State.COMPLETED, State.CANCELLED)
MARKS = [
    (Place.ATTENDED, _("she came")),
    (Place.EXCUSED, _("she did not come and is excused")),
    (Place.NO_SHOW, _("she did not come")),
]


class ComfortTooLarge(Invalid):
    message = _("1 000 bonuses at most.")
    field = "comfort"


class NobodyByThis(Invalid):
    message = _("There is no member with this phone or card.")
    field = "who"


@for_jobs("pages.control")
@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """The calendar of the curator: soonest first, the past newest first."""
    when = request.GET.get("when", "")
    rows = watching.with_numbers(Event.objects.select_related("business"))
    if when != "all":
        rows = rows.filter(state__in=OVER if when == "past" else SOON)
    order = ["starts_at", "pk"] if not when else ["-starts_at", "-pk"]
    page = page_of(request, rows.order_by(*order))
    context = {
        "page": page,
        "asked": without_page(request),
        "when": when,
        "choices": WHEN,
    }
    return render(request, "backoffice/control/events.html", context)


def _find(pk: UUID) -> Event:
    event = Event.objects.select_related("business", "creator").filter(pk=pk).first()
    if event is None:
        raise Http404
    return event


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def event(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET shows, POST decides. A refusal is said above the page."""
    found = _find(pk)
    if request.method == "POST":
        return _act(request, found)
    at = timezone.now()
    context = _live(found) | _people(request, found, at=at)
    context |= {
        "now": at,
        "seats": watching.ledger_of(found),
        "money": watching.money_of(found),
        "felt": watching.cancelling(found),
        "acts": [one for one in watching.acts_on_event(found, at=at) if one in ON_EVENT],
        "has_door": watching.has_door(found, at=at),
        "marks": MARKS,
        "grace": rules.GRACE_HOURS,
        "trail": _trail(found),
    }
    return render(request, "backoffice/control/event.html", context)


@for_jobs("pages.control")
@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who came in, asked again by the page while the doors are open."""
    return render(request, "backoffice/control/_event_live.html", _live(_find(pk)))


def _live(event: Event) -> dict[str, Any]:
    return {
        "event": event,
        "counters": watching.counters(event),
        "scans": watching.last_scans(event),
    }


def _people(request: HttpRequest, event: Event, *, at: datetime) -> dict[str, Any]:
    """Those with a seat and those who had one, page by page; those who wait, in order."""
    state = request.GET.get("state", "")
    rows = event.registrations.exclude(state=Place.WAITLISTED)
    if state in Place.values:
        rows = rows.filter(state=state)
    page = page_of(request, _with_members(rows).order_by("-joined_at", "-pk"))
    waiting = watching.in_line(event.registrations.all(), at=at)
    line = list(_with_members(waiting)[: LINE + 1])
    phase = watching.phase_of_line(event, at=at)
    return {
        "page": page,
        "rows": [(one, _acts_on(one, event)) for one in page],
        "line": [(one, _why(one, phase=phase), _acts_on(one, event)) for one in line[:LINE]],
        "more_in_line": len(line) > LINE,
        "state": state,
        "states": [choice for choice in Place.choices if choice[0] != Place.WAITLISTED],
        "asked": without_page(request),
    }


def _with_members(rows: QuerySet[EventRegistration]) -> QuerySet[EventRegistration]:
    return rows.select_related("member__tier").prefetch_related("seats")


def _acts_on(row: EventRegistration, event: Event) -> list[str]:
    row.event = event  # one and the same: it is not asked for again
    return watching.acts_on_place(row)


def _why(row: Any, *, phase: str) -> str:
    code = queries.why_waiting(row, points=row.points_now, position=row.position)
    return why_not(code, position=row.position, phase=phase)


def _trail(event: Event) -> list[tuple[Any, str]]:
    """What happened to the event: the state it came to, or that it was edited."""
    names = dict(State.choices)
    rows = event.changes.select_related("by").order_by("-pk")[:HISTORY]
    return [
        (
            row,
            _now("edited")
            if row.before == row.after
            else str(names.get(State(row.after), row.after)),
        )
        for row in rows
    ]


# --- decisions -----------------------------------------------------------------------------------
def _act(request: HttpRequest, event: Event) -> HttpResponse:
    by = cast(User, request.user)
    if not rights.may("events.curate", job=by.job):
        raise PermissionDenied
    deed = (ON_EVENT | ON_PLACE).get(request.POST.get("act", ""))
    if deed is None:
        raise Http404
    decide, done = deed
    acted(request, lambda: decide(request, event, by, timezone.now()), done)
    return redirect("backoffice:control_event", event.pk)


def _cancel(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    comfort = Decimal(0)
    if typed := request.POST.get("comfort", "").strip():
        comfort = parse_amount(typed, zero_allowed=True)
    if comfort > rules.COMFORT_MOST:
        raise ComfortTooLarge
    services.cancel_event(event=event, by=by, reason=reason_of(request), at=at, comfort=comfort)


def _complete(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    services.complete_event(event=event, by=by, at=at)


def _guest(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    member = find_member(request.POST.get("who", "").strip())
    if member is None:
        raise NobodyByThis
    services.seat_by_hand(
        event=event,
        member=member,
        by=by,
        reason=reason_of(request),
        at=at,
        over_limit="over_limit" in request.POST,
    )


def _row(request: HttpRequest, event: Event) -> EventRegistration:
    """The registration that the form names, of this very event."""
    try:
        wanted = UUID(request.POST.get("row", ""))
    except ValueError as wrong:
        raise NotFound from wrong
    row = event.registrations.select_related("member").filter(pk=wanted).first()
    if row is None:
        raise NotFound
    return row


def _seat(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    row = _row(request, event)
    if row.member is None:
        raise NotFound
    services.seat_by_hand(
        event=event,
        member=row.member,
        by=by,
        reason=reason_of(request),
        at=at,
        over_limit="over_limit" in request.POST,
    )


def _remove(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    row = _row(request, event)
    services.remove_registration(registration=row, by=by, reason=reason_of(request), at=at)


def _mend(request: HttpRequest, event: Event, by: User, at: datetime) -> None:
    to = request.POST.get("to", "")
    if to not in dict(MARKS):
        raise NotFound
    services.correct_attendance(
        registration=_row(request, event), to=to, by=by, reason=reason_of(request), at=at
    )


Deed = tuple[Callable[[HttpRequest, Event, User, datetime], None], str | Promise]
ON_EVENT: dict[str, Deed] = {
    "cancel": (_cancel, _("The event is cancelled, people are told, bonuses are back.")),
    "complete": (_complete, _("The event is over. Attendance can be mended for a day.")),
    "guest": (_guest, _("She has a seat.")),
}
ON_PLACE: dict[str, Deed] = {
    "seat": (_seat, _("She has a seat.")),
    "remove": (_remove, _("Removed. The seat was offered to the next in line.")),
    "mend": (_mend, _("The mark was mended.")),
}
