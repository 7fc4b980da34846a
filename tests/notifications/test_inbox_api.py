"""Phones, inbox and preferences over REST."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.services import erase_person
from apps.core import outbox
from apps.core.models import Message
from apps.notifications import queries
from apps.notifications.models import Attempt, Device, Mute, Notification
from svoykrug.member_export import compose
from tests.factories.accounts import UserFactory
from tests.factories.notifications import device_of, message_to

pytestmark = pytest.mark.django_db
TOKEN = "fcm:APA91bExample-token_0001"


def delete(api, path):
    return api.client.delete("/api/v1" + path, headers=api.headers)


def put(api, path, body):
    return api.client.put(
        "/api/v1" + path, body, content_type="application/json", headers=api.headers
    )


# --- phones ----------------------------------------------------------------------------------
def test_a_phone_is_added_once_and_dropped(api, member):
    mine = api.as_(member)

    first = mine.post("/users/me/devices", {"token": TOKEN, "platform": "ios"})
    again = mine.post("/users/me/devices", {"token": TOKEN, "platform": "ios"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["data"] == again.json()["data"]
    device = Device.objects.get()
    assert (device.member_id, device.session_id) == (member.pk, mine.session.pk)
    assert TOKEN not in device.token_sealed
    assert member.open_own("push", device.token_sealed) == TOKEN
    assert delete(mine, f"/users/me/devices/{device.pk}").status_code == 204
    assert delete(mine, f"/users/me/devices/{device.pk}").status_code == 404


def test_a_phone_that_changed_hands_serves_its_new_owner_only(api, member):
    device_of(UserFactory(), token=TOKEN)

    api.as_(member).post("/users/me/devices", {"token": TOKEN, "platform": "ios"})

    assert Device.objects.get().member_id == member.pk


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": TOKEN},
        {"token": TOKEN, "platform": "web"},
        {"token": "a b c d e f g h", "platform": "ios"},
        {"token": "x" * 513, "platform": "ios"},
    ],
)
def test_a_wrong_phone_is_refused(api, member, body):
    assert api.as_(member).post("/users/me/devices", body).status_code == 422


# --- inbox -----------------------------------------------------------------------------------
def test_inbox_newest_first_in_the_readers_language(api, member, at):
    message_to(member, "welcome", created_at=at - timedelta(minutes=2), values={})
    message_to(member, created_at=at)
    message_to(UserFactory())
    message_to(member, "receipt", in_app=False)
    mine = api.as_(member)

    russian = mine.get("/users/me/notifications").json()["data"]
    english = mine.get("/users/me/notifications", **{"Accept-Language": "en"}).json()["data"]

    assert [one["kind"] for one in russian] == ["gift_received", "welcome"]
    assert russian[0]["title"] == "Вам подарили 300 бонусов"
    assert english[0]["title"] == "You were given 300 bonuses"
    one = mine.get(f"/users/me/notifications/{russian[0]['id']}").json()["data"]
    assert one == russian[0]


def test_inbox_costs_the_same_for_any_length(api, member):
    mine = api.as_(member)
    message_to(member)
    mine.get("/users/me/notifications")
    with CaptureQueriesContext(connection) as few:
        mine.get("/users/me/notifications")
    for _ in range(30):
        message_to(member)

    with CaptureQueriesContext(connection) as many:
        answer = mine.get("/users/me/notifications", {"limit": "100"})

    assert len(answer.json()["data"]) == 31
    assert len(many) == len(few)


def test_reading_marks_hers_only_and_counts(api, member):
    read, left, foreign = message_to(member), message_to(member), message_to(UserFactory())
    mine = api.as_(member)

    answer = mine.post(
        "/users/me/notifications/read", {"ids": [str(read.pk), str(foreign.pk), str(uuid.uuid4())]}
    )

    assert answer.json()["data"] == {"marked": 1, "unread": 1}
    unread = Notification.objects.filter(read_at__isnull=True)
    assert set(unread.values_list("pk", flat=True)) == {left.pk, foreign.pk}
    assert mine.post("/users/me/notifications/read", {"all": True}).json()["data"]["unread"] == 0
    assert queries.unread_count(member.pk) == 0


def test_opening_is_a_fact_and_told_once(api, member):
    message = message_to(member)
    mine = api.as_(member)

    for _ in range(2):
        mine.post("/users/me/notifications/read", {"ids": [str(message.pk)]})

    told = Message.objects.filter(topic="MessageMoved")
    assert [one.payload["state"] for one in told] == ["opened"]
    assert told[0].payload | {"at": ""} == {
        "message_id": str(message.pk),
        "member_id": str(member.pk),
        "kind": "gift_received",
        "channel": "push",
        "state": "opened",
        "at": "",
    }


@pytest.mark.parametrize("body", [{}, {"all": False}, {"ids": ["x"]}, {"all": True, "ids": []}])
def test_a_wrong_reading_is_refused(api, member, body):
    assert api.as_(member).post("/users/me/notifications/read", body).status_code == 422


# --- preferences -----------------------------------------------------------------------------
def test_preferences_are_kept(api, member):
    mine = api.as_(member)
    wish = {"topic": "events", "channel": "sms", "wanted": False}

    answer = put(mine, "/users/me/notifications/preferences", {"preferences": [wish]})

    assert answer.status_code == 200
    shown = mine.get("/users/me/notifications/preferences").json()["data"]["preferences"]
    assert wish in shown
    assert sum(not one["wanted"] for one in shown) == 1
    put(mine, "/users/me/notifications/preferences", {"preferences": [wish | {"wanted": True}]})
    assert not Mute.objects.exists()


def test_safety_cannot_be_muted(api, member):
    wish = {"topic": "security", "channel": "sms", "wanted": False}

    answer = put(api.as_(member), "/users/me/notifications/preferences", {"preferences": [wish]})

    assert answer.status_code == 422


# --- her data --------------------------------------------------------------------------------
def test_export_names_messages_and_no_tokens(member, at):
    device_of(member, token=TOKEN)
    message_to(member)

    part = compose(member, at=at)["notifications"]

    assert part["messages"][0]["title"] == "Вам подарили 300 бонусов"
    assert part["devices"][0]["platform"] == "android"
    assert TOKEN not in str(part)


def test_erasure_clears_phones_and_inbox_and_stops_what_waits(member, at):
    device_of(member)
    Mute.objects.create(member=member, topic="events", channel="sms")
    sent, waits = message_to(member), message_to(member, state="waiting")
    Attempt.objects.create(
        notification=sent, channel="sms", state="sent", reference="202640-1", consent_id=5
    )

    erase_person(user=member, at=at, because="asked", by=member)
    outbox.drain()
    outbox.drain()

    assert not Device.objects.exists()
    assert not Mute.objects.exists()
    assert not queries.inbox_of(member.pk).exists()
    rows = Notification.objects.order_by("pk").values_list("state", "values")
    assert list(rows) == [("sent", {}), ("cancelled", {})]
    assert Notification.objects.get(pk=waits.pk).state == "cancelled"
    assert list(Attempt.objects.values_list("reference", "consent_id")) == [("", 5)]


def test_first_screen_counts_unread(api, member):
    message_to(member), message_to(member), message_to(UserFactory())

    assert api.as_(member).get("/users/me/overview").json()["data"]["unreadCount"] == 2
