"""Dialogs at one event: publish, cancel, take a proposal on, decline, remove, seat a guest."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.events import rules, services, watching
from apps.events.admin.deciding import CancelForm, Dialog, NewGuestForm, NoForm, Text
from apps.events.admin.words import CHECKS, bonuses, people
from apps.events.models import Event


def missing_of(event: Event) -> list[str]:
    """What the checklist still asks for, in words."""
    return [str(CHECKS[name]) for name, done in services.checklist(event) if not done]


def _moment(value: datetime | None) -> str:
    return date_format(timezone.localtime(value), "j E, G:i") if value else "—"


# --- live and not --------------------------------------------------------------------------------
def _publish(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.publish_event(event=event, by=by, at=at)
    return _("The event is published.")


def _tell_publish(event: Event) -> list[str]:
    missing = missing_of(event)
    if missing:
        return [_now("It cannot go live yet. Missing: %(list)s.") % {"list": "; ".join(missing)}]
    told = [
        _now("Every member sees it in the app and in the calendar."),
        _now("Registration opens on %(moment)s for %(people)s.")
        % {"moment": _moment(event.opens_at), "people": people(event.capacity)},
        _cost(event),
    ]
    if event.question:
        told.append(
            _now("Every guest is asked «%(question)s», in the app or at the door.")
            % {"question": event.question}
        )
    if event.is_early:
        told.append(
            _now("Those who voted for it register %(hours)d hours earlier.")
            % {"hours": rules.EARLY_HOURS}
        )
    return told


def _cost(event: Event) -> str:
    if event.deposit and event.price > 0:
        words = _now(
            "A deposit is set aside: %(bonuses)s. It is given back on entry and kept from those "
            "who do not come, a day after the end."
        )
    else:
        words = _now(
            "A seat costs: %(bonuses)s. Price and returns stay once somebody has registered."
        )
    return words % {"bonuses": bonuses(event.price)}


def _cancel(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.cancel_event(
        event=event, by=by, reason=given["reason"], at=at, comfort=given["comfort"]
    )
    return _("The event is cancelled, people are told, bonuses are back.")


def _tell_cancel(event: Event) -> list[str]:
    felt = watching.cancelling(event)
    return [
        _now("Told at once: %(people)s, those on the waiting list too.")
        % {"people": people(felt.people)},
        _now("Returned in full: %(bonuses)s. Nobody gets penalty points.")
        % {"bonuses": bonuses(felt.returned)},
        _now("This cannot be undone: a cancelled event does not open again."),
    ]


def _complete(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.complete_event(event=event, by=by, at=at)
    return _("The event is over. Attendance can be mended for a day.")


def _tell_complete(event: Event) -> list[str]:
    return [
        _now("The waiting list ends."),
        _now("In %(hours)d hours who was not checked in gets %(points)d penalty points.")
        % {"hours": rules.GRACE_HOURS, "points": rules.NO_SHOW_POINTS},
    ]


# --- a proposal ----------------------------------------------------------------------------------
def _schedule(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.schedule_event(event=event, plan={}, by=by, at=at)
    return _("Taken on. Fill in when, where and for how much, then publish.")


def _tell_schedule(event: Event) -> list[str]:
    points, voters = services.tally(event)
    return [
        _now("Supported by %(people)s with %(points)d points.")
        % {"people": people(voters), "points": points},
        _now("Votes stay as they are. Supporters will register a day before everybody."),
    ]


def _decline(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.decline_supported(event=event, by=by, reason=given["reason"], at=at)
    return _("Declined. Everybody reads the reason.")


def _tell_decline(event: Event) -> list[str]:
    _points, voters = services.tally(event)
    return [
        _now("The reason is public: the author and %(people)s who voted read it.")
        % {"people": people(voters)}
    ]


def _remove(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.remove_proposal(event=event, by=by, reason=given["reason"], at=at)
    return _("Removed.")


def _tell_remove(event: Event) -> list[str]:
    return [
        _now("Only for reasons of law or safety: the proposal is hidden and its votes are void."),
        _now("The author reads the reason."),
    ]


# --- a guest by hand -----------------------------------------------------------------------------
def _guest(event: Event, given: dict[str, Any], by: User, at: datetime) -> Text:
    services.seat_by_hand(
        event=event,
        member=given["who"],
        by=by,
        reason=given["reason"],
        at=at,
        over_limit=given["over_limit"],
    )
    return _("She has a seat.")


def _tell_guest(event: Event) -> list[str]:
    free = event.seats.filter(registration__isnull=True).count()
    return [
        _now("Free seats: %(free)d. No bonuses are charged.") % {"free": free},
        _now("The waiting list is passed over: say why."),
    ]


DIALOGS = {
    "publish": Dialog(_("Publish the event"), _("Publish"), _publish, _tell_publish, NoForm),
    "cancel": Dialog(
        _("Cancel the event"),
        _("Cancel the event"),
        _cancel,
        _tell_cancel,
        CancelForm,
        is_grave=True,
    ),
    "complete": Dialog(_("End the event"), _("End"), _complete, _tell_complete, NoForm),
    "schedule": Dialog(_("Take the proposal on"), _("Take on"), _schedule, _tell_schedule, NoForm),
    "decline": Dialog(
        _("Decline the proposal"), _("Decline"), _decline, _tell_decline, is_grave=True
    ),
    "remove": Dialog(_("Remove the proposal"), _("Remove"), _remove, _tell_remove, is_grave=True),
    "guest": Dialog(_("Seat a guest by hand"), _("Seat"), _guest, _tell_guest, NewGuestForm),
}
