"""What the app and the scanners are told of one event, and what they may not send."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration
from apps.events.services import (
    Wish,
    cancel_registration,
    moderate,
    process_vote,
    register_for_event,
)
from apps.events.words import why_not
from tests.events.parts import penalise
from tests.events.test_proposals import COMMENT
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.events import comes, in_voting, published, submitted

pytestmark = pytest.mark.django_db
TEXT = "Встречаемся на станции в девять утра, вернёмся к обеду с корзинами."
BODY = {"title": "Поход за грибами", "description": TEXT, "city": "Москва"}


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def wrong(answer):
    """Status and the fields that are named."""
    return answer.status_code, sorted(answer.json()["error"].get("details") or {})


def actions(api, user, event):
    return data(api.as_(user).get(f"/events/{event.pk}"))["allowedActions"]


# --- what may be sent -----------------------------------------------------------------------------
def test_owner_plans_an_evening_at_her_place_alone(api, owner, business):
    hers = api.as_(owner)

    made = data(hers.post("/events", BODY | {"businessId": str(business.pk)}), 201)
    foreign = hers.post("/events", BODY | {"businessId": str(BusinessFactory().pk)})
    nowhere = hers.post("/events", BODY | {"businessId": made["id"]})

    assert made["kind"] == "curated"
    assert Event.objects.get().business == business
    assert (foreign.status_code, nowhere.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"startsAt": "2027-05-01T19:00:00"}, "startsAt"),
        (
            {"startsAt": "2027-05-01T19:00:00+03:00", "endsAt": "2027-05-01T19:00:00+03:00"},
            "endsAt",
        ),
    ],
)
def test_moments_of_an_event_make_sense(api, sent, field):
    answer = api.as_(UserFactory(job="admin")).post("/events", BODY | sent)

    assert wrong(answer) == (422, [field])
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({}, ["code"]),
        ({"code": "SK1.X", "scans": [{"nonce": "1", "code": "SK1.X"}]}, ["code"]),
        ({"scans": [{"nonce": "1"}]}, ["scans.0.code"]),
        ({"scans": [{"nonce": "1", "code": "x", "at": "2027-05-01T19:00:00"}]}, ["scans.0.at"]),
    ],
)
def test_scanner_sends_a_code_or_scans_with_their_zone(api, sent, fields):
    event = published()

    answer = api.as_(UserFactory(job="admin")).post(f"/events/{event.pk}/check-in", sent)

    assert wrong(answer) == (422, fields)


# --- what is told ---------------------------------------------------------------------------------
def test_who_comes_is_told_to_the_organiser_alone(api, member):
    event, host = published(capacity=1), UserFactory(job="admin")
    seat = comes(event, member)
    gone = comes(event)
    EventRegistration.objects.filter(pk=gone.pk).update(member=None)

    rows = data(api.as_(host).get(f"/events/{event.pk}/attendees"))
    refused = api.as_(member).get(f"/events/{event.pk}/attendees")

    assert refused.status_code == 404
    assert [(row["firstName"], row["tier"], row["state"], row["seats"]) for row in rows] == [
        ("", "", "waitlisted", []),
        (member.first_name, "insider", "confirmed", [seat.seats.get().number]),
    ]


def test_scanner_asks_for_what_has_changed_since(api, at):
    event, host = published(at=at), api.as_(UserFactory(job="admin"))
    stays, leaves = comes(event, at=at), comes(event, at=at)
    since = {"since": (at + timedelta(minutes=1)).isoformat()}
    path = f"/events/{event.pk}/roster"

    before = data(host.get(path, since))["guests"]
    cancel_registration(user=leaves.member, event=event, at=at + timedelta(minutes=2))
    after, whole = data(host.get(path, since))["guests"], data(host.get(path))["guests"]

    assert before == []
    assert [(row["registrationId"], row["state"]) for row in after] == [
        (str(leaves.pk), "cancelled")
    ]
    assert {row["registrationId"] for row in whole} == {str(stays.pk), str(leaves.pk)}


def test_vote_may_be_taken_back_until_the_threshold(api, member):
    event = in_voting()
    shown = [actions(api, member, event)]
    process_vote(member, event, 1)
    shown.append(actions(api, member, event))
    Event.objects.update(state=State.THRESHOLD_REACHED)
    shown.append(actions(api, member, event))
    Event.objects.update(voting_until=timezone.now())
    shown.append(actions(api, UserFactory(), event))

    assert shown == [["vote"], ["unvote"], [], []]


def test_author_of_a_rejected_proposal_may_appeal_once(api, at):
    event = submitted()
    moderator = UserFactory(tier_code="inner_circle")
    moderate(event=event, action="reject", reason="unclear", comment=COMMENT, by=moderator, at=at)
    first = actions(api, event.creator, event)
    Event.objects.update(appealed=True)

    assert (first, actions(api, event.creator, event)) == (["submit"], [])


def test_stars_are_given_over_the_api_after_the_end(api, member):
    event = published()
    comes(event, member)
    EventRegistration.objects.update(state=Place.ATTENDED)
    during = actions(api, member, event)

    with time_machine.travel(event.ends_at + timedelta(hours=1)):
        after = actions(api, member, event)
        given = data(api.as_(member).post(f"/events/{event.pk}/feedback", {"rating": 4}), 201)

    assert (during, after, given["rating"]) == ([], ["feedback"], 4)


def test_newest_place_counts_when_she_left_and_came_back(api, member, at):
    event = published(at=at)
    comes(event, member, at)
    cancel_registration(user=member, event=event, at=at)
    left = data(api.as_(member).get(f"/events/{event.pk}"))["registration"]["state"]
    comes(event, member, at + timedelta(minutes=1))

    mine = data(api.as_(member).get(f"/events/{event.pk}"))

    assert (left, mine["registration"]["state"]) == ("cancelled", "confirmed")
    assert mine["allowedActions"] == ["cancel", "ticket"]


def test_no_place_to_answer_for(api, member):
    event = published()

    offer = api.as_(member).post(f"/events/{event.pk}/offer", {"accept": True})
    answer = api.as_(member).post(f"/events/{event.pk}/answer", {"answer": True})
    ticket = api.as_(member).get(f"/events/{event.pk}/ticket")

    assert [one.status_code for one in (offer, answer, ticket)] == [409, 404, 404]
    assert not EventRegistration.objects.exists()


# --- why she waits --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "position", "phase", "words"),
    [
        ("next", 1, "closed", "Запись закрыта: больше никого не продвигаем."),
        ("next", 1, "live", "Запись закрыта: больше никого не продвигаем."),
        ("pair_needs_two", 1, "full", "Ждёт двух мест рядом"),
        ("after_all_others", 2, "full", "Три замечания и больше: предложим последней"),
        ("others_ahead", 3, "full", "Впереди ждут 2 человека."),
    ],
)
def test_waiting_is_explained_in_words(code, position, phase, words):
    assert why_not(code, position=position, phase=phase).startswith(words)


def test_app_is_told_why_she_waits(api, member, at):
    event = published(at=at, capacity=2, guests_allowed=True)
    first = comes(event, at=at)
    comes(event, at=at)
    pair = register_for_event(UserFactory(), event, at=at, wish=Wish(guests=1))
    penalise(member, points=2, at=at, registration=first)
    comes(event, member, at + timedelta(days=1))

    told = [
        data(api.as_(one).get(f"/events/{event.pk}"))["registration"]["waitsBecause"]
        for one in (pair.member, member)
    ]

    assert told == ["pair_needs_two", "after_all_others"]
