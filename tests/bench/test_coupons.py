"""100,000 unique codes: how long a campaign takes. `make bench` prints it."""

import time

import pytest

from apps.coupons.models import Coupon
from apps.coupons.rules import new_codes
from tests.factories.coupons import campaign

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
QUANTITY = 100_000


def test_a_hundred_thousand_codes(capsys):
    started = time.perf_counter()
    new_codes(QUANTITY)
    made_up = time.perf_counter() - started
    started = time.perf_counter()
    made = campaign(quantity=QUANTITY)
    whole = time.perf_counter() - started

    assert Coupon.objects.filter(campaign=made).count() == QUANTITY
    with capsys.disabled():
        print(f"\n{QUANTITY} codes: drawn in {made_up:.1f} s, campaign made in {whole:.1f} s")
    assert whole < 60
