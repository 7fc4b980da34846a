"""What stands in columns and panels of several pages, in words."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.admin_base import badge
from apps.core.money import format_number
from apps.events.enums import Place, Scanned, State
from apps.events.models import Event, EventRegistration

STATE_TONES = {
    State.SUBMITTED: "warn",
    State.CHANGES_REQUESTED: "warn",
    State.THRESHOLD_REACHED: "warn",
    State.SCHEDULED: "warn",
    State.VOTING: "good",
    State.PUBLISHED: "good",
    State.CANCELLED: "bad",
    State.REJECTED: "bad",
    State.DECLINED: "bad",
    State.REMOVED: "bad",
}
PLACE_TONES = {
    Place.CONFIRMED: "good",
    Place.ATTENDED: "good",
    Place.OFFERED: "warn",
    Place.WAITLISTED: "warn",
    Place.NO_SHOW: "bad",
    Place.REMOVED: "bad",
}
SCAN_TONES = {Scanned.OK: "good", Scanned.ALREADY: "warn", Scanned.NEEDS_ANSWER: "warn"}
CHECKS = {
    "title": _("name and description"),
    "times": _("start, end and time zone"),
    "registration": _("registration opens, then closes, before the start"),
    "capacity": _("seats, at least one"),
    "place": _("place and address or link"),
    "contact": _("contact for guests"),
    "notes": _("age and health notes"),
}


def state_of(event: Event) -> str:
    return badge(event.get_state_display(), STATE_TONES.get(State(event.state), "quiet"))


def place_of(row: EventRegistration) -> str:
    return badge(row.get_state_display(), PLACE_TONES.get(Place(row.state), "quiet"))


def bonuses(amount: Any) -> str:
    """`300 бонусов`."""
    whole = int(amount)
    words = ngettext("%(n)s bonus", "%(n)s bonuses", whole)
    return words % {"n": format_number(amount, always_kopecks=False)}


def people(number: int) -> str:
    """`12 человек`."""
    return ngettext("%(n)d person", "%(n)d people", number) % {"n": number}
