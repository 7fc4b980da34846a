"""Sign-in of staff: password, second factor, limits, and who is let in where."""

import time

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP

from apps.accounts.models import TOTPDevice, User
from apps.core.models import AuditEntry
from tests.backoffice.conftest import PASSWORD, Person, SignedIn

LOGIN = "/login/"
PHONE_OF_VERA = "8 (916) 000-00-01"
WRONG = "Телефон или почта и пароль не подходят друг к другу."


def code_of(device: TOTPDevice) -> str:
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    return f"{totp.token():06d}"


def send(client: Client, login: str, password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"login": login, "password": password, **more})


def test_staff_signs_in_with_any_form_of_her_phone(client: Client, vera: User) -> None:
    answer = send(client, PHONE_OF_VERA)

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").url == "/kassa/"
    assert AuditEntry.objects.filter(actor_id=vera.pk, action="accounts.web_sign_in").count() == 1


def test_email_works_as_well(client: Client, vera: User) -> None:
    vera.set_email("vera@example.ru")
    vera.save()

    assert send(client, "Vera@Example.RU").status_code == 302


@pytest.mark.parametrize("login", [PHONE_OF_VERA, "+7 916 555-55-55", "nobody@example.ru", "мяу"])
def test_wrong_pair_does_not_tell_which_half(client: Client, vera: User, login: str) -> None:
    answer = send(client, login, "не тот пароль")

    assert answer.status_code == 422
    assert WRONG in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_empty_fields_are_named(client: Client, db: None) -> None:
    page = send(client, "", "").content.decode()

    assert "Введите телефон или почту." in page
    assert "Введите пароль." in page


def test_session_key_is_new_after_sign_in(client: Client, vera: User) -> None:
    client.get(LOGIN)
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key

    send(client, PHONE_OF_VERA)

    assert client.session.session_key not in (None, before)


def test_member_is_told_that_this_is_for_staff(client: Client, anna: User) -> None:
    answer = send(client, "+79123456789")

    assert answer.status_code == 422
    assert "Здесь работают сотрудники партнёров" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_sixth_wrong_password_waits_even_if_right(client: Client, vera: User) -> None:
    for _attempt in range(5):
        send(client, PHONE_OF_VERA, "мимо")

    answer = send(client, "+79160000001")

    assert answer.status_code == 422
    assert "Подождите 15 минут" in answer.content.decode()


def test_right_password_forgets_the_wrong_ones(client: Client, vera: User) -> None:
    for _attempt in range(4):
        send(client, PHONE_OF_VERA, "мимо")
    send(client, PHONE_OF_VERA)
    client.post("/logout/")
    for _attempt in range(4):
        send(client, PHONE_OF_VERA, "мимо")

    assert send(client, PHONE_OF_VERA).status_code == 302


def test_address_waits_after_ten_wrong_passwords(client: Client, vera: User) -> None:
    for attempt in range(10):
        send(client, f"guess{attempt}@example.ru", "мимо")

    assert "Подождите 15 минут" in send(client, PHONE_OF_VERA).content.decode()


def test_right_passwords_do_not_count_against_the_address(client: Client, vera: User) -> None:
    for _shift in range(25):
        assert send(client, PHONE_OF_VERA).status_code == 302
        client.post("/logout/")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/kassa/?x=1", "/kassa/?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
    ],
)
def test_next_leads_only_to_our_host(client: Client, vera: User, asked: str, given: str) -> None:
    assert send(client, PHONE_OF_VERA, next=asked).url == given


def test_owner_without_second_factor_sets_it_up_first(client: Client, olga: User) -> None:
    answer = send(client, "+79160000002")

    assert answer.url == "/login/setup/"
    assert client.get("/kassa/").status_code == 302  # nothing is open yet
    page = client.get("/login/setup/").content.decode()
    device = TOTPDevice.objects.get(user=olga)
    assert (device.confirmed, "<svg" in page) == (False, True)

    done = client.post("/login/setup/", {"code": code_of(device)})

    device.refresh_from_db()
    assert (done.status_code, device.confirmed) == (302, True)
    assert client.get("/").url == "/biz/salon/"


def test_setup_refuses_a_wrong_code_and_keeps_the_secret(client: Client, olga: User) -> None:
    send(client, "+79160000002")
    before = client.get("/login/setup/").context["secret"]

    answer = client.post("/login/setup/", {"code": "000000"})

    assert answer.status_code == 422
    assert answer.context["secret"] == before
    assert not TOTPDevice.objects.get(user=olga).confirmed


def test_owner_with_second_factor_is_asked_for_the_code(client: Client, olga: User) -> None:
    device = TOTPDevice.objects.create(user=olga, name="app", confirmed=True)

    assert send(client, "+79160000002", next="/kassa/").url == "/login/code/"
    assert client.get("/").url == LOGIN  # a right password alone opens nothing
    code = code_of(device)
    assert client.post("/login/code/", {"code": f"{code[:3]} {code[3:]}"}).url == "/kassa/"
    assert client.get("/kassa/").status_code == 200


def test_a_code_works_once(client: Client, olga: User) -> None:
    device = TOTPDevice.objects.create(user=olga, name="app", confirmed=True)
    code = code_of(device)
    send(client, "+79160000002")
    client.post("/login/code/", {"code": code})
    client.post("/logout/")
    send(client, "+79160000002")

    answer = client.post("/login/code/", {"code": code})

    assert answer.status_code == 422
    assert "уже использован" in answer.content.decode()


@pytest.mark.parametrize("code", ["12345", "1234567", "абвгде", "１２３４５６", ""])
def test_malformed_code_is_refused_in_words(client: Client, olga: User, code: str) -> None:
    TOTPDevice.objects.create(user=olga, name="app", confirmed=True)
    send(client, "+79160000002")

    answer = client.post("/login/code/", {"code": code})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_second_step_needs_the_first(client: Client, db: None) -> None:
    assert client.get("/login/code/").url == LOGIN
    assert client.get("/login/setup/").url == LOGIN


def test_second_device_is_not_added_by_password_alone(client: Client, olga: User) -> None:
    TOTPDevice.objects.create(user=olga, name="app", confirmed=True)
    send(client, "+79160000002")

    assert client.get("/login/setup/").url == "/login/code/"


def test_half_way_is_forgotten_after_ten_minutes(client: Client, olga: User) -> None:
    send(client, "+79160000002")
    session = client.session
    session["half_signed_in"] |= {"at": time.time() - 601}
    session.save()

    assert client.get("/login/setup/").url == LOGIN


def test_admin_goes_to_the_control_pages(
    client: Client, person: Person, signed_in: SignedIn
) -> None:
    admin = person("Ада", "Минина", phone="+79160000003", job="admin")

    assert signed_in(admin).get("/").url == reverse("backoffice:control")


def test_blocked_person_cannot_sign_in(client: Client, vera: User) -> None:
    vera.blocked_at = vera.joined_at
    vera.save()

    assert WRONG in send(client, PHONE_OF_VERA).content.decode()


def test_sign_out_is_a_post(client: Client, vera: User, signed_in: SignedIn) -> None:
    browser = signed_in(vera)

    assert browser.get("/logout/").status_code == 405
    assert browser.post("/logout/").url == LOGIN
    assert browser.get("/kassa/").url == "/login/?next=%2Fkassa%2F"
