"""Seats are rows: taken by pointing them at a registration, never counted up and down."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Max

from apps.core.errors import Refused
from apps.events.models import Event, EventRegistration, Seat


class SeatsGone(Refused):
    code = "EVENT_FULL"


def make_seats(event: Event, *, upto: int) -> None:
    """Rows 1…`upto`; those that are there already stay."""
    Seat.objects.bulk_create(
        [Seat(event=event, number=number) for number in range(1, upto + 1)], ignore_conflicts=True
    )


def free_seats(event: Event) -> int:
    return event.seats.filter(registration__isnull=True).count()


def take_seats(event: Event, registration: EventRegistration) -> bool:
    """All the seats she wants, or none. A conditional update, so that even a caller who forgot
    the event's lock cannot seat two on one. Raises SeatsGone when somebody was faster."""
    wanted = registration.seats_wanted
    free = event.seats.filter(registration__isnull=True).order_by("number")
    chosen = list(free.values_list("pk", flat=True)[:wanted])
    if len(chosen) < wanted:
        return False
    taken = Seat.objects.filter(pk__in=chosen, registration__isnull=True).update(
        registration=registration
    )
    if taken != wanted:
        raise SeatsGone
    return True


def add_extra_seat(event: Event, registration: EventRegistration) -> None:
    """A seat over the limit: its own number above all others, gone when she goes."""
    top = event.seats.aggregate(top=Max("number"))["top"] or 0
    for number in range(top + 1, top + 1 + registration.seats_wanted):
        Seat.objects.create(event=event, number=number, registration=registration, over_limit=True)


def sit_again(event: Event, registration: EventRegistration) -> None:
    """A mended mark: who was there had a seat, also when the rows have become fewer since."""
    if not take_seats(event, registration):
        add_extra_seat(event, registration)


def give_up_seats(registrations: Iterable[UUID]) -> int:
    """Seats of these registrations are free again; those over the limit disappear, and of a
    lowered capacity as many as people leave. How many were held."""
    held = Seat.objects.filter(registration__in=list(registrations))
    events = set(held.values_list("event", flat=True))
    gone = held.exclude(over_limit=False, leaving=False).delete()[0]
    freed = list(held.order_by("number").values_list("pk", flat=True))
    held.update(registration=None)
    for event_id in events:
        _shrink(event_id, freed)
    return gone + len(freed)


def _shrink(event_id: UUID, freed: list[int]) -> None:
    """Somebody whose seat stays has left while another sits on one that should go: they swap."""
    leaving = Seat.objects.filter(event=event_id, leaving=True).order_by("number")
    swaps = list(leaving.values_list("pk", flat=True))[: len(freed)]
    if swaps:
        Seat.objects.filter(pk__in=swaps).update(leaving=False)
        spare = Seat.objects.filter(event=event_id, pk__in=freed, registration__isnull=True)
        Seat.objects.filter(pk__in=spare.values("pk")[: len(swaps)]).delete()
