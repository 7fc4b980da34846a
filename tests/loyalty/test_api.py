import pytest

from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


def test_a_member_without_purchases_has_zeros(api, member):
    data = api.as_(member).get("/loyalty/balance").json()["data"]

    assert data == {
        "available": "0.00",
        "pending": "0.00",
        "held": "0.00",
        "expiringSoon": None,
        "earned": "0.00",
        "spent": "0.00",
        "currency": "RUB",
    }


def test_a_hold_is_made_shown_and_released(api, member, business):
    sale(member=member, business=business, amount="2000.00")
    me = api.as_(member)

    made = me.post("/loyalty/redemptions", {"businessId": str(business.pk), "amount": "60.00"})
    hold = made.json()["data"]
    during = me.get("/loyalty/balance").json()["data"]
    gone = me.client.delete(f"/api/v1/loyalty/redemptions/{hold['id']}", headers=me.headers)
    after = me.get(f"/loyalty/redemptions/{hold['id']}").json()["data"]

    assert (made.status_code, hold["state"], len(hold["code"])) == (201, "held", 6)
    assert (during["available"], during["held"]) == ("40.00", "60.00")
    assert (gone.status_code, after["state"]) == (200, "released")


def test_more_than_there_is_cannot_be_held(api, member, business):
    sale(member=member, business=business, amount="2000.00")

    answer = api.as_(member).post(
        "/loyalty/redemptions", {"businessId": str(business.pk), "amount": "100.01"}
    )

    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == ("INSUFFICIENT_BONUS", {"available": ["100.00"]})


def test_somebody_elses_hold_does_not_exist(api, member, business):
    sale(member=member, business=business, amount="2000.00")
    made = api.as_(member).post(
        "/loyalty/redemptions", {"businessId": str(business.pk), "amount": "60.00"}
    )
    stranger = api.as_(UserFactory())

    path = f"/loyalty/redemptions/{made.json()['data']['id']}"
    assert stranger.get(path).status_code == 404
    assert stranger.client.delete("/api/v1" + path, headers=stranger.headers).status_code == 404


@pytest.mark.parametrize("state", ["suspended", "closed"])
def test_nothing_is_held_for_a_partner_that_is_not_active(state, api, member):
    business = BusinessFactory(state=state)

    answer = api.as_(member).post(
        "/loyalty/redemptions", {"businessId": str(business.pk), "amount": "1.00"}
    )
    assert answer.status_code == 404


def test_status_says_how_far_the_next_tier_is(api, member, business):
    sale(member=member, business=business, amount="15000.50")

    data = api.as_(member).get("/loyalty/status").json()["data"]

    assert data["tier"]["code"] == "insider"
    assert (data["spentInWindow"], data["nextTier"]["code"], data["toNext"]) == (
        "15000.50",
        "vip",
        "44999.50",
    )


def test_the_four_tiers_are_listed_with_their_rates(api, member):
    rows = api.as_(member).get("/loyalty/tiers").json()["data"]

    assert [(row["code"], row["cashbackRate"], row["voteWeight"]) for row in rows] == [
        ("insider", "5.00", 1),
        ("vip", "7.00", 1),
        ("elite", "10.00", 3),
        ("inner_circle", "10.00", 3),
    ]


def test_history_pages_neither_skip_nor_repeat_while_rows_arrive(api, member, business):
    for n in range(5):
        sale(member=member, business=business, amount=f"{n + 1}00.00")
    me = api.as_(member)

    first = me.get("/loyalty/history", {"limit": 2}).json()
    sale(member=member, business=business, amount="900.00")
    cursor = first["meta"]["pagination"]["nextCursor"]
    second = me.get("/loyalty/history", {"limit": 2, "cursor": cursor}).json()
    last = me.get(
        "/loyalty/history", {"limit": 2, "cursor": second["meta"]["pagination"]["nextCursor"]}
    ).json()

    amounts = [line["amount"] for page in (first, second, last) for line in page["data"]]
    assert amounts == ["25.00", "20.00", "15.00", "10.00", "5.00"]
    assert last["meta"]["pagination"]["nextCursor"] is None
