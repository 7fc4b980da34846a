"""The entrance page: tickets, guests by name, who may stand here."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.events.enums import Place
from apps.events.models import Event, EventRegistration, Scan
from apps.events.services import tickets
from tests.backoffice.conftest import SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def tonight(salon: Business) -> Event:
    """Begins in an hour; registration was yesterday's."""
    event = published(business=salon)
    soon = timezone.now() + timedelta(hours=1)
    Event.objects.filter(pk=event.pk).update(starts_at=soon, ends_at=soon + timedelta(hours=2))
    event.refresh_from_db()
    return event


@pytest.fixture
def door(signed_in: SignedIn, vera: User) -> Client:
    return signed_in(vera)


def send(door: Client, event: Event, **given: str) -> str:
    answer = door.post(f"/door/{event.pk}/", {"nonce": str(uuid4()), **given})
    return answer.content.decode()


def test_only_events_of_her_business_stand_here(
    door: Client, tonight: Event, cafe: Business
) -> None:
    other = published(business=cafe, title="Чужой вечер")

    page = door.get("/door/").content.decode()

    assert tonight.title in page
    assert other.title not in page
    assert door.get(f"/door/{other.pk}/").status_code == 404


def test_the_till_shows_the_way(door: Client, tonight: Event) -> None:
    assert 'href="/door/"' in door.get("/kassa/").content.decode()
    Event.objects.update(state="cancelled")
    assert 'href="/door/"' not in door.get("/kassa/").content.decode()
    assert "событий здесь нет" in door.get("/door/").content.decode()


def test_ticket_lets_in_once(door: Client, tonight: Event, anna: User) -> None:
    place = comes_before(tonight, anna)
    code = tickets.sign(tonight, place)

    first, second = send(door, tonight, code=code), send(door, tonight, code=code.lower())

    assert "door-good" in first
    assert "door-warn" in second
    assert EventRegistration.objects.get().state == Place.ATTENDED


def comes_before(event: Event, member: User) -> EventRegistration:
    """Registered while it was open."""
    starts, ends = event.starts_at, event.ends_at
    place = EventRegistration.objects.filter(event=event, member=member).first()
    if place is None:
        later = timezone.now() + timedelta(days=10)
        Event.objects.filter(pk=event.pk).update(
            starts_at=later, ends_at=later + timedelta(hours=1)
        )
        place = comes(event, member)
        Event.objects.filter(pk=event.pk).update(starts_at=starts, ends_at=ends)
    return place


def test_same_form_sent_twice_is_one_scan(door: Client, tonight: Event, anna: User) -> None:
    code, nonce = tickets.sign(tonight, comes_before(tonight, anna)), str(uuid4())

    pages = [send(door, tonight, code=code, nonce=nonce) for _ in range(2)]

    assert [("door-good" in page) for page in pages] == [True, True]
    assert Scan.objects.count() == 1


def test_nonsense_is_red(door: Client, tonight: Event) -> None:
    assert "door-bad" in send(door, tonight, code="SK1.NONSENSE")


def test_by_name_wants_the_tick(door: Client, tonight: Event, anna: User) -> None:
    place = comes_before(tonight, anna)
    found = door.post(f"/door/{tonight.pk}/find/", {"who": anna.card_number[-4:]})
    assert str(place.pk) in found.content.decode()

    refused = send(door, tonight, guest=str(place.pk), sought="анна")
    assert EventRegistration.objects.get().state == Place.CONFIRMED
    assert str(place.pk) in refused

    assert "door-good" in send(door, tonight, guest=str(place.pk), checked="on")
    assert Scan.objects.get().manual


def test_annulling_wants_a_reason(door: Client, tonight: Event, anna: User) -> None:
    send(door, tonight, code=tickets.sign(tonight, comes_before(tonight, anna)))
    url, scan = f"/door/{tonight.pk}/annul/", str(Scan.objects.get().pk)

    assert door.post(url, {"scan": scan, "reason": "так"}).status_code == 422
    assert door.post(url, {"scan": scan, "reason": "показала чужой билет"}).status_code == 302
    assert EventRegistration.objects.get().state == Place.CONFIRMED


@pytest.mark.parametrize("guests", [1, 12])
def test_page_costs_the_same_for_any_number(
    door: Client, tonight: Event, guests: int, django_assert_max_num_queries
) -> None:
    for _ in range(guests):
        send(door, tonight, code=tickets.sign(tonight, comes_before(tonight, UserFactory())))
    door.get(f"/door/{tonight.pk}/")

    with django_assert_max_num_queries(12):
        door.get(f"/door/{tonight.pk}/")
