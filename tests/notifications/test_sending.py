"""From a message to the provider and back, over HTTP against the simulated three."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.core.models import Message
from apps.notifications import services
from apps.notifications.models import (
    Attempt,
    Device,
    Mute,
    Notification,
    Provider,
    Suppression,
    Template,
)
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.notifications import device_of
from tests.logs import captured
from tests.notifications.conftest import agree, deliver_all, write

pytestmark = pytest.mark.django_db
PHONE, EMAIL = "+79161234567", "belladonna@example.com"


@pytest.fixture
def anna():
    return UserFactory(first_name="Белладонна", phone=PHONE, email=EMAIL)


def states() -> list[tuple[str, str]]:
    return list(Notification.objects.order_by("pk").values_list("state", "channel"))


# --- push --------------------------------------------------------------------------------------
def test_a_push_holds_an_id_and_a_kind_and_nothing_of_hers(world, anna):
    device_of(anna, token="token-of-anna")

    write("gift_received", anna, amount="300.00")
    deliver_all()

    [message] = world.taken["fcm"]
    row = Notification.objects.get()
    assert message["data"] == {"id": str(row.pk), "kind": "gift_received"}
    assert "notification" not in message
    assert message["apns"]["payload"]["aps"]["alert"] == {"loc-key": "message.gift_received"}
    assert not any(word in str(message) for word in ("300", "Белладонна", PHONE[2:], str(anna.pk)))
    assert (row.state, row.channel, row.cost) == ("sent", "push", 0)
    attempt = Attempt.objects.get()
    assert (attempt.provider, attempt.state) == ("fcm", "sent")
    assert attempt.reference.startswith("projects/svoy-krug-demo/messages/")


@pytest.mark.parametrize("word", ["UNREGISTERED", "SENDER_ID_MISMATCH", "INVALID_ARGUMENT"])
def test_a_dead_token_is_removed_and_the_next_channel_carries(world, anna, word):
    device_of(anna, token="token-dead")
    world.switches["fcm_tokens"] = {"token-dead": word}

    write("gift_received", anna, amount="300.00")
    deliver_all()

    assert not Device.objects.exists()
    assert [one["text"] for one in world.taken["smsru"]] == ["Свой Круг: вам подарили 300 бонусов."]
    assert states() == [("sent", "sms")]


def test_our_own_fault_keeps_the_token(world, anna):
    device_of(anna, token="token-good")
    world.switches["fcm_tokens"] = {"token-good": "INVALID_ARGUMENT:payload"}

    write("bonus_added", anna, amount="1.00")
    deliver_all()

    assert Device.objects.exists()
    assert states() == [("failed", "push")]


def test_one_live_phone_of_two_is_enough(world, anna):
    device_of(anna, token="token-dead"), device_of(anna, token="token-live")
    world.switches["fcm_tokens"] = {"token-dead": "UNREGISTERED"}

    write("gift_received", anna, amount="1.00")
    deliver_all()

    assert Device.objects.count() == 1
    assert [one["token"] for one in world.taken["fcm"]] == ["token-live"]
    assert states() == [("sent", "push")]


def test_an_access_token_that_ended_is_renewed_once(world, anna):
    device_of(anna)
    write("bonus_added", anna, amount="1.00")
    world.switches["fcm_expired"] = 1

    deliver_all()

    assert states() == [("sent", "push")]


def test_a_phone_signed_out_gets_no_push(world, anna, api):
    mine = api.as_(anna)
    mine.post("/users/me/devices", {"token": "token-of-anna", "platform": "ios"})
    mine.client.delete(f"/api/v1/users/me/sessions/{mine.session.pk}", headers=mine.headers)

    write("bonus_added", anna, amount="1.00")
    deliver_all()

    assert world.taken["fcm"] == []
    assert states() == [("skipped", "push")]


# --- SMS -----------------------------------------------------------------------------------------
def test_sms_go_a_hundred_at_a_time_and_cost_by_parts(world):
    people = [UserFactory() for _ in range(150)]

    write("gift_received", *people, amount="300.00")
    deliver_all()

    assert (world.counts["smsru"], world.requests["smsru"]) == (150, 2)
    assert set(Notification.objects.values_list("cost", flat=True)) == {700}


def test_two_messages_to_one_number_are_two_requests(world, anna):
    write("gift_received", anna, amount="1.00", source="a")
    write("gift_received", anna, amount="2.00", source="b")

    deliver_all()

    assert {one["text"] for one in world.taken["smsru"]} == {
        "Свой Круг: вам подарили 1 бонусов.",
        "Свой Круг: вам подарили 2 бонусов.",
    }


@pytest.mark.parametrize("code", [202, 207, 209, 214])
def test_a_number_that_never_works_is_not_tried_again(world, anna, code):
    world.switches["smsru_numbers"] = {PHONE[1:]: code}

    write("bonuses_expiring", anna, amount="1.00", days=3, when=timezone.now().isoformat())
    deliver_all()
    write("gift_received", anna, amount="1.00")
    deliver_all()

    assert Suppression.objects.get().reason == str(code)
    assert states() == [("sent", "email"), ("skipped", "sms")]
    assert world.requests["smsru"] == 1


@pytest.mark.parametrize("code", [200, 201, 204, 206, 221, 300, 301, 302])
def test_key_account_or_money_stop_the_provider_and_raise_an_alarm(world, anna, code):
    world.switches["smsru_all"] = code
    write("gift_received", anna, amount="1.00")

    with captured() as logs:
        deliver_all()

    assert states() == [("waiting", "sms")]
    assert Provider.objects.get(name="smsru").rests_until > timezone.now()
    assert '"event":"messages.stopped"' in logs.getvalue().replace(" ", "")
    assert world.requests["smsru"] == 1


def test_an_sms_whose_answer_was_lost_is_not_sent_again(world, anna):
    world.switches["drop"] = ["smsru"]
    write("gift_received", anna, amount="1.00")
    deliver_all()
    world.switches["drop"] = []

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        deliver_all()

    assert world.counts["smsru"] == 1
    assert states() == [("unknown", "sms")]


# --- e-mail ----------------------------------------------------------------------------------------
def test_a_receipt_by_mail_can_be_stopped_by_the_mail_program(world, anna):
    shop = BusinessFactory(name="Миндаль")
    values = {"amount": "2500.00", "to_pay": "2000.00", "bonus": "100.00", "spent": "500.00"}

    write("receipt", anna, business=shop, when=timezone.now().isoformat(), **values)
    deliver_all()

    [mail] = world.taken["sendgrid"]
    assert mail["to"] == [{"email": EMAIL}]
    assert mail["subject"] == "Чек: Миндаль, 2\u00a0500 ₽"
    assert [one["type"] for one in mail["content"]] == ["text/plain", "text/html"]
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["args"] == {"attempt": str(Attempt.objects.get().pk)}
    assert Attempt.objects.get().reference.startswith("sim-")


@pytest.mark.parametrize("category", ["dental", "medical"])
def test_no_mail_server_learns_of_a_clinic(world, anna, category):
    clinic = BusinessFactory(name="Стим Центр", category=category)

    write("receipt", anna, business=clinic, amount="1.00", to_pay="1.00", bonus="0", spent="0")
    deliver_all()

    assert "Стим" not in str(world.taken["sendgrid"])
    assert "партнёр круга" in world.taken["sendgrid"][0]["subject"]


def test_markup_in_a_value_stays_text(world, anna):
    write("event_registered", anna, event="<b>Бал</b> & ужин", when="2026-12-01T18:00:00+00:00")

    deliver_all()

    plain, html = [one["value"] for one in world.taken["sendgrid"][0]["content"]]
    assert "<b>Бал</b> & ужин" in plain
    assert "&lt;b&gt;Бал&lt;/b&gt; &amp; ужин" in html


def test_too_many_requests_wait_as_long_as_they_say(world, anna):
    world.switches["sendgrid_status"] = 429
    write("tier_up", anna, tier="VIP")

    deliver_all()

    waits = Provider.objects.get(name="sendgrid").rests_until - timezone.now()
    assert timedelta(seconds=20) < waits < timedelta(seconds=31)
    assert states() == [("waiting", "email")]


# --- templates ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "place", ["{0.__class__}", "{amount.__class__}", "{0}", "{amount!r}", "{self}", "{{amount}}"]
)
def test_whatever_else_stands_in_braces_is_inert(world, anna, place):
    Template.objects.filter(kind="gift_received", language="ru").update(
        title=f"Т {place}", sms=f"Подарок {place} {{amount}}"
    )

    write("gift_received", anna, amount="{0.__class__}")
    deliver_all()

    # The place stays as it was written; a value with braces brings nothing in.
    text = world.taken["smsru"][0]["text"]
    shown = place.replace("{amount}", "{0.__class__}")
    assert text == f"Подарок {shown} {{0.__class__}}"


# --- consent and wishes at the moment of sending ----------------------------------------------
def test_an_advert_leaves_with_consent_only_and_remembers_it(world, anna):
    other = UserFactory(email="other@example.com")
    agree(anna, "email")

    write("weekly_digest", anna, other, earned="1.00", count=1, lines="")
    deliver_all()

    assert [one["to"][0]["email"] for one in world.taken["sendgrid"]] == [EMAIL]
    sent = Attempt.objects.get(state="sent")
    assert sent.consent_id is not None
    assert Attempt.objects.get(state="barred").code == "no_consent"
    assert states() == [("sent", "email"), ("skipped", "email")]


def test_withdrawal_stops_a_queued_advert(world, anna):
    agree(anna, "email")
    write("weekly_digest", anna, earned="1.00", count=1, lines="")

    agree(anna, "email", given=False)
    deliver_all()

    assert world.taken["sendgrid"] == []
    assert states() == [("skipped", "email")]


def test_muting_holds_for_what_is_queued_and_never_for_safety(world, anna):
    for channel in ("push", "sms", "email"):
        Mute.objects.create(member=anna, topic="bonuses", channel=channel)
    write("gift_received", anna, amount="1.00")
    write("session_reuse", anna, when=timezone.now().isoformat())

    deliver_all()

    assert sorted(states()) == [("sent", "sms"), ("skipped", "sms")]
    assert "подозрительный вход" in world.taken["smsru"][0]["text"]


def test_a_blocked_person_gets_no_adverts(world, anna):
    agree(anna, "email")
    anna.blocked_at = timezone.now()
    anna.save()
    write("weekly_digest", anna, earned="1.00", count=1, lines="")

    deliver_all()

    assert world.taken["sendgrid"] == []


# --- time ------------------------------------------------------------------------------------------
def test_at_night_what_can_wait_waits_for_the_morning(world, anna, settings):
    settings.QUIET_HOURS = "22:00-09:00"
    night = timezone.now().replace(hour=21, minute=30)  # half past midnight in Moscow
    with time_machine.travel(night, tick=False):
        write("gift_received", anna, amount="1.00")
        write("session_reuse", anna, when=night.isoformat())
        deliver_all()
    asleep = [one["text"] for one in world.taken["smsru"]]

    with time_machine.travel(night + timedelta(hours=9), tick=False):
        deliver_all()

    assert len(asleep) == 1
    assert "подозрительный" in asleep[0]
    assert len(world.taken["smsru"]) == 2


def test_what_is_out_of_date_is_not_sent(world, anna):
    write("event_seat_offered", anna, event="Бал", until=timezone.now().isoformat())

    with time_machine.travel(timezone.now() + timedelta(hours=4)):
        deliver_all()

    assert (world.taken["smsru"], states()) == ([], [("expired", "push")])


# --- a provider that is down -------------------------------------------------------------------
def test_ten_minutes_down_then_everything_arrives_once(world):
    people = [UserFactory() for _ in range(250)]
    for one in people[:50]:
        device_of(one)
    world.switches["down"] = ["smsru", "fcm"]
    write("gift_received", *people[50:], amount="1.00")
    write("bonus_added", *people[:50], amount="2.00")
    start = timezone.now()

    for minute in range(11):  # Beat rings; the providers rest meanwhile
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            deliver_all()
    while_down = sum(world.counts.values())
    asked = world.requests["smsru"] + world.requests["fcm"]
    world.switches["down"] = []
    for minute in range(11, 60):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            deliver_all()

    assert while_down == 0
    assert world.counts["smsru"] == 200
    assert len({one["phone"] for one in world.taken["smsru"]}) == 200
    assert world.counts["fcm"] == 50
    assert len({one["data"]["id"] for one in world.taken["fcm"]}) == 50
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}
    assert asked < 800  # a rest spares the attempts: far fewer than 11 minutes of trying


def test_what_cannot_wait_takes_the_next_channel(world, anna):
    device_of(anna)
    world.switches["down"] = ["fcm"]
    write("event_seat_offered", anna, event="Бал", until=timezone.now().isoformat())
    start = timezone.now()

    for minute in range(4):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            deliver_all()

    assert states() == [("sent", "sms")]
    assert world.counts["smsru"] == 1


def test_a_push_that_is_down_does_not_become_paid_sms_for_adverts(world, anna):
    device_of(anna)
    agree(anna, "push", "sms")
    world.switches["down"] = ["fcm"]
    write("broadcast", anna)
    start = timezone.now()

    for hour in range(0, 40, 4):
        with time_machine.travel(start + timedelta(hours=hour), tick=False):
            deliver_all()

    assert world.counts["smsru"] == 0


def test_a_worker_that_died_with_messages_in_hand(world, anna):
    """A push goes again, since the phone knows its id; an SMS was perhaps sent and does not."""
    device_of(anna)
    write("bonus_added", anna, amount="1.00")
    write("gift_received", UserFactory(), amount="1.00")
    Notification.objects.filter(kind="gift_received").update(channel="sms")
    Notification.objects.update(state="sending", due_at=timezone.now() - timedelta(seconds=1))

    services.release_stuck(at=timezone.now())
    deliver_all()

    assert (world.counts["fcm"], world.counts["smsru"]) == (1, 0)
    assert states() == [("sent", "push"), ("unknown", "sms")]


def test_a_channel_switched_off_passes_on(world, anna, settings):
    settings.MESSAGE_PROVIDERS["sms"] = ""
    write("bonuses_expiring", anna, amount="1.00", days=3, when=timezone.now().isoformat())

    deliver_all()

    assert states() == [("sent", "email")]


def test_dead_letters_live_again(world, anna):
    device_of(anna, token="token-good")
    world.switches["fcm_tokens"] = {"token-good": "INVALID_ARGUMENT:payload"}
    write("bonus_added", anna, amount="1.00")
    deliver_all()
    world.switches["fcm_tokens"] = {}
    admin = UserFactory(job="admin")

    ids = list(Notification.objects.values_list("pk", flat=True))
    revived = services.retry_failed(ids=ids, by=admin, reason="ключ починили", at=timezone.now())
    deliver_all()

    assert (revived, states()) == (1, [("sent", "push")])


# --- what is written and logged -----------------------------------------------------------------
def test_no_log_names_a_person(world, anna):
    device_of(anna, token="token-of-anna")
    with captured() as logs:
        write("gift_received", anna, amount="300.00")
        world.switches["fcm_tokens"] = {"token-of-anna": "UNREGISTERED"}
        world.switches["smsru_numbers"] = {PHONE[1:]: 203}
        deliver_all()

    said = logs.getvalue()
    assert "messages.given_up" in said
    assert not any(word in said for word in (PHONE[2:], EMAIL, "Белладонна", "token-of-anna"))
    assert states() == [("failed", "sms")]


def test_the_same_source_writes_once(world, anna):
    write("gift_received", anna, amount="300.00", source="fact-1")
    write("gift_received", anna, amount="300.00", source="fact-1")

    deliver_all()

    assert Notification.objects.count() == 1
    assert world.counts["smsru"] == 1


def test_balance_is_watched(world):
    world.switches["balance"] = "12.50"

    with captured() as logs:
        services.watch_balances(at=timezone.now())

    assert str(Provider.objects.get(name="smsru").balance) == "12.50"
    assert "messages.balance_low" in logs.getvalue()


def test_a_silent_sms_is_asked_after(world, anna):
    write("gift_received", anna, amount="300.00")
    deliver_all()
    world.statuses[world.taken["smsru"][0]["id"]] = 103

    services.ask_after_silent(at=timezone.now() + timedelta(hours=2))

    row = Notification.objects.get()
    assert (row.state, row.cost) == ("delivered", 650)
    assert Message.objects.filter(topic="MessageMoved").count() == 1
