"""Whoever is invited is told, and an owner sets her first password by a link: once, for a day."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Invitation, User
from apps.accounts.services import InvitationDead, set_first_password
from apps.businesses.models import Business
from apps.businesses.services import remove_staff
from tests.accounts.codes import messages
from tests.backoffice.conftest import PASSWORD, SignedIn

STAFF, FIRST = "/biz/salon/staff/", "/login/first/"
PHONE = "+79160000077"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def told() -> list[str]:
    """What was sent to her phone."""
    return [one["text"] for one in messages() if one["phone"] == PHONE]


def invited(owner: Client, role: str = "business_owner") -> User:
    done = owner.post(STAFF, {"act": "invite", "phone": PHONE, "role": role})
    assert done.status_code == 302
    return User.objects.with_phone(PHONE)


def key_of(text: str) -> str:
    found = re.search(r"/login/first/\?key=(\S+)$", text)
    assert found
    return found[1]


def test_an_owner_sets_her_first_password_by_the_link_once(
    owner: Client, salon: Business, client: Client
) -> None:
    person = invited(owner)
    [text] = told()
    key = key_of(text)
    assert "Миндаль" in text
    assert key not in str(list(Invitation.objects.values()))
    assert "ещё не задала пароль" in owner.get(STAFF).content.decode()

    assert client.get(f"{FIRST}?key={key}").url == FIRST
    looked = client.get(FIRST)
    weak = client.post(FIRST, {"password": "короткий"})
    done = client.post(FIRST, {"password": PASSWORD})
    again = Client()
    again.get(f"{FIRST}?key={key}")

    assert looked.status_code == 200
    assert PHONE not in looked.content.decode()
    assert weak.status_code == 422
    assert "12" in str(weak.context["form"].errors["password"])
    assert done.url == "/login/setup/"
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert again.get(FIRST).status_code == 410
    assert "ещё не задала пароль" not in owner.get(STAFF).content.decode()
    refused = owner.post(STAFF, {"act": "link", "person": str(person.pk)})
    assert refused.status_code == 422
    assert len(told()) == 1


def test_a_newer_link_a_day_and_leaving_kill_an_older_one(
    owner: Client, olga: User, salon: Business
) -> None:
    person, at = invited(owner), timezone.now()
    owner.post(STAFF, {"act": "link", "person": str(person.pk)})
    first, second = (key_of(text) for text in told())

    with pytest.raises(InvitationDead):
        set_first_password(token=first, password=PASSWORD, at=at + timedelta(minutes=1))
    with pytest.raises(InvitationDead):
        set_first_password(token=second, password=PASSWORD, at=at + timedelta(hours=25))
    remove_staff(business=salon, user=person, by=olga, at=at)
    with pytest.raises(InvitationDead):
        set_first_password(token=second, password=PASSWORD, at=at)
    person.refresh_from_db()
    assert not person.has_usable_password()


def test_staff_is_told_without_a_secret_and_not_without_end(owner: Client, salon: Business) -> None:
    person = invited(owner, role="business_staff")
    assert not Invitation.objects.exists()
    assert "key=" not in told()[0]

    for role in ["business_owner", "business_staff"] * 4:
        owner.post(STAFF, {"act": "role", "person": str(person.pk), "role": role})

    assert len(told()) == 5
