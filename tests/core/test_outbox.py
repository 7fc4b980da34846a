"""A fact leaves with its transaction; every listener hears it at least once."""

import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.core import outbox
from apps.core.facts import FACTS, Fact, MemberJoined
from apps.core.models import Beat, Delivery, Message
from tests.threads import race

LISTENERS = {
    "MemberJoined": ["tests.core.test_outbox.hear", "tests.core.test_outbox.other"],
    "TierChanged": ["tests.core.test_outbox.BATCH@batch"],
}
BACKLOG, PEOPLE = 50_000, 5_000
BATCH = object()
heard: list[tuple[str, int]] = []
trouble: list[Exception] = []


def hear(fact, *, message_id):
    """Writes a row of its own, so that hearing twice would be seen; then fails while it should."""
    Beat.objects.create(name=f"hear {message_id}", at=timezone.now(), note=fact.member_id)
    if trouble:
        raise trouble[0]


def other(fact, *, message_id):
    Beat.objects.create(name=f"other {message_id}", at=timezone.now())


def note(fact, *, message_id):
    heard.append((fact.member_id, int(fact.at)))


@pytest.fixture(autouse=True)
def our_listeners(settings):
    settings.OUTBOX_LISTENERS = "tests.core.test_outbox.LISTENERS"
    outbox.listeners.cache_clear()
    trouble.clear()
    yield
    outbox.listeners.cache_clear()


def silent():
    """In place of the bell."""


def publish(member_id="m"):
    with transaction.atomic():
        return outbox.publish(MemberJoined(member_id=member_id, at="now"), ring=silent)


def states():
    rows = Delivery.objects.order_by("sequence").values_list("listener", "state", "attempts")
    return [(listener.rpartition(".")[2], state, attempts) for listener, state, attempts in rows]


# --- publishing ----------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_fact_outside_of_a_transaction_is_an_error():
    with pytest.raises(RuntimeError, match="open a transaction first"):
        outbox.publish(MemberJoined(member_id="m", at="now"))

    assert Message.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_fact_and_its_change_commit_together():
    with transaction.atomic():
        Beat.objects.create(name="change", at=timezone.now())
        outbox.publish(MemberJoined(member_id="m", at="now"), ring=silent)

    message = Message.objects.get()
    assert (message.topic, message.payload) == (
        "MemberJoined",
        {"member_id": "m", "at": "now", "referral_code": "", "device_hash": ""},
    )
    assert states() == [("hear", "waiting", 0), ("other", "waiting", 0)]
    assert Beat.objects.filter(name="change").exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_loses_the_fact_and_the_change():
    rung = []
    with transaction.atomic():
        Beat.objects.create(name="change", at=timezone.now())
        outbox.publish(MemberJoined(member_id="m", at="now"), ring=lambda: rung.append(1))
        transaction.set_rollback(True)

    assert (Message.objects.count(), Delivery.objects.count(), Beat.objects.count()) == (0, 0, 0)
    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_the_fact_is_heard():
    with transaction.atomic():
        outbox.publish(MemberJoined(member_id="m", at="now"))
        inside = states()

    assert [state for _name, state, _tries in inside] == ["waiting", "waiting"]
    assert states() == [("hear", "done", 1), ("other", "done", 1)]


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_fails_does_not_harm_the_change():
    def broken():
        raise ConnectionError("the broker is down")

    with transaction.atomic():
        outbox.publish(MemberJoined(member_id="m", at="now"), ring=broken)

    assert outbox.drain() == 2


@pytest.mark.django_db(transaction=True)
def test_without_redis_facts_wait_for_beat(settings):
    closed = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": closed}}

    with transaction.atomic():
        outbox.publish(MemberJoined(member_id="m", at="now"))

    assert [state for _name, state, _tries in states()] == ["waiting", "waiting"]
    assert outbox.drain() == 2


@pytest.mark.django_db
def test_a_fact_that_nobody_hears_is_still_written_down():
    with transaction.atomic():
        outbox.publish(FACTS["SessionReuseDetected"](member_id="m", session_id="s", at="now"))

    assert (Message.objects.count(), Delivery.objects.count()) == (1, 0)
    assert outbox.drain() == 0


@pytest.mark.django_db
def test_a_listener_has_one_delivery_of_a_message():
    message = publish()

    with pytest.raises(IntegrityError, match="one_delivery_per_listener"), transaction.atomic():
        Delivery.objects.create(message=message, listener="tests.core.test_outbox.hear")


