"""Chains over the REST contract: proposed, accepted, changed, left, tried out."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.coupons.models import Coupon, Redemption
from apps.crosspromo.models import Chain, Run
from apps.crosspromo.services import (
    calculate_winwin_index,
    generate_recommendations,
    replay_chain,
    suggest_places,
)
from apps.transactions.services import Item
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


def body(start: Any, end: Any, **given: Any) -> dict[str, Any]:
    at = timezone.now()
    way = {
        "from": str(start.pk),
        "to": str(end.pk),
        "trigger": {"minAmount": "1000.00"},
        "benefit": {"type": "percent", "value": "20", "maxDiscount": "600.00"},
        "validDays": 30,
        "funders": [
            {"businessId": str(start.pk), "share": 40},
            {"businessId": str(end.pk), "share": 60},
        ],
    }
    return {
        "name": "После салона — ужин",
        "topology": "pair",
        "steps": [way | given.pop("step", {})],
        "budget": "50000.00",
        "holdoutPercent": 10,
        "startsAt": at.isoformat(),
        "endsAt": (at + timedelta(days=90)).isoformat(),
    } | given


def patch(api: Any, user: Any, pk: str, asked: Any, etag: str) -> Any:
    return api.as_(user).patch(f"/cross-promo/chains/{pk}", asked, **{"If-Match": etag})


def test_a_chain_lives_once_every_partner_has_accepted(api, business, owner, cafe, host, member):
    made = api.as_(owner).post("/cross-promo/chains", body(business, cafe))
    pk, etag = made.json()["data"]["id"], made.headers["ETag"]
    sale(business=business, member=member, amount="2000")
    before = Coupon.objects.count()

    seen = api.as_(host).get(f"/cross-promo/chains/{pk}")
    accepted = patch(api, host, pk, {"action": "accept"}, seen.headers["ETag"])
    sale(business=business, member=UserFactory(), amount="2000")

    assert (made.status_code, made.json()["data"]["state"], before) == (201, "proposed", 0)
    assert [one["accepted"] for one in made.json()["data"]["version"]["partners"]] == [False, True]
    assert accepted.json()["data"]["state"] == "live"
    assert accepted.headers["ETag"] != etag
    assert Run.objects.count() == 1


def test_a_stale_etag_is_refused(api, business, owner, cafe, host):
    made = chain(step(business, cafe))

    answers = [
        patch(api, owner, made.pk, {"action": "pause"}, '"1"'),
        patch(api, owner, made.pk, {"action": "resume"}, '"1"'),
        patch(api, owner, made.pk, {"action": "resume"}, "чушь".encode().hex()),
        api.as_(owner).patch(f"/cross-promo/chains/{made.pk}", {"action": "resume"}),
        patch(api, owner, made.pk, {"action": "resume"}, '"2"'),
    ]

    assert [one.status_code for one in answers] == [200, 412, 412, 400, 200]


def test_new_terms_wait_for_the_partners(api, business, owner, cafe, host, member):
    made = chain(step(business, cafe))
    asked = body(business, cafe, step={"benefit": {"type": "fixed", "value": "900.00"}})

    answer = patch(api, owner, made.pk, asked, '"1"').json()["data"]
    sale(business=business, member=member, amount="2000")
    patch(api, host, made.pk, {"action": "accept"}, '"2"')
    with_new = UserFactory()
    for _ in range(30):  # one of them is not held out
        with_new = UserFactory()
        sale(business=business, member=with_new, amount="2000")
        if Coupon.objects.filter(member=with_new).exists():
            break

    assert (answer["version"]["number"], answer["proposed"]["number"]) == (1, 2)
    assert Coupon.objects.get(member=member).campaign.value == 500
    assert Coupon.objects.get(member=with_new).campaign.value == 900
    states = Chain.objects.get().versions.order_by("number").values_list("state", flat=True)
    assert list(states) == ["retired", "live"]


def test_leaving_takes_seven_days_and_honours_what_was_given(
    api, business, owner, cafe, host, member
):
    made = chain(step(business, cafe))
    sale(business=business, member=member)

    answer = patch(api, host, made.pk, {"action": "leave"}, '"1"').json()["data"]

    stop = Chain.objects.get().stop_at
    assert answer["state"] == "live"
    assert timedelta(days=6, hours=23) < stop - timezone.now() <= timedelta(days=7)
    Chain.objects.update(stop_at=timezone.now())
    sale(business=business, member=UserFactory())
    assert Coupon.objects.count() == 1
    [coupon] = Coupon.objects.all()
    sale(business=cafe, member=member, coupon_codes=[coupon.code])
    assert Redemption.objects.count() == 1


def test_a_partner_declines(api, business, owner, cafe, host):
    made = api.as_(owner).post("/cross-promo/chains", body(business, cafe)).json()["data"]

    answer = patch(api, host, made["id"], {"action": "decline"}, '"1"')

    assert answer.json()["data"]["state"] == "declined"
    again = patch(api, host, made["id"], {"action": "accept"}, '"2"')
    assert (again.status_code, again.json()["error"]["code"]) == (409, "WRONG_STATE")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"topology": "mutual"}, "steps"),
        ({"topology": "fan"}, "steps"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, "endsAt"),
        ({"step": {"benefit": {"type": "percent", "value": "10"}}}, "budget"),
        ({"step": {"funders": []}, "steps": []}, "steps"),
        ({"holdoutPercent": 60}, "holdoutPercent"),
    ],
)
def test_wrong_terms_are_named(wrong, field, api, business, owner, cafe):
    answer = api.as_(owner).post("/cross-promo/chains", body(business, cafe, **wrong))

    assert answer.status_code == 422, answer.json()
    assert any(name.startswith(field) for name in answer.json()["error"]["details"])
    assert not Chain.objects.exists()


def test_shares_must_be_whole_and_of_partners(api, business, owner, cafe):
    for funders in (
        [{"businessId": str(business.pk), "share": 90}],
        [{"businessId": str(BusinessFactory().pk), "share": 100}],
    ):
        asked = body(business, cafe, step={"funders": funders})
        assert api.as_(owner).post("/cross-promo/chains", asked).status_code == 422


# --- secrecy -------------------------------------------------------------------------------------
def test_a_clinic_has_no_name_for_its_partner(api, cafe, host):
    clinic = BusinessFactory(name="Стим Центр", category="dental")
    doctor = staff_of(clinic, role="business_owner")
    asked = body(clinic, cafe, step={"funders": []}, name="Стим — кафе")
    made = api.as_(doctor).post("/cross-promo/chains", asked).json()["data"]
    patch(api, host, made["id"], {"action": "accept"}, '"1"')

    seen = json.dumps(api.as_(host).get(f"/cross-promo/chains/{made['id']}").json())

    assert "Стим" not in seen
    assert str(clinic.pk) not in seen
    [way] = json.loads(seen)["data"]["version"]["steps"]
    assert (way["from"], way["trigger"], way["funnel"]) == (None, None, None)
    path = f"/cross-promo/chains/{made['id']}/simulate"
    assert api.as_(host).post(path, {}).status_code == 404
    assert "Стим" in json.dumps(
        api.as_(doctor).get(f"/cross-promo/chains/{made['id']}").json(), ensure_ascii=False
    )


def test_nobody_else_makes_a_clinic_a_sender(api, business, owner):
    clinic = BusinessFactory(category="medical")
    asked = body(clinic, business, step={"funders": []})

    assert api.as_(owner).post("/cross-promo/chains", asked).status_code == 404


def test_a_clinic_is_neither_paid_nor_a_payer(api, cafe):
    clinic = BusinessFactory(category="medical")
    doctor = staff_of(clinic, role="business_owner")

    for wrong in ({"fee": "10.00", "funders": []}, {}):
        asked = body(clinic, cafe, step=wrong)
        assert api.as_(doctor).post("/cross-promo/chains", asked).status_code == 422


# --- trying out ----------------------------------------------------------------------------------
def test_playing_and_replaying_write_nothing(api, business, owner, cafe, member):
    at = timezone.now()
    for days in (50, 40, 3):
        sale(business=business, member=member, amount="2000", occurred_at=at - timedelta(days=days))
    sale(business=cafe, member=member, amount="1500", occurred_at=at - timedelta(days=30))
    half = ((business.pk, 50), (cafe.pk, 50))
    made = chain(step(business, cafe, funders=half, fee=Decimal(25), valid_days=21))

    answer = api.as_(owner).post(f"/cross-promo/chains/{made.pk}/simulate", {}).json()["data"]

    [station] = answer["path"]
    assert (station["outcome"], station["discount"]) == ("coupon", "500.00")
    assert [(one["kind"], one["amount"]) for one in station["payments"]] == [
        ("share", "250.00"),
        ("share", "250.00"),
        ("fee", "25.00"),
    ]
    [replayed] = answer["replay"]
    # Of 50, 40 and 3 days ago the second is within the cool-down of the first.
    assert (replayed["triggered"], replayed["coupons"], replayed["used"]) == (2, 2, 1)
    assert (replayed["discount"], replayed["most"]) == ("500.00", "1000.00")
    assert not Run.objects.exists()
    assert not Coupon.objects.exists()


def test_a_category_is_played_and_replayed_by_the_lines_of_receipts(
    api, business, owner, cafe, member
):
    at = timezone.now()
    kinds = ["Стрижка", "", "уход"]
    for n, kind in enumerate(kinds):
        line = Item("Услуга", kind, Decimal(1), Decimal(2000))
        sale(
            business=business, member=UserFactory() if n else member, amount="2000",
            occurred_at=at - timedelta(days=9), items=[line],
        )  # fmt: skip
    sale(business=cafe, member=member, amount="1500", occurred_at=at - timedelta(days=2))
    made = chain(step(business, cafe, category="стрижка"))

    answer = api.as_(owner).post(f"/cross-promo/chains/{made.pk}/simulate", {}).json()["data"]

    assert [one["outcome"] for one in answer["path"]] == ["coupon"]
    [replayed] = answer["replay"]
    assert (replayed["triggered"], replayed["coupons"], replayed["used"]) == (1, 1, 1)


def test_a_play_says_why_nothing_happens(api, business, owner, cafe, member):
    sale(business=business, member=member)
    sale(business=business, member=member)
    dear = chain(step(business, cafe, min_amount=Decimal(7000)))
    first = chain(step(business, cafe, first_visit=True))

    def played(made: Any, **asked: Any) -> Any:
        path = f"/cross-promo/chains/{made.pk}/simulate"
        [station] = api.as_(owner).post(path, asked).json()["data"]["path"]
        return station["outcome"], station["reason"]

    assert played(dear) == ("coupon", "")
    assert played(dear, amount="6999.99") == ("nothing", "amount")
    assert played(first) == ("nothing", "visit")


def test_a_path_is_replayed_by_uses_and_a_fork_by_the_first(api, business, owner, cafe, member):
    third, at = BusinessFactory(name="Скин"), timezone.now()
    bought = [(business, 60), (cafe, 55), (third, 35)]  # the coupon for the third: 14 days after 55
    for place, days in [*bought, (cafe, 5)]:  # nobody's use: the way began elsewhere
        sale(business=place, member=member, amount="1500", occurred_at=at - timedelta(days=days))
    sale(business=cafe, member=UserFactory(), occurred_at=at - timedelta(days=20))
    path = chain(step(business, cafe), step(cafe, third), topology="path")
    fork = chain(step(business, third), step(business, cafe), topology="fan", fork="one_of")

    def counted(made: Any) -> list[tuple[int, int, int]]:
        found = replay_chain(version=made.versions.get(), at=at)
        return [(one.triggered, one.coupons, one.used) for one in found]

    assert counted(path) == [(1, 1, 1), (1, 1, 1)]
    assert counted(fork) == [(1, 1, 0), (1, 1, 1)]  # the café came first


def test_a_path_is_played_to_its_end(api, business, owner, cafe, member):
    third = BusinessFactory(name="Скин")
    sale(business=business, member=member)
    made = chain(step(business, cafe), step(cafe, third), topology="path")

    answer = api.as_(owner).post(f"/cross-promo/chains/{made.pk}/simulate", {}).json()["data"]

    assert [one["to"]["name"] for one in answer["path"]] == ["Лисичкино", "Скин"]
    assert not Coupon.objects.exists()


def test_nobody_plays_a_stranger(api, business, owner, cafe, member):
    made = chain(step(business, cafe))
    sale(business=cafe, member=member)

    answer = api.as_(owner).post(
        f"/cross-promo/chains/{made.pk}/simulate", {"memberId": str(member.pk)}
    )

    assert answer.status_code == 404


# --- figures -------------------------------------------------------------------------------------
def test_a_funnel_and_the_matrix(facts, api, business, owner, cafe, host, member):
    made = chain(step(business, cafe))
    sale(business=business, member=member)
    sale(business=business, member=UserFactory())
    code = Coupon.objects.get(member=member).code
    api.as_(member).get("/coupons")
    sale(business=cafe, member=member, amount="2000", coupon_codes=[code])

    shown = api.as_(owner).get(f"/cross-promo/chains/{made.pk}").json()["data"]
    matrix = api.as_(host).get("/cross-promo/win-win").json()["data"]

    assert shown["version"]["steps"][0]["funnel"] == {
        "exposed": 2,
        "heldOut": 0,
        "issued": 2,
        "seen": 1,
        "redeemed": 1,
        "discount": "500.00",
        "bonus": "0.00",
        "revenue": "1500.00",
    }
    assert matrix == []  # the hour is not reckoned yet
    assert calculate_winwin_index(business, cafe) == 0.0


def test_recommendations_say_why_and_name_no_clinic(facts, api, business, owner, cafe):
    clinic = BusinessFactory(category="dental", name="Стим")
    other = BusinessFactory(name="Соперник")
    for n in range(40):
        member = UserFactory()
        sale(business=business if n % 2 else other, member=member)
        if n % 2 and n % 3:
            sale(business=cafe, member=member)
        if n % 4 == 0:
            sale(business=clinic, member=member)

    found = api.as_(owner).get("/cross-promo/recommendations").json()["data"]

    ways = {(one["from"]["name"], one["to"]["name"]) for one in found}
    assert (business.name, "Лисичкино") in ways
    assert not any("Стим" in way for way in ways)
    assert (business.name, "Соперник") not in ways  # one trade
    [first] = [one for one in found if one["from"]["name"] == business.name]
    assert "из 100 остальных" in first["reasons"][0]
    effect = first["expectedEffect"]
    assert effect["basis"] == "forecast"
    assert 0 <= effect["perHundredGuests"]["low"] < effect["perHundredGuests"]["high"]
    live = chain(step(business, cafe))
    assert live.state == "live"
    assert (business.pk, cafe.pk) not in {
        (one.sender.pk, one.receiver.pk) for one in generate_recommendations()
    }


def test_a_member_is_shown_places_near_to_hers(business, cafe, member):
    clinic = BusinessFactory(category="medical")
    sale(business=business, member=member)
    for _ in range(3):
        other = UserFactory()
        for place in (business, cafe, clinic):
            sale(business=place, member=other)

    assert suggest_places(member=member, at=timezone.now()) == [cafe]


@pytest.mark.parametrize("rows", [1, 6])
def test_a_list_costs_the_same_for_any_number(
    rows, api, business, owner, django_assert_max_num_queries
):
    for _ in range(rows):
        chain(step(business, BusinessFactory()))
    mine = api.as_(owner)
    mine.get("/cross-promo/chains")

    with django_assert_max_num_queries(12):
        assert len(mine.get("/cross-promo/chains").json()["data"]) == rows
