"""The old number is lost: a code to the new one, 72 hours, and many ways to object."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import PhoneMove, Session, User
from apps.accounts.services import erase_person
from apps.core.models import AuditEntry, Message
from tests.accounts.codes import last_code, messages
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
OLD, NEW = "+79161110001", "+79161110002"
URL = "/users/me/phone/move"
WAIT = timedelta(hours=72)


@pytest.fixture
def anna() -> User:
    return UserFactory(phone=OLD)


@pytest.fixture
def mine(api: Api, anna: User) -> Api:
    return api.as_(anna)


def ask(mine: Api, capture):
    sent = mine.post(URL, {"phone": "8 916 111 00 02"})
    assert sent.status_code == 200, sent.content
    body = {"codeId": sent.json()["data"]["codeId"], "code": last_code(NEW)}
    with capture(execute=True):
        return mine.post(f"{URL}/confirm", body)


def test_it_waits_72_hours_and_everybody_is_told(
    mine: Api, anna: User, django_capture_on_commit_callbacks
) -> None:
    answer = ask(mine, django_capture_on_commit_callbacks)

    assert answer.status_code == 202, answer.content
    assert answer.json()["data"]["phone"] == "+7 916 ···-··-02"
    assert [one["phone"] for one in messages()] == [NEW, OLD]
    assert "72 часа" in messages()[-1]["text"]
    assert Message.objects.filter(topic="PhoneMoveAsked").count() == 1
    assert NEW[2:] not in str(list(PhoneMove.objects.values()))
    at = timezone.now()
    assert services.serve_phone_moves(at=at + WAIT - timedelta(minutes=1)) == 0
    assert User.objects.with_phone(OLD) == anna


def test_then_the_number_is_hers_and_bonuses_rest_a_day(
    mine: Api, anna: User, django_capture_on_commit_callbacks
) -> None:
    ask(mine, django_capture_on_commit_callbacks)
    elsewhere = Session.objects.create(user=anna)
    at = timezone.now() + WAIT + timedelta(minutes=1)

    served = [services.serve_phone_moves(at=at) for _twice in range(2)]

    anna.refresh_from_db()
    elsewhere.refresh_from_db()
    assert served == [1, 0]
    assert anna.phone == NEW
    assert anna.frozen_until == at + timedelta(days=1)
    assert elsewhere.revoked_because == "phone_changed"
    assert mine.get("/users/me").status_code == 200
    assert PhoneMove.objects.count() == 0


def by_another_device(mine: Api, anna: User) -> None:
    other = Api().as_(anna)
    assert other.get(URL).json()["data"]["phone"] == "+7 916 ···-··-02"
    answer = other.client.delete(f"/api/v1{URL}", headers=other.headers)
    assert answer.status_code == 204
    assert other.get(URL).json()["data"] == {"phone": None, "askedAt": None, "dueAt": None}


def by_the_old_number(mine: Api, anna: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        sent = services.send_code(phone=OLD, at=timezone.now())
        services.sign_in(code_id=sent.code_id, code=last_code(OLD), at=timezone.now())


def by_a_block(mine: Api, anna: User) -> None:
    services.block_user(user=anna, by=None, reason="проверка", at=timezone.now())


def because_it_is_taken(mine: Api, anna: User) -> None:
    UserFactory(phone=NEW)


@pytest.mark.parametrize(
    "objection", [by_another_device, by_the_old_number, by_a_block, because_it_is_taken]
)
def test_an_objection_ends_it(
    mine: Api, anna: User, objection, django_capture_on_commit_callbacks
) -> None:
    ask(mine, django_capture_on_commit_callbacks)

    objection(mine, anna)

    assert services.serve_phone_moves(at=timezone.now() + WAIT + timedelta(hours=2)) == 0
    assert User.objects.with_phone(OLD) == anna
    assert PhoneMove.objects.count() == 0


def test_a_taken_number_is_said_only_to_whoever_holds_it(
    mine: Api, django_capture_on_commit_callbacks
) -> None:
    UserFactory(phone=NEW)

    answer = ask(mine, django_capture_on_commit_callbacks)

    assert answer.status_code == 409
    assert PhoneMove.objects.count() == 0


def test_a_code_for_it_changes_no_number_at_once(mine: Api, anna: User) -> None:
    sent = mine.post(URL, {"phone": NEW}).json()["data"]
    body = {"newCodeId": sent["codeId"], "newCode": last_code(NEW)}
    body |= {"oldCodeId": sent["codeId"], "oldCode": last_code(NEW)}

    assert mine.post("/users/me/phone/confirm", body).status_code == 401
    assert User.objects.with_phone(OLD) == anna


def test_it_goes_with_her_and_stands_in_her_copy(
    mine: Api, anna: User, django_capture_on_commit_callbacks
) -> None:
    ask(mine, django_capture_on_commit_callbacks)
    copy = mine.get("/users/me/export").json()["data"]

    erase_person(user=anna, at=timezone.now(), because="asked")

    assert NEW in str(copy)
    assert PhoneMove.objects.count() == 0
    assert NEW[2:] not in str(list(AuditEntry.objects.values()))


def test_ones_own_number_is_no_new_one(mine: Api) -> None:
    answer = mine.post(URL, {"phone": OLD})

    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["phone"])
    assert PhoneMove.objects.count() == 0
