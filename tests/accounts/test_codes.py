"""One-time codes as the contract has them. Limits by address, device and money: test_code_limits."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import rules, services
from apps.accounts.enums import Purpose
from apps.accounts.models import OneTimeCode, Session, User
from apps.core import sealing
from apps.core.errors import TooMany
from apps.core.models import AuditEntry, Message
from tests.accounts.codes import last_code, messages, wrong
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"


@pytest.fixture
def clock():
    """A clock that stands still until `clock.shift(seconds)`."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def send(phone=PHONE, **more):
    return services.send_code(phone=phone, at=timezone.now(), **more)


def check(sent, code, *, purpose=Purpose.SIGN_IN):
    return services.check_code(code_id=sent.code_id, code=code, purpose=purpose, at=timezone.now())


# --- sending -------------------------------------------------------------------------------------
@pytest.mark.parametrize("phone", ["8 (916) 123-45-67", "+79161234567", "9161234567"])
def test_a_code_goes_to_the_number_however_it_was_typed(clock, phone):
    sent = send(phone)

    [message] = messages()
    assert message["phone"] == PHONE
    assert last_code(PHONE) in message["text"]
    assert (sent.expires_in, sent.resend_in) == (300, 60)


@pytest.mark.parametrize("phone", ["", "123", "+14155552671", "84951234567", "anna@mail.ru"])
def test_what_is_no_mobile_number_gets_nothing(clock, phone):
    with pytest.raises(services.PhoneInvalid):
        send(phone)

    assert (messages(), OneTimeCode.objects.count()) == ([], 0)


def test_a_second_code_waits_a_minute(clock):
    send()
    clock.shift(59)
    with pytest.raises(TooMany) as refused:
        send()
    clock.shift(1)

    assert refused.value.details == {"retry_after": 1}
    assert send().code_id
    assert len(messages()) == 2


def test_three_codes_in_a_quarter_of_an_hour(clock):
    for pause in (0, 60, 120):
        clock.shift(pause)
        send()
    clock.shift(15 * 60 - 181)
    with pytest.raises(TooMany):
        send()

    assert len(messages()) == 3


def test_the_text_names_the_code_once_and_no_link(clock):
    send()

    text = messages()[0]["text"]
    assert text.count(last_code(PHONE)) == 1
    assert "http" not in text


# --- checking ------------------------------------------------------------------------------------
def test_a_right_code_proves_the_number_and_works_once(clock):
    sent = send()
    code = last_code(PHONE)

    assert check(sent, code) == PHONE
    with pytest.raises(services.CodeExpired):
        check(sent, code)


@pytest.mark.parametrize(("seconds", "alive"), [(299, True), (300, False), (86_400, False)])
def test_a_code_lives_five_minutes(clock, seconds, alive):
    sent = send()
    code = last_code(PHONE)
    clock.shift(seconds)

    if alive:
        assert check(sent, code) == PHONE
    else:
        with pytest.raises(services.CodeExpired):
            check(sent, code)


def test_only_the_newest_code_works(clock):
    first = send()
    first_code = last_code(PHONE)
    clock.shift(61)
    second = send()

    with pytest.raises(services.CodeExpired):
        check(first, first_code)
    assert check(second, last_code(PHONE)) == PHONE


def test_four_wrong_tries_leave_the_right_one(clock):
    sent = send()
    code = last_code(PHONE)
    for _ in range(4):
        with pytest.raises(services.CodeInvalid):
            check(sent, wrong(code))

    assert check(sent, code) == PHONE


def test_after_five_wrong_tries_even_the_right_code_is_dead(clock):
    sent = send()
    code = last_code(PHONE)
    for _ in range(5):
        with pytest.raises(services.CodeInvalid):
            check(sent, wrong(code))

    with pytest.raises(services.CodeExpired):
        check(sent, code)
    assert OneTimeCode.objects.get().tries == rules.CODE_TRIES


