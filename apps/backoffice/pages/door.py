"""The entrance of an event: tickets are scanned or typed, guests without a phone found by name.

A form carries its own nonce, so that a page sent twice answers the same and lets nobody in twice.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.backoffice.pages.access import BY_PIN, mine
from apps.backoffice.pages.reading import repaired
from apps.backoffice.pages.till.place import stands
from apps.core.errors import Refused
from apps.events import watching
from apps.events.enums import Scanned
from apps.events.models import Event, Scan
from apps.events.services import Seen, Shown, annul_scan, check_in, tickets

TONES = {Scanned.OK: "good", Scanned.ALREADY: "warn", Scanned.NEEDS_ANSWER: "ask"}
ANSWERS = {"yes": True, "no": False}
DEVICE = _("entrance page")


class AnswerForm(forms.Form):
    """What she said to the event's question, when she was asked here."""

    answer = forms.ChoiceField(choices=[(one, one) for one in ANSWERS], required=False)


class TicketForm(AnswerForm):
    nonce = forms.UUIDField()
    code = forms.CharField(
        max_length=400, error_messages={"required": _("Scan a ticket or type its code.")}
    )

    def clean_code(self) -> str:
        """A scanner on a Russian layout types Russian letters: they are read by their place."""
        code = self.cleaned_data["code"].strip()
        return code if tickets.read(code) else repaired(code)


class ByNameForm(AnswerForm):
    nonce = forms.UUIDField()
    guest = forms.UUIDField()
    checked = forms.BooleanField(
        error_messages={"required": _("Look at a document first, then tick «identity checked».")}
    )


class FindGuestForm(forms.Form):
    who = forms.CharField(
        min_length=2,
        max_length=60,
        error_messages={
            "required": _("Enter a name or the last 4 digits of her card."),
            "min_length": _("Enter at least two letters of the name."),
        },
    )


class WhyForm(forms.Form):
    scan = forms.UUIDField()
    reason = forms.CharField(
        min_length=10,
        max_length=300,
        error_messages={
            "required": _("Say why, in at least 10 characters."),
            "min_length": _("Say why, in at least 10 characters."),
        },
    )


def _mine(request: HttpRequest, *, at: datetime) -> Any:
    hosted = BY_PIN not in request.session  # a PIN opens the till's own business, nothing else
    return watching.doors_of(request.user, mine(request), at=at, hosted=hosted)


def _event(request: HttpRequest, pk: UUID) -> Event:
    event: Event | None = _mine(request, at=timezone.now()).filter(pk=pk).first()
    if event is None:
        raise Http404
    return event


@stands("pages.door")
@require_GET
def doors(request: HttpRequest) -> HttpResponse:
    """The events at whose door she may stand, soonest first."""
    at = timezone.now()
    events = list(_mine(request, at=at))
    context = {
        "now": [one for one in events if _is_open(one, at)],
        "later": [one for one in events if not _is_open(one, at) and one.times.ends_at > at],
        "past": [one for one in events if one.times.ends_at <= at],
        "empty": not events,
    }
    return render(request, "backoffice/door/list.html", context)


def _is_open(event: Event, at: datetime) -> bool:
    since, until = tickets.window(event)
    return since <= at <= until


@stands("pages.door")
@require_http_methods(["GET", "POST"])
def entrance(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET shows the page, POST takes a ticket, or a guest found by name."""
    event = _event(request, pk)
    if request.method == "GET":
        return _show(request, event)
    form: forms.Form = (ByNameForm if "guest" in request.POST else TicketForm)(request.POST)
    if not form.is_valid():
        return _refuse(request, event, form)
    given = form.cleaned_data
    shown = Shown(
        nonce=str(given["nonce"]),
        at=timezone.now(),
        code=given.get("code", ""),
        registration_id=given.get("guest"),
        device=str(DEVICE),
        identity_checked=given.get("checked", False),
        answer=ANSWERS.get(given["answer"]),
    )
    try:
        seen = check_in(event=event, shown=[shown], by=request.user, at=timezone.now())[0]
    except Refused as refusal:
        return _show(request, event, problem=str(refusal), status=422)
    return _show(request, event, seen=seen, code=shown.code)


def _refuse(request: HttpRequest, event: Event, form: forms.Form) -> HttpResponse:
    """The same page with what is wrong, and with the guests she was choosing from."""
    problem = next(iter(form.errors.values()))[0]
    if isinstance(form, TicketForm):
        return _show(request, event, problem=problem, status=422)
    sought = request.POST.get("sought", "")[:60]
    guests = watching.guests_named(event, sought)
    more = {"guests": guests, "sought": sought, "find_problem": problem}
    return _show(request, event, status=422, **more)


@stands("pages.door")
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The name stays in the body, never in an address."""
    event = _event(request, pk)
    if request.method == "GET":
        return redirect("backoffice:door_event", pk)
    form = FindGuestForm(request.POST)
    if not form.is_valid():
        return _show(request, event, find_problem=form.errors["who"][0], status=422)
    guests = watching.guests_named(event, form.cleaned_data["who"])
    return _show(request, event, guests=guests, sought=form.cleaned_data["who"])


@stands("pages.door", is_touch=False)
@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Counters and the last scans, asked by the page every few seconds."""
    event = _event(request, pk)
    return render(request, "backoffice/door/_live.html", _live(event) | {"event": event})


@stands("pages.door")
@require_http_methods(["GET", "POST"])
def annul(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A wrong scan, with a reason; she is outside again."""
    event = _event(request, pk)
    given = request.POST if request.method == "POST" else request.GET
    scan = _scan(event, given.get("scan", ""))
    if scan is None:
        return redirect("backoffice:door_event", pk)
    form = WhyForm(request.POST if request.method == "POST" else None)
    problem = ""
    if form.is_bound and form.is_valid():
        try:
            annul_scan(
                scan=scan, by=request.user, reason=form.cleaned_data["reason"], at=timezone.now()
            )
        except Refused as refusal:
            problem = str(refusal)
        else:
            return redirect("backoffice:door_event", pk)
    context = {"event": event, "scan": scan, "form": form, "problem": problem}
    status = 422 if form.is_bound else 200
    return render(request, "backoffice/door/annul.html", context, status=status)


def _scan(event: Event, text: str) -> Scan | None:
    try:
        return event.scans.select_related("registration__member").filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _live(event: Event) -> dict[str, Any]:
    at = timezone.now()
    scans = watching.last_scans(event)
    return {
        "counters": watching.counters(event),
        "scans": [
            (scan, TONES.get(Scanned(scan.result), "bad"), watching.may_be_annulled(scan, at=at))
            for scan in scans
        ],
    }


def _show(
    request: HttpRequest, event: Event, *, status: int = 200, seen: Seen | None = None, **more: Any
) -> HttpResponse:
    part = request.htmx and not request.htmx.history_restore_request
    context = more | _live(event) | {"event": event}
    if seen:
        context["result"] = seen
        context["tone"] = TONES.get(Scanned(seen.scan.result), "bad")
    name = "_entrance" if part else "entrance"
    response = render(request, f"backoffice/door/{name}.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
