"""Every list of the API costs as many SQL statements for 100 rows as for one, within a number, and
its pages neither skip nor repeat while rows arrive."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Session, User
from apps.businesses.models import Business
from apps.core import audit
from apps.core.ids import new_id
from apps.crm.services import connect
from apps.loyalty.services import adjust_balance
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, LocationFactory, staff_of
from tests.factories.coupons import campaign, chain, personal, step
from tests.factories.events import comes, published, submitted
from tests.factories.notifications import broadcast_of, message_to
from tests.factories.offers import draft_of
from tests.factories.transactions import sale

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MOST = 10  # statements of any list, sign-in included
_number = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A business with its owner, a member, an admin, and an event of the business."""

    business: Business
    owner: User
    member: User
    admin: User
    event: Any


def adjusted(place: Place) -> None:
    adjust_balance(
        member=place.member,
        amount=Decimal(9000),
        reason="жалоба гостя №15",
        by=place.admin,
        key=str(new_id()),
        at=timezone.now(),
    )


def connected(place: Place) -> None:
    connect(business=BusinessFactory(), system="yclients", by=None, options={"company_id": "1"})


def claimed(place: Place) -> None:
    personal(place.member, place.business, word=f"WORD{next(_number)}")


def linked(place: Place) -> None:
    chain(step(place.business, BusinessFactory()))


Row = Callable[[Place], Any]
# Address in the schema → who asks, and how one more row comes into being.
LISTS: dict[str, tuple[str, Row]] = {
    "/admin/adjustments": ("admin", adjusted),
    "/admin/audit-log": ("admin", lambda p: audit.record(p.admin, "test", "user", p.member.pk)),
    "/admin/broadcasts": ("admin", lambda p: broadcast_of(p.admin)),
    "/admin/businesses": ("admin", lambda p: LocationFactory()),
    "/admin/integrations": ("admin", connected),
    "/admin/users": ("admin", lambda p: UserFactory()),
    "/businesses": ("nobody", lambda p: LocationFactory()),
    "/businesses/{business}/offers": ("owner", lambda p: draft_of(p.business)),
    "/businesses/{business}/staff": ("owner", lambda p: staff_of(p.business)),
    "/coupons": ("member", claimed),
    "/coupons/campaigns": ("owner", lambda p: campaign(p.business)),
    "/cross-promo/chains": ("owner", linked),
    "/events": ("member", lambda p: published()),
    "/events/{event}/attendees": ("admin", lambda p: comes(p.event)),
    "/events/moderation": ("admin", lambda p: submitted()),
    "/loyalty/history": ("member", lambda p: sale(member=p.member, business=p.business)),
    "/transactions": ("member", lambda p: sale(member=p.member, business=p.business)),
    "/users/me/notifications": ("member", lambda p: message_to(p.member)),
    "/users/me/sessions": ("member", lambda p: Session.objects.create(user=p.member)),
}
# Counted where the rows are made with more care.
ELSEWHERE = {
    "/loyalty/transfers": "tests/loyalty/test_gifts.py",
    "/coupons/campaigns/{}/codes": "tests/coupons/test_api.py",
}


@pytest.fixture
def place() -> Place:
    business = BusinessFactory()
    event = published(business=business, capacity=200)
    owner, admin = staff_of(business, role="business_owner"), UserFactory(job="admin")
    return Place(business, owner, UserFactory(), admin, event)


@dataclass(frozen=True)
class Listing:
    """A list, by whoever may read it, and how it grows."""

    caller: Api
    address: str
    add: Callable[[], Any]

    def get(self, **query: Any) -> Any:
        return self.caller.get(self.address, query)


@pytest.fixture(params=LISTS)
def listing(
    request: pytest.FixtureRequest, place: Place, api: Api, monkeypatch: pytest.MonkeyPatch
) -> Listing:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)
    who, add = LISTS[request.param]
    caller = api if who == "nobody" else api.as_(getattr(place, who))
    address = request.param.format(business=place.business.pk, event=place.event.pk)
    return Listing(caller, address, lambda: add(place))


def test_a_long_list_costs_what_a_short_one_costs(listing: Listing) -> None:
    def asked() -> tuple[int, int]:
        listing.get(limit=100)  # what she sees first is marked as seen: once
        with CaptureQueriesContext(connection) as statements:
            answer = listing.get(limit=100)
        assert answer.status_code == 200, answer.content
        return len(answer.json()["data"]), len(statements)

    listing.add()
    few_rows, few = asked()
    for _ in range(100):
        listing.add()
    many_rows, many = asked()

    assert few_rows < many_rows == 100
    assert many == few <= MOST


def test_pages_neither_skip_nor_repeat_while_rows_arrive(listing: Listing) -> None:
    for _ in range(9):
        listing.add()

    def page(cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        body = listing.get(limit=limit, **({"cursor": cursor} if cursor else {})).json()
        named = [row.get("id") or row.get("userId") or json.dumps(row) for row in body["data"]]
        return named, body["meta"]["pagination"]["nextCursor"]

    there, _end = page(None, 100)
    seen, cursor = page(None, 4)
    while cursor:
        listing.add()
        rows, cursor = page(cursor, 4)
        seen += rows

    assert len(there) >= 9
    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)


def test_every_list_is_counted(schema: dict[str, Any]) -> None:
    def bare(path: str) -> str:
        return path.replace("{business}", "{}").replace("{event}", "{}")

    paged = {
        path.removeprefix("/api/v1").replace("{business_id}", "{}").replace("{id}", "{}")
        for path, methods in schema["paths"].items()
        if any(one.get("name") == "cursor" for one in methods.get("get", {}).get("parameters", []))
    }

    assert paged == {bare(path) for path in LISTS} | set(ELSEWHERE)