def test_a_code_for_something_else_is_just_wrong(clock):
    sent = send(purpose=Purpose.PHONE_CHANGE)

    with pytest.raises(services.CodeInvalid):
        check(sent, last_code(PHONE))
    assert check(sent, last_code(PHONE), purpose=Purpose.PHONE_CHANGE) == PHONE


def test_the_code_of_another_number_is_just_wrong(clock):
    mine, theirs = send(), send("+79161234568")

    if last_code(PHONE) != last_code("+79161234568"):
        with pytest.raises(services.CodeInvalid):
            check(mine, last_code("+79161234568"))
    assert check(theirs, last_code("+79161234568")) == "+79161234568"


def test_an_unknown_challenge_is_just_wrong(clock):
    send()

    with pytest.raises(services.CodeInvalid):
        services.check_code(
            code_id=uuid4(), code=last_code(PHONE), purpose=Purpose.SIGN_IN, at=timezone.now()
        )


# --- at rest -------------------------------------------------------------------------------------
def test_neither_code_nor_number_is_at_rest_in_clear(clock):
    send()
    row = OneTimeCode.objects.get()
    code, columns = last_code(PHONE), " ".join(str(value) for value in vars(row).values())

    assert "9161234567" not in columns
    assert code not in columns.replace(str(row.pk), "").replace(str(row.created_at), "")
    assert row.code_hash == sealing.pepper_hash(code, purpose=f"code:{row.pk}")
    assert row.code_hash != sealing.pepper_hash(code, purpose=f"code:{uuid4()}")


def test_the_same_code_of_two_challenges_has_two_hashes(clock):
    hashes = {sealing.pepper_hash("123456", purpose=f"code:{uuid4()}") for _ in range(3)}

    assert len(hashes) == 3


# --- signing in ----------------------------------------------------------------------------------
def sign_in(phone=PHONE):
    sent = send(phone)
    return services.sign_in(
        code_id=sent.code_id,
        code=last_code(PHONE),
        at=timezone.now(),
        device_name="iPhone Анны",
        platform="ios",
    )


def test_the_first_success_makes_the_member(clock):
    done = sign_in()

    assert (done.is_new, done.user.phone, done.user.tier.code) == (True, PHONE, "insider")
    assert done.user.joined_at == timezone.now()
    assert not done.user.has_usable_password()
    session = Session.objects.get()
    assert (session.user, session.device_name, session.platform) == (
        done.user,
        "iPhone Анны",
        "ios",
    )
    assert [m.topic for m in Message.objects.all()] == ["MemberJoined"]
    rows = AuditEntry.objects.order_by("id").values_list("action", "actor_id")
    assert set(rows) == {
        ("accounts.member_joined", done.user.pk),
        ("accounts.sign_in", done.user.pk),
    }


def test_the_next_success_is_the_same_person_on_another_device(clock):
    first = sign_in()
    clock.shift(3600)
    second = sign_in("8 (916) 123-45-67")

    assert (second.is_new, second.user.pk) == (False, first.user.pk)
    assert (User.objects.count(), Session.objects.count()) == (1, 2)


def test_a_member_made_at_the_till_signs_in_as_herself(clock):
    known = UserFactory(phone=PHONE)

    assert (sign_in().is_new, sign_in_user(known)) == (False, known.pk)


def sign_in_user(known):
    return Session.objects.get(user=known).user_id


def test_a_wrong_code_makes_nobody(clock):
    sent = send()

    with pytest.raises(services.CodeInvalid):
        services.sign_in(code_id=sent.code_id, code=wrong(last_code(PHONE)), at=timezone.now())
    assert (User.objects.count(), Session.objects.count()) == (0, 0)


def test_codes_leave_with_time(clock):
    send()
    later = timezone.now() + timedelta(days=1, seconds=1)

    assert services.forget_codes(at=later) == 1
    assert OneTimeCode.objects.count() == 0
