"""Sign-in of staff by SMS and by PIN on a trusted computer; recovery codes."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import StaffPin, TOTPDevice, TrustedDevice, User
from apps.businesses.models import Business, Role
from apps.businesses.services import add_staff, remove_staff
from apps.events.models import Event
from tests.accounts.codes import last_code, messages, wrong
from tests.backoffice.conftest import PASSWORD, Person, SignedIn
from tests.backoffice.test_signin import code_of, send
from tests.factories.events import published

VERA, OLGA = "+79160000001", "+79160000002"


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- SMS -----------------------------------------------------------------------------------------
def test_staff_signs_in_by_sms(client: Client, vera: User) -> None:
    assert client.post("/login/sms/", {"phone": "8 916 000 00 01"}).url == "/login/sms/code/"
    answer = client.post("/login/sms/code/", {"code": last_code(VERA)})

    assert answer.url == "/kassa/"
    assert client.get("/kassa/").status_code == 200


@pytest.mark.parametrize("phone", [OLGA, "+79123456789", "+79165555555"])
def test_others_see_the_same_and_get_nothing(
    client: Client, olga: User, person: Person, phone: str
) -> None:
    person("Анна", "Котова", phone="+79123456789")
    assert client.post("/login/sms/", {"phone": phone}).url == "/login/sms/code/"
    answer = client.post("/login/sms/code/", {"code": "000000"})

    assert answer.status_code == 422
    assert "Код не подошёл" in answer.content.decode()
    assert messages() == []


def test_member_comes_in_for_the_door_of_her_event_alone(client: Client, anna: User) -> None:
    """Without a job: the event that she proposed opens the entrance, nothing else."""
    soon = timezone.now() + timedelta(days=2)
    event = published()
    hers = {"creator": anna, "starts_at": soon, "ends_at": soon + timedelta(hours=2)}
    Event.objects.filter(pk=event.pk).update(**hers)

    client.post("/login/sms/", {"phone": "+79123456789"})
    client.post("/login/sms/code/", {"code": last_code("+79123456789")})

    assert client.get("/").url == "/door/"
    assert event.title in client.get("/door/").content.decode()
    assert client.get(f"/door/{event.pk}/").status_code == 200
    assert client.get(f"/door/{published().pk}/").status_code == 404
    assert client.get("/kassa/").status_code == 403


def test_member_without_an_event_is_told_so(client: Client, anna: User) -> None:
    client.post("/login/sms/", {"phone": "+79123456789"})
    answer = client.post("/login/sms/code/", {"code": last_code("+79123456789")})

    assert "не ведёте событий" in answer.content.decode()
    assert not is_in(client)


def test_wrong_code_signs_nobody_in(client: Client, vera: User) -> None:
    client.post("/login/sms/", {"phone": VERA})
    answer = client.post("/login/sms/code/", {"code": wrong(last_code(VERA))})

    assert answer.status_code == 422
    assert not is_in(client)


def test_sms_replaces_the_password_not_the_second_factor(client: Client, vera: User) -> None:
    device = TOTPDevice.objects.create(user=vera, confirmed=True, name="app")
    client.post("/login/sms/", {"phone": VERA})

    assert client.post("/login/sms/code/", {"code": last_code(VERA)}).url == "/login/code/"
    assert not is_in(client)
    client.post("/login/code/", {"code": code_of(device)})
    assert is_in(client)


def test_code_page_wants_a_code_sent(client: Client, db: None) -> None:
    assert client.get("/login/sms/code/").url == "/login/sms/"


def test_too_many_are_told_to_wait(client: Client, vera: User) -> None:
    client.post("/login/sms/", {"phone": VERA})
    answer = client.post("/login/sms/", {"phone": VERA})

    assert answer.status_code == 422
    assert "60" in answer.content.decode()


# --- PIN -----------------------------------------------------------------------------------------
@pytest.fixture
def till(signed_in: SignedIn, vera: User, salon: Business) -> Client:
    """The till's browser, trusted by Vera, who has a PIN and has signed out."""
    client = signed_in(vera)
    assert client.post("/kassa/device/", {"act": "trust", "business": str(salon.pk)}).url
    client.post("/kassa/device/", {"act": "pin", "pin": "4816"})
    assert StaffPin.objects.filter(user=vera).exists()
    client.post("/logout/")
    return client


def test_trusted_computer_offers_names(till: Client, vera: User, olga: User, anna: User) -> None:
    assert till.get("/login/").url == "/login/pin/"
    page = till.get("/login/pin/").content.decode()

    assert "Вера Л." in page
    assert "Ольга" not in page
    assert "Анна" not in page


