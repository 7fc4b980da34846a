"""Calendar files. One UID an event for ever, SEQUENCE grows with time, place and cancelling."""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar
from icalendar import Event as Entry

from apps.events.enums import Place, State
from apps.events.models import EventRegistration

PRODUCT = "-//Svoy Krug//events//RU"


def calendar(registrations: Iterable[EventRegistration], *, name: str) -> bytes:
    """An .ics of what she goes to. A cancelled event stays, marked so; the address stands there
    only for a confirmed seat."""
    book = Calendar()
    book.add("prodid", PRODUCT)
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", name)
    for registration in registrations:
        book.add_component(_entry(registration))
    return bytes(book.to_ical())


def _entry(registration: EventRegistration) -> Entry:
    event = registration.event
    zone = ZoneInfo(event.zone)
    entry = Entry()
    entry.add("uid", f"{event.pk}@svoykrug")
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("sequence", event.revision)
    entry.add("summary", event.title)
    entry.add("dtstart", event.times.starts_at.astimezone(zone))
    entry.add("dtend", event.times.ends_at.astimezone(zone))
    seated = registration.state in (Place.CONFIRMED, Place.ATTENDED)
    where = ", ".join(filter(None, [event.place, event.address if seated else ""]))
    entry.add("location", where)
    off = event.state == State.CANCELLED or registration.state == Place.EVENT_CANCELLED
    tentative = registration.state in (Place.WAITLISTED, Place.OFFERED)
    entry.add("status", "CANCELLED" if off else "TENTATIVE" if tentative else "CONFIRMED")
    if seated and not off:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _("Soon: %(title)s") % {"title": event.title})
        alarm.add("trigger", timedelta(hours=-3))
        entry.add_component(alarm)
    return entry
