"""Real threads on real PostgreSQL: seats are never sold twice, offers have one outcome."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from apps.core.models import Message
from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration, Seat
from apps.events.services import (
    answer_offer,
    cancel_registration,
    process_vote,
    register_for_event,
    sweep,
)
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, in_voting, published
from tests.threads import race

pytestmark = pytest.mark.django_db(transaction=True)


def tap(member: Any, event: Event) -> str:
    """On a busy machine somebody waits for the lock longer than it lasts: she taps again."""
    while True:
        try:
            return register_for_event(member, event, at=timezone.now()).state
        except OperationalError:
            connection.close()


def crowd(event: Event, people: list, threads: int) -> list[str]:
    """Everybody at once, on a handful of connections."""

    def work(n: int) -> list[str]:
        mine = people[n::threads]
        return [tap(one, event) for one in mine]

    return [state for states in race(threads, work) for state in states]


def in_order(event: Event) -> bool:
    """The line stands as the seats were asked for: by the database's clock under the lock."""
    rows = list(event.registrations.order_by("turn", "id").values_list("state", flat=True))
    return rows == sorted(rows, key=lambda state: state != Place.CONFIRMED)


def one_seat(count: int, threads: int) -> tuple[Counter, int, bool]:
    event = published(capacity=1)
    states = Counter(crowd(event, [UserFactory() for _ in range(count)], threads))
    people = event.registrations.values("member").distinct().count()
    return states, people, in_order(event)


def test_40_people_for_1_seat_in_the_same_second() -> None:
    assert one_seat(40, 20) == ({"confirmed": 1, "waitlisted": 39}, 40, True)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(20))
def test_500_people_for_1_seat_in_the_same_second(round_: int) -> None:
    assert one_seat(500, 50) == ({"confirmed": 1, "waitlisted": 499}, 500, True)


def test_two_phones_of_one_person_register_once() -> None:
    event, member = published(), UserFactory()

    made = race(12, lambda n: register_for_event(member, event, at=timezone.now()).pk)

    assert len(set(made)) == 1
    assert EventRegistration.objects.count() == 1


def test_seat_rows_hold_even_without_the_events_lock(monkeypatch) -> None:
    """Somebody forgets the lock: the rows of seats still refuse the second guest."""
    event = published(capacity=1)
    people = [UserFactory() for _ in range(8)]
    monkeypatch.setattr(
        "apps.events.services.registering.lock_event", lambda pk: Event.objects.get(pk=pk)
    )

    race(8, lambda n: register_for_event(people[n], event, at=timezone.now()))

    held = Seat.objects.filter(event=event, registration__isnull=False)
    assert (held.count(), Seat.objects.filter(event=event).count()) == (1, 1)


def deadline_races(rounds: int) -> Counter:
    """An answer and the sweep meet at the deadline: exactly one outcome, and it is the one told."""
    found: Counter = Counter()
    event = published(capacity=1)
    for _ in range(rounds):
        seat, waiting = UserFactory(), UserFactory()
        comes(event, seat)
        comes(event, waiting)
        cancel_registration(user=seat, event=event, at=timezone.now())
        mine = EventRegistration.objects.get(member=waiting)
        limit = mine.offer_until
        edge = timedelta(microseconds=random.choice([-1, 0, 1]))

        def act(n: int, waiting=waiting, limit=limit, edge=edge) -> str:
            if n:
                sweep(at=limit)
                return ""
            try:
                return answer_offer(user=waiting, event=event, accept=True, at=limit + edge).state
            except Exception as refused:  # noqa: BLE001 - a refusal is an outcome here
                return type(refused).__name__

        told = next(outcome for outcome in race(2, act) if outcome)
        mine.refresh_from_db()
        holders = Seat.objects.filter(event=event, registration__isnull=False).count()
        honest = (told == Place.CONFIRMED) == (mine.state == Place.CONFIRMED)
        found["honest" if honest and holders <= 1 else "broken"] += 1
        if mine.state == Place.CONFIRMED:
            cancel_registration(user=waiting, event=event, at=timezone.now())
    return found


def test_answer_at_the_deadline_against_the_sweep() -> None:
    assert deadline_races(8) == {"honest": 8}


@pytest.mark.slow
def test_1500_answers_at_the_deadline_against_the_sweep() -> None:
    assert deadline_races(1500) == {"honest": 1500}


def test_two_sweeps_at_once_make_one_offer_per_free_seat() -> None:
    event = published(capacity=2)
    people = [UserFactory() for _ in range(8)]
    for person in people:
        comes(event, person)
    for person in people[:2]:
        cancel_registration(user=person, event=event, at=timezone.now())
    late = timezone.now() + timedelta(days=2)

    race(6, lambda n: sweep(at=late))

    assert EventRegistration.objects.filter(state=Place.OFFERED).count() == 2
    assert Seat.objects.filter(registration__isnull=False).count() == 2


def test_threshold_crossed_by_many_at_once_is_crossed_once() -> None:
    event = in_voting()
    voters = [UserFactory(tier_code="elite") for _ in range(24)]

    race(24, lambda n: process_vote(voters[n], event, 1, at=timezone.now()))

    event.refresh_from_db()
    assert event.state == State.THRESHOLD_REACHED
    assert event.changes.filter(after=State.THRESHOLD_REACHED).count() == 1
    assert Message.objects.filter(topic="EventVoted").count() == 24
    told = Message.objects.filter(topic="EventModerated", payload__decision="supported")
    assert told.count() == 1


def test_cancelled_twice_at_once_gives_one_seat_back() -> None:
    event, member = published(capacity=1), UserFactory()
    comes(event, member)

    race(8, lambda n: cancel_registration(user=member, event=event, at=timezone.now()))

    assert Seat.objects.filter(event=event, registration__isnull=True).count() == 1
    assert EventRegistration.objects.get().changes.filter(after=Place.CANCELLED).count() == 1


def test_crowd_that_comes_and_goes_meets_no_deadlock() -> None:
    """Two events, the same people, everybody leaves and comes: locks are taken in one order."""
    events = [published(capacity=3), published(capacity=3)]
    people = [UserFactory() for _ in range(10)]

    def work(n: int) -> str:
        for turn in range(6):
            event = events[(n + turn) % 2]
            register_for_event(people[n], event, at=timezone.now())
            cancel_registration(user=people[n], event=event, at=timezone.now())
        return "done"

    assert race(10, work) == ["done"] * 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_seat WHERE registration_id IS NULL")
        free = cursor.fetchone()[0]
    held = EventRegistration.objects.filter(state__in=[Place.CONFIRMED, Place.OFFERED]).count()
    assert free + held == 6
