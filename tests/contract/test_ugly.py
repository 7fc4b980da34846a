"""300 and more ugly inputs: never a crash, never an answer that the schema does not know."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.architecture import world as worlds
from tests.architecture.test_matrix import undone
from tests.architecture.world import World
from tests.contract import ugly
from tests.contract.judge import Judge

pytestmark = pytest.mark.django_db
SOME_ID = "0198c2f4-7c1e-7a42-b8a4-3f9d2c51e6aa"
Sent = tuple[str, str, str, Any, dict[str, str]]  # who, method, path, body or query, headers


@pytest.fixture
def _django_db_helper(world: World) -> None:
    """In place of a transaction for each test: `world` holds one for the file."""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with worlds.for_a_file(django_db_blocker) as made:
        yield made


@pytest.fixture
def judge(schema: dict[str, Any]) -> Judge:
    return Judge(schema)


# Values, who sends them, where, and the body or query around one value.
Place = tuple[list[Any], str, str, str, Callable[[Any, str], Any]]


def sale(business: str, **changed: Any) -> dict[str, Any]:
    member = {"phone": "+79161234567"}
    return {"businessId": business, "member": member, "amount": "100.00"} | changed


def query(name: str) -> Callable[[Any, str], Any]:
    return lambda value, _business: {name: value}


# Each value once, where it hurts most.
BY_HAND: list[Place] = [
    (ugly.TEXTS, "insider", "PATCH", "/users/me", query("firstName")),
    (ugly.AMOUNTS, "owner_a", "POST", "/transactions", lambda v, b: sale(b, amount=v)),
    (
        ugly.PHONES,
        "owner_a",
        "POST",
        "/transactions/quote",
        lambda v, b: sale(b, member={"phone": v}),
    ),
    (
        ugly.UUIDS,
        "insider",
        "POST",
        "/loyalty/redemptions",
        lambda v, _b: {"businessId": v, "amount": "1.00"},
    ),
    (ugly.MOMENTS, "insider", "GET", "/loyalty/history", query("from")),
    (ugly.CURSORS, "insider", "GET", "/loyalty/history", query("cursor")),
    (ugly.LIMITS, "insider", "GET", "/events", query("limit")),
    (ugly.BODIES, "insider", "POST", "/loyalty/quote", lambda v, _b: v),
    (ugly.HEADERS, "insider", "POST", "/loyalty/transfers", lambda v, _b: v),
]
GIFT = {"phone": "+79161234567"}
WHY = {"reason": "жалоба гостя №15"}
JOB = {"role": "business_staff"}
LISTS = [
    ("insider", "/events"),
    ("insider", "/transactions"),
    ("insider", "/coupons"),
    ("insider", "/users/me/notifications"),
    ("owner_a", "/cross-promo/chains"),
    ("admin", "/admin/users"),
    ("admin", "/admin/audit-log"),
    ("anonymous", "/businesses"),
]
WRITES = [
    ("anonymous", "POST", "/auth/refresh"),
    ("insider", "PATCH", "/users/me"),
    ("insider", "PUT", "/users/me/consents"),
    ("vip", "POST", "/events"),
    ("owner_a", "POST", "/transactions"),
    ("owner_a", "POST", "/cross-promo/chains"),
    ("admin", "POST", "/admin/broadcasts"),
]
# The same values wherever such a value is taken. `{b}` is a business of hers.
EVERYWHERE: list[Place] = [
    (ugly.TEXTS, "admin", "GET", "/admin/users", query("q")),
    (ugly.TEXTS, "anonymous", "GET", "/businesses", query("q")),
    (ugly.TEXTS, "vip", "POST", "/events", lambda v, _b: {"title": v, "description": v}),
    (ugly.TEXTS, "insider", "POST", "/coupons/claim", query("code")),
    (ugly.TEXTS, "staff_a", "POST", "/coupons/validate", lambda v, b: {"businessId": b, "code": v}),
    (ugly.TEXTS, "insider", "POST", "/loyalty/referral", query("code")),
    (ugly.TEXTS, "owner_a", "PATCH", "/businesses/{b}", query("description")),
    (ugly.TEXTS, "admin", "GET", "/admin/audit-log", query("object")),
    (ugly.AMOUNTS, "insider", "POST", "/loyalty/quote", lambda v, b: sale(b, amount=v)),
    (ugly.AMOUNTS, "insider", "POST", "/loyalty/transfers", lambda v, _b: GIFT | {"amount": v}),
    (ugly.AMOUNTS, "admin", "POST", "/admin/users/{p}/adjust", lambda v, _b: WHY | {"amount": v}),
    (ugly.PHONES, "anonymous", "POST", "/auth/send-code", query("phone")),
    (ugly.PHONES, "owner_a", "POST", "/businesses/{b}/staff", lambda v, _b: JOB | {"phone": v}),
    (ugly.UUIDS, "insider", "GET", "/transactions", query("businessId")),
    (ugly.UUIDS, "owner_a", "GET", "/analytics/dashboard", query("businessId")),
    (
        ugly.UUIDS,
        "anonymous",
        "POST",
        "/auth/verify-code",
        lambda v, _b: {"codeId": v, "code": "000000"},
    ),
    (ugly.UUIDS, "insider", "POST", "/users/me/notifications/read", lambda v, _b: {"ids": [v]}),
    (ugly.MOMENTS, "owner_a", "GET", "/analytics/revenue", query("from")),
    (ugly.MOMENTS, "insider", "GET", "/events", query("from")),
    (ugly.MOMENTS, "admin", "GET", "/admin/audit-log", query("to")),
    (ugly.MOMENTS, "admin", "GET", "/admin/settlement", query("month")),
    (ugly.MOMENTS, "insider", "PATCH", "/users/me", query("birthDate")),
    *((ugly.CURSORS, who, "GET", path, query("cursor")) for who, path in LISTS),
    *((ugly.LIMITS, who, "GET", path, query("limit")) for who, path in LISTS),
    *((ugly.BODIES, who, method, path, lambda v, _b: v) for who, method, path in WRITES),
    (ugly.HEADERS, "insider", "GET", "/users/me/overview", lambda v, _b: v),
    (ugly.HEADERS, "anonymous", "GET", "/businesses", lambda v, _b: v),
]


def inputs(places: list[Place], *, business: str, person: str = SOME_ID) -> Iterator[Sent]:
    for values, who, method, path, around in places:
        path = path.replace("{b}", business).replace("{p}", person)
        for value in values:
            body, headers = around(value, business), {}
            if values is ugly.HEADERS:
                body, headers = (dict(GIFT) if method == "POST" else {}), value
            yield who, method, path, body, headers


def send(world: World, one: Sent) -> Any:
    who, method, path, body, headers = one
    api = worlds.api_of(world.callers[who])
    mine = api.headers | {"Idempotency-Key": str(uuid.uuid4())} | headers
    mine = {name: value.encode().decode("latin-1") for name, value in mine.items()}
    kind = mine.pop("Content-Type", "application/json")
    address = f"/api/v1{path}"
    if method == "GET":
        return api.client.get(
            address, {k: v for k, v in body.items() if v is not None}, headers=mine
        )
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.client.generic(method, address, raw, content_type=kind, headers=mine)


def faults(world: World, judge: Judge, places: list[Place]) -> list[Any]:
    business = str(world.callers["owner_a"].business.pk)
    wrong = []
    for one in inputs(places, business=business, person=str(world.stranger.pk)):
        with undone():
            answer = send(world, one)
        found = judge.faults(one[1], f"/api/v1{one[2]}", answer)
        if found:
            wrong.append((one[:3], str(one[3])[:80], str(one[4])[:80], found))
    return wrong


@pytest.fixture
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)


def test_the_corpus_is_large_enough() -> None:
    assert len(list(inputs(BY_HAND, business=SOME_ID))) >= 300


def test_every_ugly_input_gets_a_documented_answer(
    world: World, judge: Judge, unthrottled: None
) -> None:
    assert faults(world, judge, BY_HAND) == []


@pytest.mark.slow
def test_ugly_inputs_everywhere_get_documented_answers(
    world: World, judge: Judge, unthrottled: None
) -> None:
    assert faults(world, judge, EVERYWHERE) == []
