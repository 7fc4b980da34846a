"""Curating in the admin: consequences before a decision, reasons in words, refusals that keep."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration
from apps.events.services import process_vote
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, in_voting, planned, published

pytestmark = pytest.mark.django_db


def change(event):
    return reverse("admin:events_event_change", args=[event.pk])


def decide(event, act):
    return reverse("admin:events_event_decide", args=[event.pk, act])


def shown(client, url):
    return client.get(url).content.decode()


def test_draft_is_made_and_says_what_is_missing(admin_client):  # noqa: F811
    answer = admin_client.post(reverse("admin:events_event_new"), {"title": "Вечер"})

    event = Event.objects.get()
    assert (answer.status_code, event.state, event.kind) == (302, State.DRAFT, "curated")
    page = shown(admin_client, decide(event, "publish"))
    assert "Не хватает: название и описание; начало, окончание" in page
    assert admin_client.post(decide(event, "publish")).status_code == 422
    assert Event.objects.get().state == State.DRAFT


def test_cancelling_says_whom_it_touches(admin_client):  # noqa: F811
    event = published(capacity=1)
    comes(event)
    comes(event)

    page = shown(admin_client, decide(event, "cancel"))
    answer = admin_client.post(decide(event, "cancel"), {"reason": "зал закрыт на ремонт"})

    assert "Узнают сразу: 2 человека, включая список ожидания" in page
    assert answer.status_code == 302
    assert Event.objects.get().state == State.CANCELLED


def test_line_says_why_nobody_was_promoted(admin_client):  # noqa: F811
    event = published(capacity=1)
    places = [comes(event) for _ in range(3)]

    page = shown(admin_client, change(event))

    assert "Следующая: первое свободное место предложим ей." in page
    assert "Впереди ждёт 1 человек." in page
    assert page.count(f"/{places[1].pk}/do/seat/") == 1


def test_guest_gets_a_seat_over_the_limit_with_a_reason(admin_client):  # noqa: F811
    event = published(capacity=1)
    comes(event)
    waits = comes(event)
    url = reverse("admin:events_eventregistration_decide", args=[waits.pk, "seat"])
    reason = "почётная гостья вечера"

    refused = admin_client.post(url, {"reason": reason})
    done = admin_client.post(url, {"reason": reason, "over_limit": "on"})

    assert (refused.status_code, done.status_code) == (422, 302)
    seat = EventRegistration.objects.get(pk=waits.pk).seats.get()
    assert (seat.over_limit, seat.registration.state) == (True, Place.CONFIRMED)


def form_of(event, **changes):
    """What the page of a published event sends."""
    given = planned(timezone.now()) | {
        name: getattr(event, name) for name in ("title", "description", "city", "notes", "place")
    }
    given |= {"address": event.address, "contact": event.contact, "capacity": event.capacity}
    moments = ("starts_at", "ends_at", "opens_at", "closes_at")
    sent = {name: value for name, value in given.items() if name not in moments}
    for name in moments:
        local = timezone.localtime(getattr(event, name))
        sent |= {f"{name}_0": f"{local:%d.%m.%Y}", f"{name}_1": f"{local:%H:%M:%S}"}
    sent |= {"zone": event.zone, "price": "0", "attendance_bonus": "0", "business": ""}
    sent |= {"free_cancel_hours": 24, "late_return_percent": 0, "seen": event.version}
    for prefix in ("registrations", "registrations-2", "seats", "scans", "cases", "changes"):
        sent |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    return {**sent, "reason": "", **changes}


def test_another_place_wants_a_reason_and_keeps_what_was_typed(admin_client):  # noqa: F811
    event = published(at=timezone.now().replace(microsecond=0))

    refused = admin_client.post(change(event), form_of(event, place="Каток"))
    assert (refused.status_code, Event.objects.get().place) == (200, event.place)
    assert 'value="Каток"' in refused.content.decode()

    kept = admin_client.post(
        change(event), form_of(event, place="Каток", reason="в зале авария, переезжаем")
    )
    assert kept.status_code == 302
    event = Event.objects.get()
    assert (event.place, event.revision) == ("Каток", 1)


def test_who_saves_second_is_told(admin_client):  # noqa: F811
    event = published(at=timezone.now().replace(microsecond=0))
    old = form_of(event, contact="Мария", seen=event.version - 1)

    answer = admin_client.post(change(event), old)

    assert answer.status_code == 200
    assert Event.objects.get().contact == event.contact


def test_attendance_is_mended_after_the_end(admin_client):  # noqa: F811
    event = published()
    place = comes(event, UserFactory())
    Event.objects.filter(pk=event.pk).update(
        state=State.COMPLETED,
        starts_at=timezone.now() - timedelta(hours=5),
        ends_at=timezone.now() - timedelta(hours=3),
    )
    url = reverse("admin:events_eventregistration_decide", args=[place.pk, "mend"])

    answer = admin_client.post(url, {"to": "attended", "reason": "сканер не работал"})

    assert answer.status_code == 302
    assert EventRegistration.objects.get().state == Place.ATTENDED


def test_recount_shows_its_table_without_names(admin_client):  # noqa: F811
    event, voter = in_voting(), UserFactory(tier_code="elite", first_name="Жозефина")
    process_vote(voter, event, 1)
    url = reverse("admin:events_event_recount", args=[event.pk])

    asked, counted = shown(admin_client, url), admin_client.post(url).content.decode()

    assert url in shown(admin_client, change(event))
    assert "Каждый голос складывается заново" in asked
    assert "Голоса и предложение говорят одно и то же." in counted
    assert '<th scope="row">В предложении</th><td>1</td><td>3</td>' in counted
    assert "Жозефина" not in counted
    assert admin_client.post(url, {"mend": "1", "reason": "Проверка пересчёта"}).status_code == 422
