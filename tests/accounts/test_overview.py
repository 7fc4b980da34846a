"""The app's first screen: every part is there, in a fixed number of statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from apps.accounts.models import User
from svoykrug import overview
from tests.api import Api
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
MOST = 12  # statements in all, sign-in included: 2 a part


def test_all_parts_are_there(api: Api, member: User) -> None:
    sale(member=member, amount="1000.00")

    data = api.as_(member).get("/users/me/overview").json()["data"]

    assert set(data) == {"balance", "status", "nextEvent", "newestCoupons", "unreadCount"}
    assert data["balance"]["available"] == "50.00"
    assert data["status"]["tier"]["code"] == "insider"
    assert data["status"]["spentInWindow"] == "1000.00"


def test_it_costs_the_same_however_much_she_bought(api: Api, member: User) -> None:
    mine = api.as_(member)
    sale(member=member)
    mine.get("/users/me/overview")
    with CaptureQueriesContext(connection) as few:
        mine.get("/users/me/overview")
    for _ in range(5):
        sale(member=member)
    with CaptureQueriesContext(connection) as many:
        mine.get("/users/me/overview")

    assert len(many) == len(few) <= MOST


@pytest.mark.parametrize("name", overview.PARTS)
def test_every_part_has_a_name_and_a_function(name: str) -> None:
    assert name in overview.EMPTY
    assert callable(import_string(overview.PARTS[name]))
