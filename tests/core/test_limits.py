"""Every row of the table of limits that the API itself holds, each with its Retry-After."""

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import rules, tokens
from apps.accounts.api.views import AuthViewSet
from apps.accounts.models import Session
from apps.core import redis_line
from apps.core.http import throttles
from apps.core.ids import new_id
from apps.events.api.views import PlaceViewSet
from apps.transactions.api.views import SaleViewSet
from apps.transactions.services import searching
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
OUTSIDE = {"X-Forwarded-For": "95.24.8.1"}


def refused(answer: Any, *, within: int) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer["Retry-After"]) <= within + 1


@pytest.mark.parametrize(
    ("action", "body", "most"),
    [("vote", {"value": 1}, 20), ("register", {}, 10)],
)
def test_votes_and_registrations_of_one_person(api, member, action, body, most):
    mine, path = api.as_(member), f"/events/{new_id()}/{action}"

    answers = [mine.post(path, body, key=str(n)) for n in range(most + 1)]

    assert [one.status_code for one in answers[:-1]] == [404] * most
    refused(answers[-1], within=60)


def test_registrations_of_one_address(api, monkeypatch):
    assert PlaceViewSet.limits == {"register": ("10/min", "60/min")}
    monkeypatch.setattr(PlaceViewSet, "limits", {"register": ("10/min", "2/min")})
    path = f"/events/{new_id()}/register"

    answers = [api.as_(UserFactory()).post(path, {}, key=str(n)) for n in range(3)]

    assert [one.status_code for one in answers[:-1]] == [404] * 2
    refused(answers[-1], within=60)


def test_registrations_of_everybody_together(api, monkeypatch):
    assert PlaceViewSet.shared == {"register": ("", "200/sec")}
    monkeypatch.setattr(PlaceViewSet, "shared", {"register": ("", "2/hour")})
    path = f"/events/{new_id()}/register"

    answers = [api.as_(UserFactory()).post(path, {}, key=str(n)) for n in range(3)]

    assert [one.status_code for one in answers[:-1]] == [404] * 2
    refused(answers[-1], within=3600)


def test_sales_of_all_people_of_a_business(api, business, monkeypatch):
    assert SaleViewSet.shared == {"create": ("business_id", "300/min")}
    monkeypatch.setattr(SaleViewSet, "shared", {"create": ("business_id", "2/min")})
    at_tills = [api.as_(staff_of(business)) for _ in range(3)]
    body = {"businessId": str(business.pk), "member": {"phone": "89160000000"}, "amount": "1"}

    answers = [till.post("/transactions", body, key=str(n)) for n, till in enumerate(at_tills)]

    assert [one.status_code for one in answers[:-1]] == [201] * 2
    refused(answers[-1], within=60)


@pytest.fixture
def two_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert searching.SEARCHES == ((60, 3600), (300, 86400))
    monkeypatch.setattr(searching, "SEARCHES", ((2, 3600), (300, 86400)))


def about(business: Any, number: int, **more: Any) -> dict[str, Any]:
    who = {"phone": f"8916000000{number}"}
    return {"businessId": str(business.pk), "member": who, "amount": "100.00"} | more


def test_a_till_is_no_directory_of_phones(api, business, two_numbers):
    """Whichever call says something of a number: a quote, a code to spend, a refused sale."""
    till = api.as_(staff_of(business))
    spend = {"spend": {"amount": "5000.00"}}

    quotes = [till.post("/transactions/quote", about(business, n)) for n in (0, 0, 1)]
    stopped = [
        till.post("/transactions/quote", about(business, 2)),
        till.post("/transactions/spend-code", about(business, 2)),
        till.post("/transactions", about(business, 2, **spend)),
    ]

    assert [one.status_code for one in quotes] == [200] * 3  # the same number again is no search
    for one in stopped:
        refused(one, within=3600)
    sold = till.post("/transactions", about(business, 2))
    assert sold.status_code == 201  # known by its record
    assert till.post("/transactions/quote", about(business, 1)).status_code == 200


def test_a_refused_sale_counts_as_a_search(api, business, two_numbers):
    till = api.as_(staff_of(business))
    spend = {"spend": {"amount": "5000.00"}}

    answers = [till.post("/transactions", about(business, n, **spend)) for n in range(3)]

    assert {one.status_code for one in answers[:-1]} <= {404, 409, 422}
    refused(answers[-1], within=3600)


@pytest.fixture
def behind_a_proxy(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}


