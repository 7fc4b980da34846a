"""A device she had not used before: told of at once, and 500 bonuses at most in its first day."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from apps.accounts import services, tokens
from apps.accounts.models import Session, User
from apps.accounts.services import Asker
from apps.core.models import Message
from apps.loyalty.services import NewDeviceCapped, release_hold, spend_bonus
from tests.accounts.codes import last_code
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
PHONE, FRIEND = "+79161110001", "+79161110003"


def sign_in(device: str, *, days: int = 0) -> Api:
    """A phone in her hand (or not in hers), signed in so many days from now."""
    with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
        at = timezone.now()
        sent = services.send_code(phone=PHONE, at=at, asker=Asker(device=device))
        services.sign_in(
            code_id=sent.code_id, code=last_code(PHONE), at=at, asker=Asker(device=device)
        )
    api = Api()
    api.session = Session.objects.latest("created_at", "id")
    access = tokens.access_for(api.session, at=timezone.now())
    api.headers["Authorization"] = f"Bearer {access}"
    return api


@pytest.fixture
def shop():
    return BusinessFactory()


@pytest.fixture
def anna(shop) -> User:
    user = UserFactory(phone=PHONE)
    sale(member=user, business=shop, amount="40000.00")  # 2,000 bonuses
    return user


def hold(phone: Api, shop, amount: str):
    return phone.post("/loyalty/redemptions", {"businessId": str(shop.pk), "amount": amount})


def test_a_new_device_holds_five_hundred_and_her_own_what_she_likes(anna, shop) -> None:
    mine = sign_in("mine", days=-30)
    other = sign_in("other")

    first, second = hold(other, shop, "400.00"), hold(other, shop, "100.01")
    own = hold(mine, shop, "1000.00")
    third = hold(other, shop, "100.00")

    assert (first.status_code, own.status_code, third.status_code) == (201, 201, 201)
    error = second.json()["error"]
    assert (second.status_code, error["code"]) == (409, "WRONG_STATE")
    assert "осталось 100.00" in error["message"]
    assert Message.objects.filter(topic="NewDeviceSignedIn").count() == 1


def test_what_is_given_back_may_be_held_again(anna, shop) -> None:
    sign_in("mine", days=-30)
    other = sign_in("other")
    held = hold(other, shop, "500.00").json()["data"]

    release_hold(hold_id=held["id"], at=timezone.now())

    assert hold(other, shop, "500.00").status_code == 201


def test_card_code_and_gift_share_the_cap(anna, shop) -> None:
    """At a till a shown card or a code by SMS may come from the new device."""
    sign_in("mine", days=-30)
    other = sign_in("other")
    anna.refresh_from_db()
    UserFactory(phone=FRIEND).sessions.create()
    at = timezone.now()
    spend_bonus(member=anna, business=shop, amount=Decimal(300), key="a", at=at)

    gift = other.post("/loyalty/transfers", {"phone": FRIEND, "amount": "250.00"})
    with pytest.raises(NewDeviceCapped), transaction.atomic():
        spend_bonus(member=anna, business=shop, amount=Decimal(201), key="b", at=at)

    assert gift.json()["error"]["code"] == "WRONG_STATE"
    tomorrow = at + timedelta(days=1, minutes=1)
    assert spend_bonus(member=anna, business=shop, amount=Decimal(1000), key="c", at=tomorrow)


@pytest.mark.parametrize(
    ("before", "now"),
    [([], "first"), (["mine"], "mine"), ([""], "other"), ([""], "")],
    ids=["her first one", "her own again", "none told its id", "no ids at all"],
)
def test_these_are_not_strange(anna, shop, before: list[str], now: str) -> None:
    for days, device in enumerate(before, start=-30):
        sign_in(device, days=days)

    assert hold(sign_in(now), shop, "1000.00").status_code == 201
    assert not Message.objects.filter(topic="NewDeviceSignedIn").exists()


def test_leaving_the_id_out_makes_a_device_no_older(anna, shop) -> None:
    sign_in("mine", days=-30)

    assert hold(sign_in(""), shop, "500.01").status_code == 409