def test_facts_are_strings_frozen_at_their_moment():
    for topic, fact in FACTS.items():
        assert (topic, issubclass(fact, Fact)) == (fact.__name__, True)
        kinds = set(fact.__annotations__.values())
        assert kinds <= {str, int, bool, str | None}, topic
    with pytest.raises(AttributeError):
        MemberJoined(member_id="m", at="now").member_id = "n"


# --- delivering ----------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_listener_hears_the_fact_as_it_was_told():
    message = publish("anna")

    assert outbox.drain() == 2
    assert Beat.objects.get(name=f"hear {message.pk}").note == "anna"
    assert Delivery.objects.filter(done_at__isnull=False).count() == 2
    assert outbox.drain() == 0


@pytest.mark.django_db
def test_a_failure_keeps_nothing_of_what_the_listener_wrote_and_stops_nobody():
    message = publish()
    trouble.append(ValueError("no"))

    assert outbox.drain() == 1
    assert states() == [("hear", "waiting", 1), ("other", "done", 1)]
    assert [beat.name for beat in Beat.objects.all()] == [f"other {message.pk}"]
    failed = Delivery.objects.get(state="waiting")
    assert failed.last_error == "ValueError: no"


@pytest.mark.django_db
def test_an_error_is_kept_without_anything_personal():
    publish()
    trouble.append(ValueError("8 (916) 123-45-67 anna@mail.ru code=123456 \x00 " + "x" * 600))

    outbox.drain()

    kept = Delivery.objects.get(state="waiting").last_error
    assert kept.startswith("ValueError: +7*** ***@*** code=*** ")
    assert len(kept) == 500


@pytest.mark.django_db
def test_the_second_attempt_comes_after_its_wait():
    publish()
    trouble.append(ValueError("no"))
    outbox.drain()
    trouble.clear()

    too_early = outbox.drain()
    with time_machine.travel(timezone.now() + timedelta(seconds=6), tick=False):
        in_time = outbox.drain()

    assert (too_early, in_time) == (0, 1)
    assert states() == [("hear", "done", 2), ("other", "done", 1)]
    assert Delivery.objects.filter(last_error="").count() == 2


@pytest.mark.django_db
def test_the_ladder_ends_in_a_dead_letter_that_can_be_given_another_life():
    publish()
    trouble.append(ValueError("no"))
    now, seen = timezone.now(), []

    for wait in [0, *outbox.BACK_OFF]:
        now += timedelta(seconds=wait)
        with time_machine.travel(now, tick=False):
            outbox.drain()
        seen.append(Delivery.objects.get(listener__endswith=".hear").state)
    dead = Delivery.objects.get(listener__endswith=".hear")

    assert seen == ["waiting"] * 7 + ["dead"] * 2
    assert dead.attempts == len(outbox.BACK_OFF) == 8
    trouble.clear()
    with time_machine.travel(now, tick=False):
        assert outbox.retry_dead(listener="tests.core.test_outbox.other") == 0
        assert outbox.retry_dead() == 1
        assert outbox.drain() == 1
    assert states() == [("hear", "done", 1), ("other", "done", 1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"listener": "tests.core.test_outbox.nobody"}, {"listener": "no.such.module.at_all"}],
)
def test_a_listener_that_is_gone_is_a_failure_like_any_other(change):
    publish()
    Delivery.objects.filter(listener__endswith=".hear").update(**change)

    assert outbox.drain() == 1
    left = Delivery.objects.get(state="waiting")
    assert (left.attempts, left.last_error.partition(":")[0]) in [
        (1, "ImportError"),
        (1, "ModuleNotFoundError"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"topic": "Forgotten"}, {"payload": {"member_id": "m", "later_field": 1}}]
)
def test_a_fact_of_another_release_is_a_failure_like_any_other(change):
    message = publish()
    Message.objects.filter(pk=message.pk).update(**change)
    publish("after")

    assert outbox.drain() == 2
    assert [state for _name, state, _tries in states()] == ["waiting"] * 2 + ["done"] * 2


@pytest.mark.django_db
def test_batches_are_left_to_their_collector():
    with transaction.atomic():
        fact = FACTS["TierChanged"](member_id="m", before="a", after="b", reason="r", at="now")
        outbox.publish(fact, ring=silent)

    assert outbox.drain() == 0
    assert states() == [("BATCH@batch", "waiting", 0)]
    assert outbox.is_batch("tests.core.test_outbox.BATCH@batch")


