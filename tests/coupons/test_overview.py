"""Coupons on the app's first screen."""

import pytest

from tests.factories.accounts import UserFactory
from tests.factories.coupons import personal

pytestmark = pytest.mark.django_db


def test_the_first_screen_shows_what_she_can_use_now(api, member, business):
    coupon = personal(member, business)
    personal(UserFactory(), business, word="OTHER")

    shown = api.as_(member).get("/users/me/overview").json()["data"]["newestCoupons"]

    assert [one["id"] for one in shown] == [str(coupon.pk)]
