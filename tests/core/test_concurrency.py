"""Races on real threads: whoever comes at the same moment, the outcome is one."""

import itertools
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts import tokens
from apps.accounts.models import Session, User
from apps.businesses.models import Membership
from apps.businesses.services import AlreadyThere, add_staff
from apps.core import outbox, tasks, throttle
from apps.core.facts import MemberJoined
from apps.core.http import idempotency
from apps.core.models import Beat, Delivery, IdempotencyKey, Message
from apps.loyalty.models import Journal
from apps.transactions.models import Transaction
from tests.accounts.codes import last_code
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.threads import race

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+79161234567"


def counted(outcomes):
    """How often each outcome came: exceptions by their class, the rest as they are."""
    names = [type(o).__name__ if isinstance(o, Exception) else o for o in outcomes]
    return {name: names.count(name) for name in set(names)}


# --- codes and tokens ----------------------------------------------------------------------------
def test_forty_verifications_of_one_right_code_have_one_success():
    asked = accounts.send_code(phone=PHONE, at=timezone.now())
    code = last_code(PHONE)

    outcomes = race(
        40,
        lambda n: accounts.sign_in(code_id=asked.code_id, code=code, at=timezone.now()).is_new,
    )

    won = [outcome for outcome in outcomes if outcome is True]
    assert len(won) == 1
    # the rest found it used, or found the number's failures reserved by the others
    assert set(counted(outcomes)) <= {True, "CodeExpired", "TooMany"}
    assert (User.objects.count(), Session.objects.count()) == (1, 1)
    assert Message.objects.filter(topic="MemberJoined").count() == 1


def test_forty_refreshes_of_one_token_get_one_successor_and_keep_the_session():
    session = Session.objects.create(user=UserFactory())
    token = tokens.refresh_for(session)

    outcomes = race(40, lambda n: accounts.refresh(refresh_token=token, at=timezone.now()))

    successors = {outcome.refresh_token for outcome in outcomes}
    session.refresh_from_db()
    assert (len(outcomes), successors) == (40, {tokens.refresh_for(session)})
    assert token not in successors
    assert session.revoked_at is None
    assert accounts.refresh(refresh_token=successors.pop(), at=timezone.now())


def test_racing_first_sales_and_sign_ins_make_one_member():
    made = race(20, lambda n: accounts.get_or_create_member(phone=PHONE, at=timezone.now()))

    assert counted([is_new for _user, is_new in made]) == {True: 1, False: 19}
    assert len({user.pk for user, _is_new in made}) == User.objects.count() == 1


def test_two_people_who_ask_for_one_email_at_once_are_told_apart():
    people = [UserFactory() for _ in range(8)]

    outcomes = race(
        8,
        lambda n: accounts.update_profile(user=people[n], changes={"email": "anna@mail.ru"}).email,
    )

    assert counted(outcomes) == {"anna@mail.ru": 1, "EmailTaken": 7}


def test_one_person_is_hired_once(business):
    user = UserFactory()

    outcomes = race(
        8,
        lambda n: (
            add_staff(
                business=business, user=user, role="business_staff", by=None, at=timezone.now()
            ).role
        ),
    )

    assert counted(outcomes) == {"business_staff": 1, AlreadyThere.__name__: 7}
    assert Membership.objects.count() == 1


# --- limits --------------------------------------------------------------------------------------
def test_a_limit_of_five_lets_five_of_forty_through():
    outcomes = race(40, lambda n: throttle.hit("test", PHONE, 5, 60) == 0)

    assert counted(outcomes) == {True: 5, False: 35}


def test_one_number_that_asks_twenty_times_at_once_gets_one_code(settings):
    outcomes = race(20, lambda n: bool(accounts.send_code(phone=PHONE, at=timezone.now())))

    assert counted(outcomes) == {True: 1, "TooMany": 19}
    with open(settings.DEV_SMS_FILE) as sent:
        assert len(sent.readlines()) == 1


# --- idempotency ---------------------------------------------------------------------------------
@pytest.fixture
def till(staff, business, member):
    """`till(key)` posts the same sale under a key, on a client of its own."""
    caller = Api().as_(staff)
    body = {"businessId": str(business.pk), "member": {"id": str(member.pk)}, "amount": "1000.00"}

    def post(key):
        mine = Api(dict(caller.headers))
        return mine.post("/transactions", body, key=key)

    return post


def test_twenty_twins_of_one_request_have_one_effect_and_one_answer(till):
    answers = race(20, lambda n: till("k"))

    assert counted([answer.status_code for answer in answers]) == {201: 20}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert len({answer.content.partition(b',"meta":')[0] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == 19
    assert [t.objects.count() for t in (Transaction, Journal, IdempotencyKey)] == [1, 1, 1]


def test_a_twin_of_a_running_request_is_asked_to_come_back(till, member, monkeypatch):
    """The first request hangs on a row that another transaction holds, its key in its hand."""
    monkeypatch.setattr(idempotency, "PATIENCE", 0.05)
    till("makes-the-wallet")
    answers = {}
    first = threading.Thread(target=lambda: answers.update(first=till("k")) or connection.close())

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM loyalty_wallet WHERE member_id = %s FOR UPDATE", [member.pk])
        first.start()
        wait_until(somebody_waits_for_us)
        [twin] = race(1, lambda n: till("k"))
    first.join()
    again = till("k")

    assert (twin.status_code, twin.json()["error"]["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert twin["Retry-After"] == "1"
    assert answers["first"].status_code == 201
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["data"] == answers["first"].json()["data"]


def wait_until(true):
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks "
            "WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )
        return cursor.fetchone()[0]


# --- outbox --------------------------------------------------------------------------------------
LISTENERS = {"MemberJoined": ["tests.core.test_concurrency.every_fifth_fails_once"]}
_calls = itertools.count()
_failed: set[str] = set()


def every_fifth_fails_once(fact, *, message_id):
    """Its row has the message's id for a key: a second hearing would break it."""
    Beat.objects.create(name=str(message_id), at=timezone.now())
    if next(_calls) % 5 == 0 and fact.member_id not in _failed:
        _failed.add(fact.member_id)
        raise ConnectionError("the provider hung up")


def test_four_workers_and_a_provider_that_fails_one_in_five_deliver_all_once(settings):
    settings.OUTBOX_LISTENERS = "tests.core.test_concurrency.LISTENERS"
    outbox.listeners.cache_clear()
    _failed.clear()
    try:
        with transaction.atomic():
            for n in range(50):
                outbox.publish(MemberJoined(member_id=str(n), at="now"), ring=lambda: None)
        first = race(4, lambda n: outbox.drain())
        waiting = Delivery.objects.filter(state="waiting").count()
        with time_machine.travel(timezone.now() + timedelta(seconds=10), tick=False):
            second = race(4, lambda n: outbox.drain())
    finally:
        outbox.listeners.cache_clear()

    assert waiting == len(_failed) >= 8
    assert (sum(first), sum(second)) == (50 - waiting, waiting)
    assert Beat.objects.count() == 50
    attempts = list(Delivery.objects.filter(state="done").values_list("attempts", flat=True))
    assert (attempts.count(1), attempts.count(2)) == (50 - waiting, waiting)


def test_a_bell_rings_once_a_second_however_many_facts():
    cache.clear()
    rung = [cache.add(outbox.BELL, 1, timeout=1) for _ in range(3)]

    assert rung == [True, False, False]


def test_a_task_does_not_begin_on_a_connection_that_postgresql_has_closed() -> None:
    connection.ensure_connection()
    connection.connection.close()

    tasks.heartbeat()

    assert Beat.objects.filter(name="heartbeat").exists()
