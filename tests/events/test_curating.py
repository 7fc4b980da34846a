"""Decisions in the admin: each page says what will happen, and then exactly that happens."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration, VoteRecord
from apps.events.services import (
    Shown,
    annul_scan,
    cancel_registration,
    change_event,
    check_in,
    process_vote,
    set_capacity,
    tickets,
)
from apps.loyalty.queries import balance_of
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.events.test_seats import give
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.events import comes, in_voting, planned, proposal, published, submitted

pytestmark = pytest.mark.django_db
WHY = "площадку закрыли до весны"


def decide(event, act):
    return reverse("admin:events_event_decide", args=[event.pk, act])


def at_place(place, act):
    return reverse("admin:events_eventregistration_decide", args=[place.pk, act])


def text(answer):
    return answer.content.decode()


def page_of(client, event):
    return text(client.get(reverse("admin:events_event_change", args=[event.pk])))


def supported(**given):
    """A proposal at its threshold, with one vote of three points."""
    event = in_voting(**given)
    process_vote(UserFactory(tier_code="elite"), event, 1)
    Event.objects.filter(pk=event.pk).update(
        state=State.THRESHOLD_REACHED, supported_at=timezone.now()
    )
    event.refresh_from_db()
    return event


def begun(event):
    """The same event an hour after its start."""
    now = timezone.now()
    Event.objects.filter(pk=event.pk).update(
        starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=2)
    )
    event.refresh_from_db()
    return event


# --- from a proposal to an evening ----------------------------------------------------------------
def test_supported_proposal_is_taken_on_and_published(admin_client, admin_user):  # noqa: F811
    event = supported()

    asked = text(admin_client.get(decide(event, "schedule")))
    taken = admin_client.post(decide(event, "schedule"), follow=True)
    plan = planned(timezone.now(), title=event.title, question="Можно вас фотографировать?")
    event.refresh_from_db()
    change_event(event=event, changes=plan, by=admin_user, at=timezone.now())
    last_look = text(admin_client.get(decide(event, "publish")))
    live = admin_client.post(decide(event, "publish"), follow=True)

    assert "Поддержали: 1 человек, баллов: 3." in asked
    assert "Взято в работу. Заполните время, место и цену" in text(taken)
    assert "на 20 человек." in last_look
    assert "Голосовавшие за него записываются на 24 ч раньше." in last_look
    assert "Каждую гостью спросят: «Можно вас фотографировать?»" in last_look
    assert "Событие опубликовано." in text(live)
    event.refresh_from_db()
    assert (event.state, event.seats.count(), event.votes.count()) == (State.PUBLISHED, 20, 1)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"price": Decimal(300)}, "Участие стоит: 300 бонусов."),
        ({"price": Decimal(300), "deposit": True}, "Залог: 300 бонусов. Он вернётся на входе"),
        ({}, "Участие стоит: 0 бонусов."),
    ],
)
def test_publishing_says_what_a_seat_costs(admin_client, admin_user, terms, words):  # noqa: F811
    event = proposal(creator=admin_user, **planned(timezone.now(), **terms))

    assert words in text(admin_client.get(decide(event, "publish")))


@pytest.mark.parametrize(
    ("act", "words", "done", "state"),
    [
        (
            "decline",
            "её прочтут автор и проголосовавшие (1 человек)",
            "Отклонено. Причину видят все.",
            State.DECLINED,
        ),
        ("remove", "предложение скроется, голоса аннулируются", "Убрано.", State.REMOVED),
    ],
)
def test_no_to_a_proposal_wants_a_reason(admin_client, act, words, done, state):  # noqa: F811
    event = supported()

    told = text(admin_client.get(decide(event, act)))
    without = admin_client.post(decide(event, act), {"reason": "нет"})
    kept = Event.objects.get().state
    answer = admin_client.post(decide(event, act), {"reason": WHY}, follow=True)

    assert words in told
    assert (without.status_code, kept) == (422, State.THRESHOLD_REACHED)
    assert done in text(answer)
    event.refresh_from_db()
    assert (event.state, event.end_reason) == (state, WHY)
    assert VoteRecord.objects.filter(is_current=True).count() == (1 if act == "decline" else 0)


def test_removed_proposal_leaves_the_moderators_queue(admin_client):  # noqa: F811
    event = submitted()

    admin_client.post(decide(event, "remove"), {"reason": WHY})

    event.refresh_from_db()
    assert (event.state, event.cases.count()) == (State.REMOVED, 0)


def test_overdue_decisions_are_one_filter_away(admin_client):  # noqa: F811
    late, fresh = supported(title="Забытый поход"), supported(title="Свежая лекция")
    Event.objects.filter(pk=late.pk).update(supported_at=timezone.now() - timedelta(days=15))
    url = reverse("admin:events_event_changelist")

    everything = text(admin_client.get(url))
    overdue = text(admin_client.get(url, {"overdue": "1"}))

    assert all(one.title in everything for one in (late, fresh))
    assert (late.title in overdue, fresh.title in overdue) == (True, False)


# --- while it is live ------------------------------------------------------------------------------
def test_event_is_ended_by_hand_once_it_has_begun(admin_client):  # noqa: F811
    early, event = published(), begun(published(capacity=1))
    comes_late = EventRegistration.objects.create(
        event=event, member=UserFactory(), state=Place.WAITLISTED, joined_at=timezone.now()
    )

    refused = admin_client.post(decide(early, "complete"))
    told = text(admin_client.get(decide(event, "complete")))
    done = admin_client.post(decide(event, "complete"), follow=True)

    assert (refused.status_code, "Событие ещё не началось." in text(refused)) == (422, True)
    assert "Через 24 ч не отмеченные на входе получат замечания: 2." in told
    assert "Событие завершено. Отметки можно исправлять в течение суток." in text(done)
    comes_late.refresh_from_db()
    assert (Event.objects.get(pk=event.pk).state, comes_late.state) == (
        State.COMPLETED,
        Place.LEFT_WAITLIST,
    )


def test_guest_is_seated_by_her_phone(admin_client):  # noqa: F811
    event, guest = published(capacity=2), UserFactory(phone="+79161234567")
    sent = {"who": "+7 916 123-45-67", "reason": "сестра ведущей вечера"}

    told = text(admin_client.get(decide(event, "guest")))
    nobody = admin_client.post(decide(event, "guest"), {**sent, "who": "+7 916 000-00-00"})
    done = admin_client.post(decide(event, "guest"), sent, follow=True)

    assert "Свободных мест: 2. Бонусы не списываются." in told
    assert "Участницы с таким телефоном или картой нет" in text(nobody)
    assert "Место дано." in text(done)
    place = EventRegistration.objects.get()
    assert (place.member, place.state, place.reason) == (guest, Place.CONFIRMED, sent["reason"])


def test_comfort_for_a_cancelled_evening_has_a_ceiling(admin_client, member):  # noqa: F811
    event = published(business=BusinessFactory())
    comes(event, member)
    sent = {"reason": WHY, "comfort": "1000.01"}

    refused = admin_client.post(decide(event, "cancel"), sent)
    state = Event.objects.get().state
    admin_client.post(decide(event, "cancel"), {**sent, "comfort": "1000"})

    assert (refused.status_code, state) == (422, State.PUBLISHED)
    assert "Не больше 1 000 бонусов" in text(refused).replace("\xa0", " ")
    assert balance_of(member.pk, at=timezone.now()).available == 1000


def test_guest_is_removed_and_reads_why(admin_client, member):  # noqa: F811
    event, waits = published(price=Decimal(300), capacity=1), UserFactory()
    give(member)
    place = comes(event, member)
    give(waits)
    comes(event, waits)

    told = text(admin_client.get(at_place(place, "remove")))
    done = admin_client.post(at_place(place, "remove"), {"reason": WHY}, follow=True)

    assert "Ей вернётся: 300 бонусов. Замечания не будет." in told
    assert "Убрана из списка. Место предложено следующей." in text(done)
    place.refresh_from_db()
    assert (place.state, place.reason, place.returned) == (Place.REMOVED, WHY, Decimal(300))
    assert EventRegistration.objects.get(member=waits).state == Place.OFFERED


def test_mending_says_what_the_mark_is_now(admin_client):  # noqa: F811
    event = published()
    place = comes(event)
    Event.objects.update(state=State.COMPLETED)
    EventRegistration.objects.update(state=Place.NO_SHOW)

    told = text(admin_client.get(at_place(place, "mend")))

    assert "Сейчас: не пришла." in told
    assert "«Не пришла» даёт замечания: 2." in told


@pytest.mark.parametrize("act", ["fly", "schedule", "complete"])
def test_act_that_is_not_open_has_no_page(admin_client, act):  # noqa: F811
    assert admin_client.get(decide(published(), act)).status_code == 404


@pytest.mark.parametrize("act", ["fly", "seat", "mend"])
def test_act_that_is_not_open_for_a_guest_has_no_page(admin_client, act):  # noqa: F811
    assert admin_client.get(at_place(comes(published()), act)).status_code == 404


def test_erased_guest_cannot_be_given_a_seat(admin_client):  # noqa: F811
    event = published(capacity=1)
    comes(event)
    place = comes(event)
    EventRegistration.objects.filter(pk=place.pk).update(member=None)

    answer = admin_client.post(at_place(place, "seat"), {"reason": WHY, "over_limit": "on"})

    assert answer.status_code == 404
    assert EventRegistration.objects.get(pk=place.pk).state == Place.WAITLISTED


# --- what the page of an event shows ---------------------------------------------------------------
def test_draft_shows_its_checklist_and_its_edits(admin_client, admin_user):  # noqa: F811
    plan = planned(timezone.now(), contact="")
    event = proposal(creator=admin_user, **plan)
    change_event(event=event, changes={"place": "Каток"}, by=admin_user, at=timezone.now())

    page = page_of(admin_client, event)

    missing = page[page.index('class="sk-checks"') :].split("</ul>")[0]
    rows = [row for row in missing.split("<li>") if "нет</" in row]
    assert [("контакт для гостей" in row) for row in rows] == [True]
    assert "правка: место" in page


def test_open_case_stands_in_the_queue(admin_client):  # noqa: F811
    assert "в очереди" in page_of(admin_client, submitted())


def test_seats_say_which_are_extra_and_which_will_go(admin_client, admin_user):  # noqa: F811
    event = published(capacity=2)
    comes(event)
    comes(event)
    sent = {"who": UserFactory().card_number, "reason": WHY, "over_limit": "on"}
    admin_client.post(decide(event, "guest"), sent)
    set_capacity(event=event, capacity=1, by=admin_user, at=timezone.now(), as_people_leave=True)

    page = page_of(admin_client, event)

    assert "исчезнет, когда она уйдёт" in page
    assert "3 (сверх лимита)" in page


def test_scans_worth_a_look_say_why(admin_client, admin_user, at):  # noqa: F811
    event = published(at=at)
    places = [comes(event, at=at) for _ in range(4)]
    cancel_registration(user=places[1].member, event=event, at=at)
    twice, gone, wrong, slow = places
    begun(event)
    codes = {one.pk: tickets.sign(event, one) for one in places}

    def scan(place, nonce, *, device_at=at, sent_at=None, **given):
        shown = Shown(nonce=nonce, at=device_at, code=codes[place.pk], **given)
        return check_in(event=event, shown=[shown], by=admin_user, at=at, sent_at=sent_at)[0]

    scan(twice, "a", offline=True, device="вход А")
    scan(twice, "b", offline=True, device="вход Б")
    scan(gone, "c", offline=True)
    annulled = scan(wrong, "d").scan
    annul_scan(scan=annulled, by=admin_user, reason="Показали чужой билет", at=at)
    scan(slow, "e", device_at=at - timedelta(minutes=9), sent_at=at - timedelta(minutes=5))
    scan(slow, "f", sent_at=at + timedelta(minutes=4))

    page = page_of(admin_client, event)

    for words in (
        "впустили два устройства без сети",
        "впустили без связи, был бы отказ",
        "аннулировано",
        "пришло с опозданием",
        "часы отстают на 5 мин",
        "часы спешат на 4 мин",
    ):
        assert words in page
    assert reverse("admin:events_event_decide", args=[event.pk, "complete"]) in page


# --- counting again --------------------------------------------------------------------------------
def test_missed_threshold_is_mended_from_its_page(admin_client):  # noqa: F811
    event, at = in_voting(), timezone.now()
    VoteRecord.objects.bulk_create(
        VoteRecord(event=event, voter=UserFactory(), value=1, weight=3, tier="elite", cast_at=at)
        for _ in range(12)
    )
    url = reverse("admin:events_event_recount", args=[event.pk])

    differs = text(admin_client.post(url))
    done = admin_client.post(url, {"mend": "1", "reason": "строки внесены после сбоя"})

    assert "Голоса и предложение расходятся." in differs
    assert (done.status_code, "Исправлено: предложение набрало порог." in text(done)) == (200, True)
    assert Event.objects.get().state == State.THRESHOLD_REACHED


def test_event_without_a_vote_has_nothing_to_count(admin_client):  # noqa: F811
    url = reverse("admin:events_event_recount", args=[published().pk])

    assert admin_client.get(url).status_code == 404
