"""Coupons over the REST contract."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.coupons.models import Campaign, Coupon, HeldOut, Redemption
from apps.coupons.rules import grouped
from apps.coupons.services.issuing import issue
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign, code_of, personal
from tests.factories.transactions import sale
from tests.threads import race

pytestmark = pytest.mark.django_db


def body(business: Any, **given: Any) -> dict[str, Any]:
    at = timezone.now()
    return {
        "businessId": str(business.pk),
        "name": "Осень",
        "benefit": {"type": "percent", "value": "15", "maxDiscount": "900.00"},
        "audience": "anyone",
        "quantity": 5,
        "perMember": 1,
        "validFrom": at.isoformat(),
        "validTo": (at + timedelta(days=30)).isoformat(),
    } | given


# --- her own -------------------------------------------------------------------------------------
def test_a_wallet_shows_codes_and_marks_them_seen(api, member, business):
    coupon = personal(member, business, value=Decimal(300))

    [shown] = api.as_(member).get("/coupons").json()["data"]

    assert shown["code"] == grouped(coupon.code)
    assert shown["benefit"] == {"type": "fixed", "value": "300.00", "maxDiscount": None}
    coupon.refresh_from_db()
    assert coupon.seen_at


def test_a_wallet_is_filtered_by_state(api, member, business):
    coupon = personal(member, business)
    Coupon.objects.filter(pk=coupon.pk).update(
        valid_from=timezone.now() - timedelta(days=2), valid_to=timezone.now() - timedelta(days=1)
    )
    mine = api.as_(member)

    found = {
        state: len(mine.get("/coupons", {"state": state}).json()["data"])
        for state in ("active", "redeemed", "expired", "cancelled")
    }

    assert found == {"active": 0, "redeemed": 0, "expired": 1, "cancelled": 0}
    assert mine.get(f"/coupons/{coupon.pk}").json()["data"]["state"] == "expired"
    assert mine.get("/coupons", {"state": "чушь"}).status_code == 422


@pytest.mark.parametrize("rows", [1, 20])
def test_a_wallet_costs_the_same_for_any_number(
    rows, api, member, business, django_assert_num_queries
):
    made = campaign(business, audience="promo", promo_code="MANY", per_member=100)
    for _ in range(rows):
        issue(made, member_id=member.pk, at=timezone.now())
    mine = api.as_(member)
    mine.get("/coupons")

    with django_assert_num_queries(2):  # session with the person, coupons
        assert len(mine.get("/coupons").json()["data"]) == rows


def test_a_promo_code_is_claimed_once(api, member, business):
    campaign(business, audience="promo", promo_code="VESNA", quantity=10)
    mine = api.as_(member)

    first = mine.post("/coupons/claim", {"code": " vesna "}, key="a")
    again = mine.post("/coupons/claim", {"code": " vesna "}, key="a")
    second = mine.post("/coupons/claim", {"code": "VESNA"}, key="b")

    assert first.status_code == 201
    assert again.json()["data"] == first.json()["data"]
    assert (second.status_code, second.json()["error"]["code"]) == (409, "ALREADY_USED")
    assert Coupon.objects.filter(member=member).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_last_coupon_of_a_promo_code_is_claimed_once(api):
    campaign(BusinessFactory(), audience="promo", promo_code="LAST", quantity=3)
    callers = [api.as_(UserFactory()) for _ in range(12)]

    answers = race(12, lambda n: callers[n].post("/coupons/claim", {"code": "LAST"}).status_code)

    assert sorted(answers) == [201] * 3 + [409] * 9
    assert (Coupon.objects.count(), Campaign.objects.get().issued) == (3, 3)


def test_guessing_codes_is_slowed_down(api, member):
    mine = api.as_(member)

    answers = [mine.post("/coupons/claim", {"code": f"NO{n}"}).status_code for n in range(22)]

    assert answers == [404] * 20 + [429] * 2


# --- the till ------------------------------------------------------------------------------------
def test_validate_says_why_not(api, business, staff):
    code = code_of(campaign(business, min_amount=Decimal(2000)))
    ask = {"businessId": str(business.pk), "code": code}
    till = api.as_(staff)

    good = till.post("/coupons/validate", ask | {"amount": "2000"}).json()["data"]
    bad = till.post("/coupons/validate", ask | {"amount": "1999.99"}).json()["data"]
    unknown = till.post("/coupons/validate", ask | {"code": "NO"}).json()["data"]

    assert (good["valid"], good["discount"]) == (True, "500.00")
    assert (bad["valid"], bad["reason"], bad["message"]) == (
        False,
        "min_amount",
        "Счёт должен быть от 2\xa0000\xa0₽.",
    )
    assert (unknown["reason"], unknown["benefit"]) == ("unknown", None)


def test_redeem_once_and_replay(api, business, staff):
    code = code_of(campaign(business))
    ask = {"businessId": str(business.pk), "code": code}
    till = api.as_(staff)

    first = till.post("/coupons/redeem", ask, key="a")
    again = till.post("/coupons/redeem", ask, key="a")
    other = till.post("/coupons/redeem", ask, key="b")

    assert (first.status_code, first.json()["data"]["discount"]) == (201, "500.00")
    assert again.json()["data"] == first.json()["data"]
    assert (other.status_code, other.json()["error"]["code"]) == (409, "ALREADY_USED")
    assert "уже погашен" in other.json()["error"]["message"]


def test_redeem_for_a_sale_that_is_recorded(api, business, staff, member):
    made = campaign(business, benefit="bonus", value=Decimal(150))
    bought = sale(business=business, member=member, amount="700")
    ask = {"businessId": str(business.pk), "code": code_of(made), "transactionId": str(bought.pk)}

    answer = api.as_(staff).post("/coupons/redeem", ask)

    assert answer.json()["data"]["bonus"] == "150.00"
    assert Redemption.objects.get().member == member
    foreign = ask | {"transactionId": str(sale().pk)}
    assert api.as_(staff).post("/coupons/redeem", foreign).status_code == 404


# --- campaigns -----------------------------------------------------------------------------------
def test_unique_codes_in_bulk(api, business, owner):
    mine = api.as_(owner)

    made = mine.post("/coupons/campaigns", body(business, quantity=250)).json()["data"]

    assert (made["issued"], made["benefit"]["maxDiscount"]) == (250, "900.00")
    assert Coupon.objects.filter(campaign_id=made["id"]).count() == 250
    codes = mine.get(f"/coupons/campaigns/{made['id']}/codes", {"limit": 100}).json()["data"]
    assert len({one["code"] for one in codes}) == 100
    listed = mine.get("/coupons/campaigns").json()["data"]
    assert [one["id"] for one in listed] == [made["id"]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"benefit": {"type": "percent", "value": "101"}}, "benefit"),
        ({"benefit": {"type": "percent", "value": "много"}}, "benefit.value"),
        ({"benefit": {"type": "fixed", "value": "0"}}, "benefit.value"),
        ({"benefit": {"type": "percent", "value": "5"}, "budget": "100"}, "budget"),
        ({"validTo": "2020-01-01T00:00:00Z"}, "validTo"),
        ({"quantity": 0}, "quantity"),
        ({"audience": "promo"}, "promoCode"),
        ({"audience": "promo", "promoCode": "ВЕСНА"}, "promoCode"),
        ({"holdoutPercent": 10}, "holdoutPercent"),
        ({"чушь": 1}, "чушь"),
    ],
)
def test_wrong_terms_are_named(wrong, field, api, business, owner):
    answer = api.as_(owner).post("/coupons/campaigns", body(business) | wrong)

    assert answer.status_code == 422
    assert field in answer.json()["error"]["details"]
    assert not Campaign.objects.exists()


def test_a_taken_promo_code(api, business, owner):
    ask = body(business, audience="promo", promoCode="vesna")
    api.as_(owner).post("/coupons/campaigns", ask)

    again = api.as_(owner).post("/coupons/campaigns", ask)

    assert (again.status_code, list(again.json()["error"]["details"])) == (422, ["promoCode"])


def test_cancelling(api, business, owner, staff):
    made = campaign(business, quantity=3)
    used = code_of(made)
    ask = {"businessId": str(business.pk), "code": used}
    api.as_(staff).post("/coupons/redeem", ask)
    mine = api.as_(owner)

    answers = [mine.post(f"/coupons/campaigns/{made.pk}/cancel").status_code for _ in range(2)]

    assert answers == [200, 409]
    states = sorted(Coupon.objects.values_list("state", flat=True))
    assert states == ["cancelled", "cancelled", "redeemed"]
    assert mine.get("/coupons").json()["data"] == []


def test_stats_count_and_compare_with_before(api, business, owner, member):
    at = timezone.now()
    made = campaign(business, value=Decimal(100), valid_from=at - timedelta(days=10))
    sale(business=business, member=member, amount="700", occurred_at=at - timedelta(days=15))
    sale(business=business, member=member, amount="1000", coupon_codes=[code_of(made)])

    stats = api.as_(owner).get(f"/coupons/campaigns/{made.pk}/stats").json()["data"]

    assert (stats["issued"], stats["redeemed"], stats["discount"]) == (1, 1, "100.00")
    assert (stats["revenueWith"], stats["revenueWithout"]) == ("900.00", "700.00")
    assert (stats["incremental"], stats["method"]) == ("200.00", "before_after")


def test_stats_compare_with_the_held_out(api, business, owner):
    at = timezone.now()
    guests = [UserFactory() for _ in range(24)]
    for guest in guests:
        sale(business=business, member=guest, occurred_at=at - timedelta(days=5))
    made = campaign(business, audience="guests", quantity=100, holdout_percent=50, valid_from=at)
    held = set(HeldOut.objects.values_list("member_id", flat=True))
    for guest in guests:
        amount = "300" if guest.pk in held else "1000"
        sale(business=business, member=guest, amount=amount)

    stats = api.as_(owner).get(f"/coupons/campaigns/{made.pk}/stats").json()["data"]

    got = 24 - len(held)
    assert 0 < len(held) < 24
    assert (stats["issued"], stats["method"]) == (got, "holdout")
    assert Decimal(stats["incremental"]) == 700 * got
    assert stats["interval"] == {"low": stats["incremental"], "high": stats["incremental"]}


def test_another_owners_campaign_does_not_exist(api, owner):
    made = campaign()

    for path in ("stats", "codes"):
        assert api.as_(owner).get(f"/coupons/campaigns/{made.pk}/{path}").status_code == 404
    assert api.as_(owner).post(f"/coupons/campaigns/{made.pk}/cancel").status_code == 404
    stranger = staff_of(BusinessFactory(), role="business_owner")
    assert api.as_(stranger).get("/coupons/campaigns").json()["data"] == []
