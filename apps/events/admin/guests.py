"""Dialogs at one registration: give a seat, remove, mend the mark of attendance."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.models import User
from apps.events import rules, services, watching
from apps.events.admin.deciding import Dialog, ReasonForm, SeatForm, Text, ask
from apps.events.admin.words import bonuses
from apps.events.enums import Place
from apps.events.models import EventRegistration


class MendForm(ReasonForm):
    to = forms.ChoiceField(
        label=_("What is true"),
        choices=[
            (Place.ATTENDED, _("she came")),
            (Place.EXCUSED, _("she did not come and is excused")),
            (Place.NO_SHOW, _("she did not come")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["to", "reason"]


def decide(own: Any, request: HttpRequest, row: EventRegistration, act: str) -> HttpResponse:
    if act not in DIALOGS or (request.method == "GET" and act not in watching.acts_on_place(row)):
        raise Http404
    back = reverse("admin:events_eventregistration_change", args=[row.pk])
    return ask(own, request, row, DIALOGS[act], back=back)


def _seat(row: EventRegistration, given: dict[str, Any], by: User, at: datetime) -> Text:
    if row.member is None:
        raise Http404
    services.seat_by_hand(
        event=row.event,
        member=row.member,
        by=by,
        reason=given["reason"],
        at=at,
        over_limit=given["over_limit"],
    )
    return _("She has a seat.")


def _tell_seat(row: EventRegistration) -> list[str]:
    return [
        _now("She gets a seat at once, past those who wait ahead of her."),
        _now("No bonuses are charged."),
    ]


def _remove(row: EventRegistration, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.remove_registration(registration=row, by=by, reason=given["reason"], at=at)
    return _("Removed. The seat was offered to the next in line.")


def _tell_remove(row: EventRegistration) -> list[str]:
    back = bonuses(row.paid - row.returned)
    return [
        _now("She gets back: %(bonuses)s. She gets no penalty points.") % {"bonuses": back},
        _now("She reads the reason. Her seat goes to the next in line at once."),
    ]


def _mend(row: EventRegistration, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.correct_attendance(
        registration=row, to=given["to"], by=by, reason=given["reason"], at=at
    )
    return _("The mark was mended.")


def _tell_mend(row: EventRegistration) -> list[str]:
    return [
        _now("Now: %(state)s.") % {"state": row.get_state_display()},
        _now("Exactly the points and the bonus that the old mark caused are taken back."),
        _now("«She did not come» gives %(points)d penalty points.")
        % {"points": rules.NO_SHOW_POINTS},
    ]


DIALOGS = {
    "seat": Dialog(_("Give a seat"), _("Give a seat"), _seat, _tell_seat, SeatForm),
    "remove": Dialog(_("Remove from the list"), _("Remove"), _remove, _tell_remove, is_grave=True),
    "mend": Dialog(_("Mend the attendance"), _("Mend"), _mend, _tell_mend, MendForm),
}