def test_name_and_pin_open_the_till(till: Client, vera: User) -> None:
    assert till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"}).url == "/kassa/"
    assert till.get("/kassa/").status_code == 200


def test_pin_session_changes_neither_trust_nor_pin(till: Client, vera: User) -> None:
    till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"})

    assert till.post("/kassa/device/", {"act": "pin", "pin": "9273"}).status_code == 403
    assert till.get("/kassa/device/").status_code == 403


def test_a_pin_opens_the_till_of_this_computer_only(
    till: Client, vera: User, salon: Business, cafe: Business, at: Any
) -> None:
    add_staff(business=cafe, user=vera, role=Role.STAFF, by=None, at=at)
    till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"})

    page = till.get("/kassa/").content.decode()
    till.post("/kassa/business/", {"business": str(cafe.pk)})

    assert cafe.name not in page
    assert till.session.get("till_business") != str(cafe.pk)


def test_a_pin_session_ends_with_the_trust(till: Client, vera: User, at: Any) -> None:
    till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"})
    assert till.get("/kassa/").status_code == 200

    services.forget_device(device=TrustedDevice.objects.get(), by=vera, at=at)

    assert till.get("/kassa/").url.startswith("/login/")


def test_wrong_pin_and_foreign_name_sign_nobody_in(till: Client, vera: User, anna: User) -> None:
    for who, pin in ((vera, "1111"), (anna, "4816")):
        assert till.post("/login/pin/", {"who": str(who.pk), "pin": pin}).status_code == 422
        assert not is_in(till)


def test_locked_pin_opens_after_a_password(till: Client, vera: User) -> None:
    for _try in range(5):
        till.post("/login/pin/", {"who": str(vera.pk), "pin": "1111"})
    locked = till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"})
    assert locked.context["problem"] == str(services.PinLocked())

    send(till, VERA, PASSWORD)
    till.post("/logout/")
    assert StaffPin.objects.get().tries == 0
    assert till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"}).status_code == 302


def test_password_is_still_offered(till: Client) -> None:
    assert till.get("/login/?full=1").status_code == 200


def test_another_browser_sees_no_names(till: Client, client: Client) -> None:
    assert client.get("/login/pin/").url == "/login/"
    client.cookies["till-device"] = till.cookies["till-device"].value + "x"
    assert client.get("/login/pin/").url == "/login/"


def test_cookie_is_out_of_reach_of_scripts(till: Client) -> None:
    cookie = till.cookies["till-device"]

    assert cookie["httponly"] is True
    assert TrustedDevice.objects.get().secret_hash not in cookie.value


def test_dismissed_person_leaves_the_list(
    till: Client, vera: User, salon: Business, at: Any
) -> None:
    remove_staff(business=salon, user=vera, by=None, at=at)

    assert till.post("/login/pin/", {"who": str(vera.pk), "pin": "4816"}).status_code == 422
    assert not is_in(till)


def test_forgotten_computer_asks_for_the_password(
    till: Client, vera: User, signed_in: SignedIn, at: Any
) -> None:
    services.forget_device(device=TrustedDevice.objects.get(), by=vera, at=at)

    assert till.get("/login/").status_code == 200


def test_foreign_business_cannot_be_trusted(
    signed_in: SignedIn, vera: User, cafe: Business
) -> None:
    answer = signed_in(vera).post("/kassa/device/", {"act": "trust", "business": str(cafe.pk)})

    assert answer.status_code == 403
    assert not TrustedDevice.objects.exists()


# --- recovery ------------------------------------------------------------------------------------
def test_codes_are_shown_once_and_open_the_second_step(
    signed_in: SignedIn, olga: User, client: Client
) -> None:
    browser = signed_in(olga)
    assert browser.get("/login/recovery/").context.get("codes") is None
    codes = browser.post("/login/recovery/").context["codes"]
    assert len(codes) == 10

    assert send(client, OLGA).url == "/login/code/"
    client.post("/login/code/", {"code": codes[0].lower()})
    assert client.get("/biz/salon/").status_code == 200

    other = Client()
    send(other, OLGA)
    assert other.post("/login/code/", {"code": codes[0]}).status_code == 422


def test_recovery_page_wants_a_second_factor(client: Client, vera: User) -> None:
    send(client, VERA)

    assert client.post("/login/recovery/").url == "/login/"
