"""Admins look people and the audit log up, and set a tier by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import User
from apps.core.models import AuditEntry, Message
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
WHY = "юбилей партнёрства"


@pytest.fixture
def admin() -> User:
    return UserFactory(job="admin", first_name="Ада", last_name="Минина")


@pytest.fixture
def desk(api: Api, admin: User) -> Api:
    return api.as_(admin)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def counted(desk: Api, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert desk.get(path).status_code == 200
    return len(asked)


# --- people --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "typed",
    [
        {"phone": "8 (912) 345-67-89"},
        {"q": "+79123456789"},
        {"name": "анн"},
        {"q": "Котова"},
        {"name": "Котова Анна"},
        {"card": "CARD"},
        {"q": "CARD"},
        {"q": "anna@example.com"},
    ],
    ids=str,
)
def test_a_person_is_found(desk: Api, typed: dict[str, str]) -> None:
    anna = UserFactory(
        first_name="Анна", last_name="Котова", phone="+79123456789", email="anna@example.com"
    )
    UserFactory(first_name="Ольга", last_name="Белова")
    asked = {name: text.replace("CARD", anna.card_number) for name, text in typed.items()}

    assert ids(desk.get("/admin/users", asked)) == [str(anna.pk)]


@pytest.mark.parametrize(
    "typed", [{"phone": "3456789"}, {"name": "отова"}, {"card": "12"}], ids=str
)
def test_a_part_of_a_number_or_of_a_name_finds_nobody(desk: Api, typed: dict[str, str]) -> None:
    UserFactory(first_name="Анна", last_name="Котова", phone="+79123456789")

    found = ids(desk.get("/admin/users", typed))

    assert found == [] or typed["name"] == "  "


def test_people_are_masked_and_the_erased_are_gone(desk: Api) -> None:
    anna = UserFactory(phone="+79123456789", email="anna@example.com", tier_code="vip")
    gone = UserFactory()
    services.erase_person(user=gone, at=timezone.now(), because="asked")

    shown = desk.get(f"/admin/users/{anna.pk}")

    assert "9123456789" not in shown.content.decode()
    assert "anna@" not in shown.content.decode()
    assert shown.json()["data"]["phoneMasked"] == "+7 912 ···-··-89"
    assert shown.json()["data"]["status"]["code"] == "vip"
    assert shown.json()["data"]["hasEmail"] is True
    assert shown.json()["data"]["hasSecondFactor"] is False
    assert desk.get(f"/admin/users/{gone.pk}").status_code == 404
    assert str(gone.pk) not in ids(desk.get("/admin/users"))


def test_people_are_filtered_and_paged(desk: Api, admin: User) -> None:
    at = timezone.now()
    vips = [
        UserFactory(tier_code="vip", joined_at=at - timedelta(minutes=minute)) for minute in (1, 2)
    ]
    blocked = UserFactory(blocked_at=at)

    assert ids(desk.get("/admin/users", {"role": "admin"})) == [str(admin.pk)]
    assert ids(desk.get("/admin/users", {"blocked": "true"})) == [str(blocked.pk)]
    first = desk.get("/admin/users", {"status": "vip", "limit": "1"})
    assert ids(first) == [str(vips[0].pk)]
    cursor = first.json()["meta"]["pagination"]["nextCursor"]
    rest = desk.get("/admin/users", {"status": "vip", "limit": "1", "cursor": cursor})
    assert ids(rest) == [str(vips[1].pk)]


def test_lists_cost_the_same_for_one_row_and_many(desk: Api, admin: User) -> None:
    people, log = "/admin/users?limit=100", "/admin/audit-log?limit=100"
    UserFactory()
    services.block_user(user=UserFactory(), by=admin, reason=WHY, at=timezone.now())
    few = counted(desk, people), counted(desk, log)
    for _ in range(30):
        services.block_user(user=UserFactory(), by=admin, reason=WHY, at=timezone.now())

    assert (counted(desk, people), counted(desk, log)) == few


# --- a tier by hand ------------------------------------------------------------------------------
def test_a_tier_is_set_until_the_end_of_a_day(desk: Api, member: User, admin: User) -> None:
    body = {"status": "elite", "until": "2099-12-31", "reason": WHY}

    answer = desk.patch(f"/admin/users/{member.pk}/status", body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["status"]["code"] == "elite"
    assert answer.json()["data"]["statusUntil"] == "2099-12-31T21:00:00Z"
    member.refresh_from_db()
    assert member.tier_is_locked(at=datetime(2099, 12, 31, 20, 59, tzinfo=UTC))
    assert not member.tier_is_locked(at=datetime(2099, 12, 31, 21, 0, tzinfo=UTC))
    row = AuditEntry.objects.get(action="accounts.tier_by_hand")
    assert (row.actor_id, row.reason) == (admin.pk, WHY)
    fact = Message.objects.filter(topic="TierChanged").last()
    assert fact is None or fact.payload["reason"] == "by_hand"  # nobody listens: no row


def test_only_an_invitation_has_no_end(desk: Api, member: User) -> None:
    path = f"/admin/users/{member.pk}/status"

    endless = desk.patch(path, {"status": "vip", "reason": WHY})
    invited = desk.patch(path, {"status": "inner_circle", "reason": WHY})

    assert endless.status_code == 422
    assert list(endless.json()["error"]["details"]) == ["until"]
    assert invited.status_code == 200
    assert invited.json()["data"]["statusUntil"] is None


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("reason", {"reason": "да"}),
        ("until", {"until": "2001-01-01"}),
        ("until", {"until": "2099-12-31T10:00:00"}),
        ("until", {"until": "2099-13-31"}),
        ("until", {"until": "tomorrow"}),
        ("status", {"status": "gold"}),
        ("tier", {"tier": "vip"}),
    ],
)
def test_a_wrong_field_is_named(
    desk: Api, member: User, field: str, change: dict[str, str]
) -> None:
    body = {"status": "elite", "until": "2099-12-31", "reason": WHY} | change

    answer = desk.patch(f"/admin/users/{member.pk}/status", body)

    assert answer.status_code == 422, answer.content
    details = answer.json()["error"]["details"]
    assert list(details) == [field]
    assert isinstance(details[field], list)
    member.refresh_from_db()
    assert member.tier.code == "insider"


def test_nobody_raises_herself(desk: Api, admin: User) -> None:
    body = {"status": "elite", "until": "2099-12-31", "reason": WHY}

    assert desk.patch(f"/admin/users/{admin.pk}/status", body).status_code == 403


# --- the audit log -------------------------------------------------------------------------------
def test_the_audit_log_is_filtered_and_paged(desk: Api, admin: User, member: User) -> None:
    other = UserFactory(job="admin")
    at = timezone.now()
    services.block_user(user=member, by=admin, reason=WHY, at=at)
    services.unblock_user(user=member, by=admin, reason=WHY)
    services.block_user(user=UserFactory(), by=other, reason=WHY, at=at)

    def actions(**asked: str) -> list[str]:
        rows = desk.get("/admin/audit-log", asked).json()["data"]
        return [row["action"] for row in rows]

    assert actions(actor=str(admin.pk)) == ["accounts.unblock", "accounts.block"]
    assert actions(object=str(member.pk)) == ["accounts.unblock", "accounts.block"]
    assert actions(object=f"user:{member.pk}", action="accounts.block") == ["accounts.block"]
    assert actions(object=f"session:{member.pk}") == []
    assert actions(**{"to": at.isoformat()}) == []
    assert len(actions(**{"from": at.isoformat()})) == 3
    first = desk.get("/admin/audit-log", {"actor": str(admin.pk), "limit": "1"}).json()
    cursor = first["meta"]["pagination"]["nextCursor"]
    assert actions(actor=str(admin.pk), cursor=cursor) == ["accounts.block"]
    row = first["data"][0]
    assert row["actor"] == {"id": str(admin.pk), "name": "Ада М", "role": "admin"}
    assert row["object"] == {"type": "user", "id": str(member.pk)}


def test_cursors_do_not_mix(desk: Api) -> None:
    UserFactory.create_batch(2)
    page = desk.get("/admin/users", {"limit": "1"}).json()
    cursor = page["meta"]["pagination"]["nextCursor"]

    answer = desk.get("/admin/audit-log", {"cursor": cursor})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED")
    assert desk.get("/admin/audit-log", {"actor": "anna"}).status_code == 422
