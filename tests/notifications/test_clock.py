"""What the clock and the queues do: turns of workers, what a worker lost, broadcasts that go on,
balances, the weekly letter, retention."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from apps.accounts.services import erase_person
from apps.notifications import bell, rules, tasks, words
from apps.notifications.enums import Priority
from apps.notifications.models import Attempt, Callback, Notification, Provider
from apps.notifications.services import broadcasts
from tests.factories.accounts import UserFactory
from tests.factories.notifications import broadcast_of, device_of, message_to
from tests.logs import captured
from tests.notifications.conftest import agree, deliver_all, write

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def states():
    return list(Notification.objects.order_by("pk").values_list("state", "channel"))


# --- turns ---------------------------------------------------------------------------------------
@pytest.fixture
def others():
    """The connection of other workers: takes what places there are, and gives them back."""
    line = connection.copy()
    line.connect()

    def take(priority):
        first = tasks.LOCKS + priority * 10
        with line.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FILTER (WHERE pg_try_advisory_lock(place))"
                " FROM generate_series(%s::int, %s::int) AS place",
                [first, first + tasks.TURNS[priority] - 1],
            )
            return cursor.fetchone()[0]

    def give():
        with line.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")

    yield take, give
    line.close()


def test_a_worker_without_a_place_leaves_the_queue_to_the_others(world, member, others):
    take, give = others
    write("gift_received", member, amount="300.00")
    priority = Priority(Notification.objects.get().priority)

    taken = take(priority)
    tasks.deliver(priority=priority)
    while_full = world.counts["smsru"]
    give()
    tasks.deliver(priority=priority)

    assert (taken, while_full, world.counts["smsru"]) == (tasks.TURNS[priority], 0, 1)
    assert take(priority) == tasks.TURNS[priority]  # its own place is free again


def test_a_full_queue_of_one_priority_does_not_hold_another(world, member, others):
    take, _give = others
    take(Priority.MEDIUM), take(Priority.HIGH)
    write("session_reuse", member, when=timezone.now().isoformat())

    tasks.deliver(priority=Priority.CRITICAL)

    assert world.counts["smsru"] == 1


@pytest.mark.parametrize(("seconds", "rung"), [(0, [Priority.MEDIUM]), (10, [])])
def test_a_turn_that_ended_before_its_work_asks_for_another(world, monkeypatch, seconds, rung):
    monkeypatch.setitem(tasks.SECONDS, Priority.MEDIUM, seconds)
    rang = []
    monkeypatch.setattr(bell, "ring", rang.append)

    tasks.deliver(priority=Priority.MEDIUM)

    assert rang == rung


def test_beat_takes_back_what_a_worker_lost_and_rings_for_the_rest(world, member):
    device_of(member)
    write("bonus_added", member, amount="1.00")
    Notification.objects.update(state="sending", due_at=timezone.now() - HOUR)
    write("session_reuse", UserFactory(), when=timezone.now().isoformat())

    tasks.deliver_due()

    assert states() == [("sent", "push"), ("sent", "sms")]


# --- the pace of a provider ----------------------------------------------------------------------
def test_what_is_before_its_turn_waits_untried(world, member):
    """All workers together keep to the pace; only what is critical does not queue."""
    later = timezone.now() + timedelta(seconds=30)
    Provider.objects.create(name="smsru", channel="sms", next_at=later)
    write("gift_received", member, amount="1.00")
    write("session_reuse", member, when=timezone.now().isoformat())

    deliver_all()

    waits, urgent = Notification.objects.order_by("pk")
    assert (waits.state, waits.tries, urgent.state) == ("waiting", 0, "sent")
    assert world.counts["smsru"] == 1


def test_somebody_erased_meanwhile_gets_nothing(world, member):
    write("gift_received", member, amount="1.00")
    erase_person(user=member, at=timezone.now(), because="asked")

    deliver_all()

    assert (states(), world.counts["smsru"]) == ([("cancelled", "push")], 0)


def test_a_message_without_words_does_not_hold_the_others(world, monkeypatch):
    write("gift_received", UserFactory(), amount="1.00")
    write("session_reuse", UserFactory(), when=timezone.now().isoformat())
    Notification.objects.update(priority=2, channel="sms", rest="")
    monkeypatch.delitem(words.of_files("ru"), "gift_received")

    deliver_all()

    assert states() == [("failed", "sms"), ("sent", "sms")]
    assert Notification.objects.first().trouble == "KeyError"


# --- broadcasts ----------------------------------------------------------------------------------
def test_a_broadcast_is_written_out_whole_and_beat_goes_on_with_one_that_stopped(monkeypatch):
    monkeypatch.setattr(broadcasts, "SLICE", 2)
    people = [UserFactory() for _ in range(5)]
    soon, stopped, asked = (
        broadcast_of(people[0], state=state, people=5, channels="push")
        for state in ("running", "running", "asked")
    )

    tasks.expand_broadcast(broadcast_id=str(soon.pk))
    broadcasts.expand(broadcast_id=stopped.pk, at=timezone.now())  # and its worker went away
    tasks.resume_broadcasts()

    made = [Notification.objects.filter(broadcast=one).count() for one in (soon, stopped, asked)]
    assert made == [5, 5, 0]


# --- once an hour, a week, a day -----------------------------------------------------------------
def test_beat_asks_for_balances_and_after_silent_sms(world, member):
    world.switches["balance"] = "12.50"
    write("gift_received", member, amount="300.00")
    deliver_all()
    world.statuses[world.taken["smsru"][0]["id"]] = 103

    with time_machine.travel(timezone.now() + 2 * HOUR), captured() as logs:
        tasks.watch_providers()

    assert states() == [("delivered", "sms")]
    assert str(Provider.objects.get(name="smsru").balance) == "12.50"
    assert "messages.balance_low" in logs.getvalue()


def test_the_weekly_letter_adds_up_what_can_be_read(world):
    reader = UserFactory(email="a@example.com")
    agree(reader, "email")
    for bonus in ("125.50", "?", "74.50"):
        message_to(reader, kind="bonus_accrued", values={"bonus": bonus})

    with captured() as logs:
        tasks.weekly_digest()
    deliver_all()

    text = world.taken["sendgrid"][0]["content"][0]["value"]
    assert "Начислено бонусов: 200" in text
    assert '"written": 1' in logs.getvalue()


def test_old_callbacks_and_messages_go_and_what_still_waits_stays(member):
    now = timezone.now()
    for days in (29, 31):
        Callback.objects.create(provider="smsru", key=str(days), at=now - timedelta(days=days))
    kept, old = (
        message_to(member, created_at=now - timedelta(days=days), source=str(days))
        for days in (364, 366)
    )
    waits = message_to(member, created_at=now - timedelta(days=400), state="waiting")
    Attempt.objects.create(notification=old, channel="sms", provider="smsru", state="sent")

    tasks.forget_old()

    assert set(Notification.objects.all()) == {kept, waits}
    assert [one.key for one in Callback.objects.all()] == ["29"]


# --- words of moments and days -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-03-14", "14.03.2026"),
        ("2026-03-14T22:30:00+00:00", "15.03.2026"),  # it is Moscow's day
        ("soon", "soon"),
        ("Tomorrow", "Tomorrow"),
    ],
)
def test_a_day_is_shown_as_moscow_has_it(value, shown):
    assert rules.day_text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("2026-03-14T06:05:00", "14.03.2026 9:05"), ("at noon", "at noon"), ("", "")],
)
def test_a_moment_that_cannot_be_read_stays_as_it_is(value, shown):
    assert rules.moment_text(value) == shown
