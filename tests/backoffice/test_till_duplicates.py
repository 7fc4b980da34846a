"""One sale, however often it is sent: double presses, retries, a device that repeats itself."""

from decimal import Decimal

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.backoffice.pages.tokens import queue_pass
from apps.businesses.models import Business
from apps.core import throttle
from apps.loyalty.models import Journal
from apps.transactions.models import Transaction


@pytest.mark.parametrize(
    "times", [50, pytest.param(10_000, marks=pytest.mark.slow)], ids=lambda times: str(times)
)
def test_a_form_sent_again_and_again_is_one_sale(
    times: int, till: Client, vera: User, anna: User, salon: Business
) -> None:
    step = till.post("/kassa/find/", {"who": "89123456789"}).url
    places = set()

    for number in range(times):
        if number % 25 == 0:
            throttle.clear("till.commit", str(vera.pk))  # limits are another proof's matter
            throttle.clear("till.commit.business", str(salon.pk))
        places.add(till.post(step, {"amount": "1500,50"}).url)

    [sale] = Transaction.objects.all()
    assert places == {f"/kassa/sale/{sale.pk}/"}
    assert sale.amount == Decimal("1500.50")
    assert Journal.objects.count() == 1


@pytest.mark.parametrize(
    "times", [50, pytest.param(10_000, marks=pytest.mark.slow)], ids=lambda times: str(times)
)
def test_a_device_that_repeats_itself_makes_one_sale(
    times: int, till: Client, vera: User, anna: User, salon: Business
) -> None:
    said = {"key": "k", "who": "89123456789", "amount": "100", "at": timezone.now().isoformat()}
    a_load = 50  # what a device sends at once
    body = {"pass": queue_pass(business_id=salon.pk, by=vera), "sales": [said] * a_load}
    answers = []

    for _ in range(times // a_load):
        answer = till.post("/kassa/queue/", orjson.dumps(body), content_type="application/json")
        answers += answer.json()["sales"]

    [sale] = Transaction.objects.all()
    assert answers == [{"key": "k", "state": "done", "sale": str(sale.pk)}] * times
    assert Journal.objects.count() == 1


def test_three_forms_are_three_sales(till: Client, anna: User) -> None:
    """The counter-proof: it is the key that makes them one, not the guest and the sum."""
    for _ in range(3):
        step = till.post("/kassa/find/", {"who": "89123456789"}).url
        till.post(step, {"amount": "1500,50", "again": "1"})

    assert Transaction.objects.count() == 3
