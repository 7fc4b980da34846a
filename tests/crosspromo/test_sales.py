"""Coupons and chains in the life of a sale, through the API of sales."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.coupons.models import Coupon, Redemption
from apps.crosspromo.models import Run
from apps.transactions.models import Transaction
from apps.transactions.services import refund_purchase
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign, chain, code_of, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


def body(business: Any, member: Any, **given: Any) -> dict[str, Any]:
    return {
        "businessId": str(business.pk),
        "member": {"id": str(member.pk)},
        "amount": "1000.00",
    } | given


def test_a_sale_takes_a_coupon_and_gives_another(api, business, staff, member):
    cafe = BusinessFactory(name="Лисичкино")
    chain(step(business, cafe))
    code = code_of(campaign(business, value=Decimal(200)))

    answer = api.as_(staff).post("/transactions", body(business, member, couponCodes=[code]))

    done = answer.json()["data"]
    assert (done["discount"], done["toPay"], done["bonusAccrued"]) == ("200.00", "800.00", "40.00")
    [new] = done["newCoupons"]
    assert (new["businessName"], new["benefit"]["value"]) == ("Лисичкино", "500.00")
    assert "code" not in new
    detail = api.as_(staff).get(f"/transactions/{done['id']}").json()["data"]
    assert [one["discount"] for one in detail["coupons"]] == ["200.00"]


def test_the_answer_again_names_the_same_coupons(api, business, staff, member):
    chain(step(business, BusinessFactory()))

    first = api.as_(staff).post("/transactions", body(business, member), key="k").json()["data"]
    again = api.as_(staff).post("/transactions", body(business, member), key="k").json()["data"]

    assert first["newCoupons"]
    assert again == first


def test_a_quote_writes_nothing(api, business, staff, member):
    chain(step(business, BusinessFactory()))
    code = code_of(campaign(business))

    answer = api.as_(staff).post("/transactions/quote", body(business, member, couponCodes=[code]))

    assert answer.json()["data"]["discount"] == "500.00"
    assert not Redemption.objects.exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize("code", ["ZZZZZZZZZZZZZZ", ""])
def test_a_wrong_code_refuses_the_sale(code, api, business, staff, member):
    answer = api.as_(staff).post("/transactions", body(business, member, couponCodes=[code]))

    assert answer.status_code in (404, 422)
    assert not Transaction.objects.exists()


def test_a_return_gives_back_and_takes_back(business, member):
    cafe = BusinessFactory()
    chain(step(business, cafe, min_amount=Decimal(600)))
    code = code_of(campaign(business, value=Decimal(100)))
    bought = sale(business=business, member=member, coupon_codes=[code])
    given = Coupon.objects.get(member=member)
    owner = staff_of(business, role="business_owner")

    for amount, key in ((Decimal(300), "a"), (Decimal(300), "b"), (None, "c")):
        bought.refresh_from_db()
        refund_purchase(
            sale=bought,
            amount=amount,
            reason="вернула в тот же день",
            by=owner,
            key=key,
            at=timezone.now(),
        )
        given.refresh_from_db()
        states = (given.state, Coupon.objects.get(code=code).state)
        assert (
            states
            == {
                "a": ("active", "redeemed"),
                "b": ("cancelled", "redeemed"),
                "c": ("cancelled", "active"),
            }[key]
        )
