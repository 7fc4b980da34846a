"""Sign-in over HTTP, as the mobile app does it."""

from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.models import OneTimeCode, Session, User
from tests.accounts.codes import last_code, messages, wrong
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def ask(api, phone=PHONE):
    return api.post("/auth/send-code", {"phone": phone})


def verify(api, asked, code, **more):
    code_id = asked.json()["data"]["codeId"]
    return api.post("/auth/verify-code", {"codeId": code_id, "code": code} | more)


# --- send-code -----------------------------------------------------------------------------------
def test_the_answer_is_that_of_the_contract(api):
    data = ask(api).json()["data"]

    UUID(data.pop("codeId"))
    assert data == {"expiresIn": 300, "resendIn": 60}


def test_known_unknown_and_blocked_numbers_look_alike(api, at):
    UserFactory(phone="+79161234501")
    UserFactory(phone="+79161234502", blocked_at=at)

    answers = [ask(api, f"+7916123450{n}") for n in (1, 2, 3)]

    shapes = {
        (a.status_code, tuple(sorted(a.json()["data"])), a.json()["data"]["resendIn"])
        for a in answers
    }
    headers = {tuple(sorted(set(a.headers) - {"X-Request-ID"})) for a in answers}
    assert (len(shapes), len(headers)) == (1, 1)
    assert OneTimeCode.objects.count() == 3
    assert {m["phone"] for m in messages()} == {"+79161234501", "+79161234503"}


def test_asking_again_at_once_is_limited(api):
    ask(api)
    again = ask(api, "8 (916) 123-45-67")

    assert error(again) == (429, "RATE_LIMITED")
    assert 55 <= int(again["Retry-After"]) <= 60
    assert len(messages()) == 1


