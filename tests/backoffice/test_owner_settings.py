"""Settings of a business: hours, what bonuses may pay, two owners at once."""

import pytest
from django.test import Client

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.businesses.services import present_business
from tests.backoffice.conftest import SignedIn
from tests.factories.businesses import staff_of

PAGE = "/biz/salon/settings/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def seen(owner: Client) -> str:
    return str(owner.get(PAGE).context["seen"])


def test_hours_are_read_and_refused_at_their_day(owner: Client, salon: Business) -> None:
    said = {"act": "profile", "seen": seen(owner), "description": "Стрижки и цвет"}

    half = owner.post(PAGE, said | {"opens1": "10:00"})
    done = owner.post(PAGE, said | {"opens1": "10:00", "closes1": "21:00"})

    salon.refresh_from_db()
    assert half.status_code == 422
    assert half.context["profile"].errors["closes1"]
    assert "Стрижки и цвет</textarea>" in half.content.decode()
    assert done.status_code == 302
    assert salon.hours == [{"weekday": 1, "opens": "10:00", "closes": "21:00"}]


def test_two_owners_do_not_write_over_each_other_unseen(
    owner: Client, salon: Business, olga: User
) -> None:
    before = seen(owner)
    eva = staff_of(salon, role="business_owner", first_name="Ева", last_name="Юрина")
    present_business(business=salon, changes={"description": "От Евы"}, by=eva)

    told = owner.post(PAGE, {"act": "profile", "seen": before, "description": "От Ольги"})
    over = owner.post(
        PAGE,
        {"act": "profile", "seen": str(told.context["seen"]), "description": "От Ольги"},
    )

    page = told.content.decode()
    assert told.status_code == 422
    assert "Ева Ю" in page
    assert "От Евы" in page
    assert "От Ольги</textarea>" in page
    assert over.status_code == 302
    salon.refresh_from_db()
    assert salon.description == "От Ольги"


def test_the_share_wants_a_fresh_factor_and_the_networks_bound(
    owner: Client, salon: Business
) -> None:
    before = seen(owner)
    high = owner.post(PAGE, {"act": "share", "seen": before, "max_bonus_share": "70"})
    session = owner.session
    session[CONFIRMED] = 0
    session.save()

    away = owner.post(PAGE, {"act": "share", "seen": before, "max_bonus_share": "40"})
    back = owner.get(PAGE).content.decode()

    salon.refresh_from_db()
    assert high.context["share"].errors["max_bonus_share"]
    assert away.url.startswith("/login/confirm/")
    assert 'value="40"' in back
    assert salon.max_bonus_share == 30