@pytest.mark.django_db
def test_one_drain_ends_when_its_time_is_over():
    for n in range(3):
        publish(str(n))

    heard = outbox.drain(seconds=0)  # and the bell is rung for the rest

    assert heard == 0
    assert {state for _name, state, _tries in states()} == {"done"}


@pytest.mark.django_db(transaction=True)
def test_no_more_than_two_drain_at_once():
    """The other threads of a worker stay free for what is not a backlog."""
    inside, leave = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with outbox._turn() as mine:
            held.append(mine)
            inside.wait()
            leave.wait()
        connection.close()

    held: list[bool] = []
    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    publish("x")

    third = outbox.drain()
    leave.set()
    for thread in threads:
        thread.join()

    assert (held, third, outbox.drain()) == ([True, True], 0, 2)


WROTE_FOR_AN_HOUR = """
WITH said AS (
    INSERT INTO core_message (id, topic, payload, created_at)
    SELECT gen_random_uuid(), 'MemberJoined',
           jsonb_build_object('member_id', (n %% %(people)s)::text, 'at', n::text),
           now() - interval '1 hour' + n * interval '1 hour' / %(rows)s
    FROM generate_series(1, %(rows)s) n RETURNING id, created_at
)
INSERT INTO core_delivery (message_id, listener, state, due_at, attempts, last_error)
SELECT id, 'tests.core.test_outbox.note', 'waiting', created_at, 0, '' FROM said ORDER BY created_at
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_thousand_facts_of_an_hour_without_workers_are_drained_in_order(record_property):
    """Both places drain. Facts of one person are heard in the order in which they were told."""
    with connection.cursor() as cursor:
        cursor.execute(WROTE_FOR_AN_HOUR, {"rows": BACKLOG, "people": PEOPLE})
        cursor.execute("ANALYZE core_delivery")
    assert outbox.oldest_waiting_seconds() > 3500
    heard.clear()
    began = time.monotonic()

    drained = sum(race(2, lambda _n: outbox.drain(seconds=600)))

    took = time.monotonic() - began
    record_property("operations", drained)
    record_property("seconds", round(took))
    assert (drained, len(heard), len(set(heard))) == (BACKLOG, BACKLOG, BACKLOG)
    assert outbox.oldest_waiting_seconds() == 0.0
    of_one = {}
    for person, number in heard:
        assert of_one.get(person, 0) < number
        of_one[person] = number


# --- leases --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_leased_delivery_is_nobody_elses_until_the_lease_ends():
    publish()
    first, second = outbox.lease_one(), outbox.lease_one()
    now = timezone.now()

    assert first.pk != second.pk
    assert outbox.lease_one() is None
    with time_machine.travel(now + outbox.LEASE - timedelta(seconds=5), tick=False):
        assert outbox.lease_one() is None
    with time_machine.travel(now + outbox.LEASE, tick=False):
        again = outbox.lease_one()
    assert (again.pk, again.attempts) == (first.pk, 2)


@pytest.mark.django_db
def test_a_worker_whose_lease_ended_cannot_take_back_a_delivery():
    publish()
    Delivery.objects.filter(listener__endswith=".other").delete()
    slow = outbox.lease_one()
    with time_machine.travel(timezone.now() + outbox.LEASE, tick=False):
        assert outbox.deliver(outbox.lease_one())
    trouble.append(ValueError("late"))

    assert not outbox.deliver(slow)
    row = Delivery.objects.get(pk=slow.pk)
    assert (row.state, row.attempts, row.last_error) == ("done", 2, "")


@pytest.mark.django_db
def test_a_worker_that_died_leaves_its_work_to_the_next():
    publish()
    outbox.lease_one()

    heard = outbox.drain()
    with time_machine.travel(timezone.now() + outbox.LEASE, tick=False):
        later = outbox.drain()

    assert (heard, later) == (1, 1)
    assert sorted(states()) == [("hear", "done", 2), ("other", "done", 1)]


@pytest.mark.django_db
def test_the_oldest_waiting_row_tells_its_age():
    empty = outbox.oldest_waiting_seconds()
    publish()
    with time_machine.travel(timezone.now() + timedelta(seconds=90), tick=False):
        assert 89 < outbox.oldest_waiting_seconds() < 92
        outbox.drain()
        assert outbox.oldest_waiting_seconds() == empty == 0.0