@pytest.mark.parametrize("phone", ["", "12345", "+14155552671", "x" * 41])
def test_a_wrong_number_is_a_wrong_field(api, phone):
    answer = ask(api, phone)

    assert error(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["phone"]


def test_a_number_as_a_json_number_is_no_text(api):
    answer = api.post("/auth/send-code", {"phone": 79161234567})

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == ["phone"]


# --- verify-code ---------------------------------------------------------------------------------
def test_the_first_right_code_makes_the_member(api):
    asked = ask(api)

    answer = verify(api, asked, last_code(PHONE), device={"name": "Pixel 9", "platform": "android"})

    data = answer.json()["data"]
    assert set(data) == {"accessToken", "refreshToken", "expiresIn", "isNew", "user"}
    assert (answer.status_code, data["isNew"], data["expiresIn"]) == (200, True, 900)
    assert (data["user"]["phone"], data["user"]["role"]) == (PHONE, "member")
    assert data["user"]["id"] == str(User.objects.get().pk)
    assert Session.objects.get().device_name == "Pixel 9"
    me = api.get("/users/me", Authorization=f"Bearer {data['accessToken']}")
    assert me.json()["data"] == data["user"]


def test_the_second_sign_in_is_not_new(api):
    verify(api, ask(api), last_code(PHONE))
    with time_machine.travel(timezone.now().timestamp() + 120):
        data = verify(api, ask(api), last_code(PHONE)).json()["data"]

    assert data["isNew"] is False
    assert Session.objects.count() == 2


def test_a_wrong_code_says_so(api):
    asked = ask(api)

    assert error(verify(api, asked, wrong(last_code(PHONE)))) == (401, "CODE_INVALID")
    assert error(verify(api, asked, wrong(last_code(PHONE)))) == (401, "CODE_INVALID")
    assert verify(api, asked, last_code(PHONE)).status_code == 200


def test_five_wrong_tries_end_it(api):
    asked = ask(api)
    for _ in range(5):
        assert error(verify(api, asked, wrong(last_code(PHONE)))) == (401, "CODE_INVALID")

    assert error(verify(api, asked, last_code(PHONE))) == (401, "CODE_EXPIRED")


def test_a_code_works_once(api):
    asked = ask(api)
    verify(api, asked, last_code(PHONE))

    assert error(verify(api, asked, last_code(PHONE))) == (401, "CODE_EXPIRED")


def test_a_late_code_has_expired(api):
    asked = ask(api)
    code = last_code(PHONE)

    with time_machine.travel(timezone.now().timestamp() + 301):
        assert error(verify(api, asked, code)) == (401, "CODE_EXPIRED")


def test_a_newer_code_ends_the_older(api):
    asked = ask(api)
    code = last_code(PHONE)
    with time_machine.travel(timezone.now().timestamp() + 61):
        newer = ask(api)

        assert error(verify(api, asked, code)) == (401, "CODE_EXPIRED")
        assert verify(api, newer, last_code(PHONE)).status_code == 200


def test_an_unknown_challenge_is_just_wrong(api):
    answer = api.post("/auth/verify-code", {"codeId": str(uuid4()), "code": "123456"})

    assert error(answer) == (401, "CODE_INVALID")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", " 12 34 56", None])
def test_a_code_is_six_digits(api, code):
    answer = verify(api, ask(api), code)

    assert error(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["code"]
    assert OneTimeCode.objects.get().tries == 0


@pytest.mark.parametrize("code_id", ["", "x", "1", None, ["a"]])
def test_a_challenge_is_a_uuid(api, code_id):
    answer = api.post("/auth/verify-code", {"codeId": code_id, "code": "123456"})

    assert error(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["codeId"]


def test_the_blocked_learn_it_only_with_the_right_code(api, at):
    UserFactory(phone=PHONE, blocked_at=at)
    asked = ask(api)
    challenge = OneTimeCode.objects.get()

    assert asked.status_code == 200
    assert messages() == []
    assert error(verify(api, asked, "000000")) in [(401, "CODE_INVALID"), (403, "BLOCKED")]
    assert challenge.used_at is None
    assert Session.objects.count() == 0


# --- refresh -------------------------------------------------------------------------------------
def test_a_refresh_is_that_of_the_contract(api, member):
    session = Session.objects.create(user=member)

    answer = api.post("/auth/refresh", {"refreshToken": tokens.refresh_for(session)})

    data = answer.json()["data"]
    assert set(data) == {"accessToken", "refreshToken", "expiresIn"}
    assert (answer.status_code, data["expiresIn"]) == (200, 900)


def test_a_second_use_outside_of_the_grace_is_named_and_ends_the_session(api, member):
    session = Session.objects.create(user=member)
    spent = tokens.refresh_for(session)
    fresh = api.post("/auth/refresh", {"refreshToken": spent}).json()["data"]

    with time_machine.travel(timezone.now().timestamp() + 61):
        again = api.post("/auth/refresh", {"refreshToken": spent})
        mine = api.get("/users/me", Authorization=f"Bearer {fresh['accessToken']}")
        after = api.post("/auth/refresh", {"refreshToken": fresh["refreshToken"]})

    assert error(again) == (401, "TOKEN_REUSED")
    assert error(mine) == (401, "UNAUTHENTICATED")
    assert error(after) == (401, "UNAUTHENTICATED")


def test_an_old_refresh_token_has_expired(api, member):
    token = tokens.refresh_for(Session.objects.create(user=member))

    with time_machine.travel(timezone.now().timestamp() + 30 * 86_400 + 1):
        assert error(api.post("/auth/refresh", {"refreshToken": token})) == (401, "TOKEN_EXPIRED")


@pytest.mark.parametrize("token", ["x", "a.b.c", "access"])
def test_what_is_no_refresh_token_is_refused(api, member, token):
    if token == "access":
        token = tokens.access_for(Session.objects.create(user=member), at=timezone.now())

    assert error(api.post("/auth/refresh", {"refreshToken": token})) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": None}])
def test_no_token_is_a_wrong_field(api, body):
    answer = api.post("/auth/refresh", body)

    assert error(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["refreshToken"]


def test_a_blocked_person_is_refused_by_that_name(api, member, at):
    token = tokens.refresh_for(Session.objects.create(user=member))
    User.objects.filter(pk=member.pk).update(blocked_at=at)

    assert error(api.post("/auth/refresh", {"refreshToken": token})) == (403, "BLOCKED")


def test_signing_in_needs_no_token_and_minds_no_bad_one(api):
    answer = api.post("/auth/send-code", {"phone": PHONE}, Authorization="Bearer garbage")

    assert answer.status_code == 200