def test_known_people_of_one_address_count_together(api, behind_a_proxy, monkeypatch):
    assert (throttles.READS_BY_ADDRESS, throttles.WRITES_BY_ADDRESS) == ("600/min", "120/min")
    monkeypatch.setattr(throttles, "READS_BY_ADDRESS", "2/min")

    answers = [api.as_(UserFactory()).get("/users/me", **OUTSIDE) for _ in range(3)]

    assert [one.status_code for one in answers[:-1]] == [200] * 2
    refused(answers[-1], within=60)
    at_home = api.as_(UserFactory()).get("/users/me", **{"X-Forwarded-For": "95.24.8.2"})
    assert at_home.status_code == 200


def test_all_limits_of_a_call_are_one_round_trip(api, member, behind_a_proxy, monkeypatch):
    asked, ask = [], redis_line.ask
    monkeypatch.setattr(redis_line, "ask", lambda question: asked.append(1) or ask(question))
    monkeypatch.setattr(PlaceViewSet, "shared", {"register": ("", "2/hour")})
    path = f"/events/{new_id()}/register"

    answers = [api.as_(member).post(path, {}, **OUTSIDE) for _ in range(3)]

    assert len(asked) == 3  # person, address, action, action and address, all together
    refused(answers[-1], within=3600)


def test_a_broken_body_counts_too(api, business, monkeypatch):
    monkeypatch.setattr(throttles, "WRITES", "2/min")
    till = api.as_(staff_of(business))
    path, headers = "/api/v1/transactions", till.headers

    for _ in range(2):
        broken = till.client.post(path, "{", content_type="application/json", headers=headers)
        assert broken.status_code == 400

    refused(till.post("/transactions/quote", {}), within=60)


def test_a_private_address_is_no_bucket_for_everybody(api, settings, monkeypatch, logs):
    """A proxy that is not counted (NUM_PROXIES) would be everybody's address: an alarm, once."""
    monkeypatch.setattr(throttles, "READS_BY_ADDRESS", "1/min")
    settings.ENVIRONMENT = "production"
    monkeypatch.setattr(throttles._Alarm, "due", 0.0)

    answers = [api.as_(UserFactory()).get("/users/me").status_code for _ in range(3)]

    assert answers == [200] * 3
    monkeypatch.setattr(throttles._Alarm, "due", 0.0)  # another process of this server
    api.as_(UserFactory()).get("/users/me")
    assert logs.getvalue().count("throttle.private_address") == 1


def test_a_person_refreshes_thirty_times_an_hour(api, member, monkeypatch):
    assert rules.REFRESHES == (30, 3600)
    assert AuthViewSet.limits == {"refresh": ("", "300/hour")}
    monkeypatch.setattr(rules, "REFRESHES", (2, 3600))
    answers = []
    token = tokens.refresh_for(Session.objects.create(user=member, rotated_at=timezone.now()))
    for _ in range(3):
        answers.append(api.post("/auth/refresh", {"refreshToken": token}))
        token = answers[-1].json().get("data", {}).get("refreshToken", token)

    assert [one.status_code for one in answers[:-1]] == [200] * 2
    refused(answers[-1], within=3600)
    monkeypatch.setattr(rules, "REFRESHES", (30, 3600))
    later = api.post("/auth/refresh", {"refreshToken": token})
    assert later.status_code == 200  # the token was not spent by the refusal


def test_an_address_refreshes_three_hundred_times_an_hour(api, monkeypatch):
    monkeypatch.setattr(AuthViewSet, "limits", {"refresh": ("", "2/hour")})

    answers = [api.post("/auth/refresh", {}) for _ in range(3)]

    assert [one.status_code for one in answers[:-1]] == [422] * 2
    refused(answers[-1], within=3600)


def test_a_member_sets_bonuses_aside_five_times_an_hour(api, member, business):
    sale(member=member, business=business, amount="10000.00")
    mine, body = api.as_(member), {"businessId": str(business.pk), "amount": "1.00"}

    def held(key: str) -> Any:
        answer = mine.post("/loyalty/redemptions", body, key=key)
        if answer.status_code == 201:
            path = f"/api/v1/loyalty/redemptions/{answer.json()['data']['id']}"
            mine.client.delete(path, headers=mine.headers)
        return answer

    answers = [held(str(n)) for n in range(6)]

    assert [one.status_code for one in answers[:-1]] == [201] * 5
    refused(answers[-1], within=3600)
    assert held("0").status_code == 201  # the first answer once more, no sixth hold
