"""Sessions of the app: the list, their end, refresh under races, what a block does."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.utils import timezone

from apps.accounts import services, tokens
from apps.accounts.models import Session
from apps.accounts.services import Asker
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry, Message
from tests.accounts.codes import ask, last_code, sign_in
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.threads import race

pytestmark = pytest.mark.django_db
LIST = "/users/me/sessions"
START = timezone.now().replace(microsecond=0)


def delete(api: Api, path: str) -> Any:
    return api.client.delete(f"/api/v1{path}", headers=api.headers)


# --- the list ------------------------------------------------------------------------------------
def test_list_shows_device_place_and_which_one_asks(api: Api, member: Any) -> None:
    Session.objects.create(user=UserFactory(), device_name="чужой")
    old = Session.objects.create(
        user=member,
        device_name="iPhone Анны",
        platform="ios",
        address="203.0.113.77",
        created_at=START - timedelta(days=2),
        last_seen_at=START - timedelta(days=1),
    )
    mine = api.as_(member)
    data = mine.get(LIST).json()["data"]

    assert [row["current"] for row in data] == [True, False]
    assert data[1] == {
        "id": str(old.pk),
        "kind": "app",
        "deviceName": "iPhone Анны",
        "platform": "ios",
        "place": "203.0.113.0/24",
        "createdAt": (START - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lastSeenAt": (START - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "current": False,
    }


def test_sign_in_keeps_the_device_and_its_place(api: Api) -> None:
    sent = api.post("/auth/send-code", {"phone": "+79161234567"}).json()["data"]
    done = api.post(
        "/auth/verify-code",
        {
            "codeId": sent["codeId"],
            "code": last_code("+79161234567"),
            "device": {"name": "Pixel 9", "platform": "android"},
        },
    ).json()["data"]
    mine = Api({"Authorization": f"Bearer {done['accessToken']}"})

    row = mine.get(LIST).json()["data"][0]

    assert (row["deviceName"], row["platform"], row["place"]) == (
        "Pixel 9",
        "android",
        "127.0.0.0/24",
    )
    assert row["current"] is True


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_for_any_length(
    api: Api, member: Any, rows: int, django_assert_num_queries: Any
) -> None:
    for _row in range(rows - 1):
        Session.objects.create(user=member)
    mine = api.as_(member)

    with django_assert_num_queries(2):
        mine.get(LIST)


def test_last_seen_is_written_once_a_minute(
    api: Api, member: Any, django_assert_num_queries: Any
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        mine = api.as_(member)
        clock.shift(59)
        with django_assert_num_queries(1):
            mine.get("/users/me")
        clock.shift(2)
        with django_assert_num_queries(2):
            mine.get("/users/me")

        assert Session.objects.get().last_seen_at == START + timedelta(seconds=61)


# --- the end -------------------------------------------------------------------------------------
def test_other_device_is_signed_out_at_once(api: Api, member: Any) -> None:
    phone, tablet = api.as_(member), api.as_(member)
    assert tablet.session
    assert delete(phone, f"{LIST}/{tablet.session.pk}").status_code == 204

    assert tablet.get("/users/me").json()["error"]["code"] == "UNAUTHENTICATED"
    assert phone.get("/users/me").status_code == 200


def test_current_is_an_id(api: Api, member: Any) -> None:
    phone = api.as_(member)

    assert delete(phone, f"{LIST}/current").status_code == 204
    assert phone.get("/users/me").status_code == 401


@pytest.mark.parametrize("session_id", ["foreign", "ended", "no-uuid"])
def test_what_is_not_hers_is_not_found(api: Api, member: Any, session_id: str) -> None:
    foreign = Session.objects.create(user=UserFactory())
    ended = Session.objects.create(user=member, revoked_at=START, revoked_because="signed_out")
    path = {"foreign": foreign.pk, "ended": ended.pk}.get(session_id, session_id)

    answer = delete(api.as_(member), f"{LIST}/{path}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    foreign.refresh_from_db()
    assert foreign.revoked_at is None


def test_sign_out_is_no_theft(member: Any) -> None:
    """A token ended by sign-out is refused, and her other devices stay signed in."""
    first, second = sign_in(member.phone).tokens, sign_in(member.phone).tokens
    session = Session.objects.earliest("created_at")
    services.end_session(session=session, because="signed_out", at=timezone.now())

    with pytest.raises(services.TokenRefused) as refused:
        services.refresh(refresh_token=first.refresh_token, at=timezone.now())
    assert refused.value.code == "UNAUTHENTICATED"
    assert services.refresh(refresh_token=second.refresh_token, at=timezone.now())


# --- refresh -------------------------------------------------------------------------------------
def test_forty_parallel_refreshes_get_one_answer(transactional_db: None) -> None:
    given = sign_in("+79161234567").tokens.refresh_token
    at = timezone.now()

    outcomes = race(40, lambda _n: services.refresh(refresh_token=given, at=at))

    assert [type(one) for one in outcomes] == [services.Tokens] * 40
    assert len({one.refresh_token for one in outcomes}) == 1
    assert services.refresh(refresh_token=outcomes[0].refresh_token, at=at)


def test_forty_parallel_thieves_close_the_session(transactional_db: None) -> None:
    given = sign_in("+79161234567").tokens.refresh_token
    fresh = services.refresh(refresh_token=given, at=timezone.now())
    services.refresh(refresh_token=fresh.refresh_token, at=timezone.now())

    outcomes = race(40, lambda _n: services.refresh(refresh_token=given, at=timezone.now()))

    assert sum(isinstance(one, services.TokenReused) for one in outcomes) == 1
    assert all(isinstance(one, services.TokenRefused) for one in outcomes)
    assert Session.objects.get().revoked_because == "reuse"
    assert Message.objects.filter(topic="SessionReuseDetected").count() == 1


@pytest.mark.parametrize(("seconds", "kept"), [(59, True), (60, True), (61, False)])
def test_grace_lasts_sixty_seconds(seconds: int, kept: bool) -> None:
    with time_machine.travel(START, tick=False) as clock:
        given = sign_in("+79161234567").tokens.refresh_token
        first = services.refresh(refresh_token=given, at=timezone.now())
        clock.shift(seconds)
        if kept:
            assert services.refresh(refresh_token=given, at=timezone.now()) == _renewed(first)
            return
        with pytest.raises(services.TokenReused):
            services.refresh(refresh_token=given, at=timezone.now())

    assert Session.objects.get().revoked_because == "reuse"


def _renewed(before: services.Tokens) -> services.Tokens:
    """The same refresh token, byte for byte; the access token is of the new moment."""
    session = Session.objects.select_related("user__tier").get()
    access = tokens.access_for(session, at=timezone.now())
    same = jwt.decode(access, options={"verify_signature": False})["sid"] == str(session.pk)
    assert same
    return _AnyAccess(before.refresh_token)  # type: ignore[return-value]


class _AnyAccess:
    def __init__(self, refresh_token: str) -> None:
        self.refresh_token = refresh_token

    def __eq__(self, other: object) -> bool:
        return getattr(other, "refresh_token", None) == self.refresh_token

    __hash__ = None  # type: ignore[assignment]


# --- felt at the next request --------------------------------------------------------------------
def test_block_is_felt_by_the_next_request(api: Api, member: Any) -> None:
    mine, tokens_given = api.as_(member), sign_in(member.phone).tokens
    admin = UserFactory(job="admin")
    services.block_user(user=member, by=admin, reason="жалоба гостя", at=timezone.now())

    answer = mine.get("/users/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "BLOCKED")
    with pytest.raises(services.Blocked):
        services.refresh(refresh_token=tokens_given.refresh_token, at=timezone.now())
    assert not Session.objects.filter(user=member, revoked_at__isnull=True).exists()
    said = AuditEntry.objects.filter(object_id=str(member.pk), reason="жалоба гостя")
    assert set(said.values_list("action", flat=True)) == {
        "accounts.block",
        "accounts.sessions_ended",
    }


def test_unblocked_person_signs_in_anew(api: Api, member: Any) -> None:
    mine = api.as_(member)
    services.block_user(user=member, by=None, reason="ошибка", at=timezone.now())
    services.unblock_user(user=member, by=UserFactory(job="superadmin"), reason="разобрались")

    assert mine.get("/users/me").status_code == 401
    assert sign_in(member.phone).user.pk == member.pk


def test_role_and_tier_are_felt_by_the_next_request(api: Api, member: Any) -> None:
    mine = api.as_(member)
    tier = type(member.tier).objects.get(code="elite")
    services.change_tier(member_id=member.pk, tier=tier, reason="подарок", at=timezone.now())
    services.set_job(user=member, job="admin", by=None, reason="приняли")

    data = mine.get("/users/me").json()["data"]

    assert (data["role"], data["status"]["code"]) == ("admin", "elite")


def test_lost_job_ends_every_session(api: Api, member: Any) -> None:
    services.set_job(user=member, job="admin", by=None, reason="приняли")
    mine = api.as_(member)
    services.set_job(user=member, job="", by=None, reason="уволили")

    assert mine.get("/users/me").status_code == 401


@pytest.mark.parametrize(
    ("by", "whom"),
    [("admin", "admin"), ("admin", "superadmin"), ("business_owner", ""), ("", "")],
)
def test_who_may_not_block_whom(by: str, whom: str) -> None:
    person = UserFactory(job=whom)
    with pytest.raises(Forbidden):
        services.block_user(user=person, by=UserFactory(job=by), reason="хочу", at=timezone.now())

    person.refresh_from_db()
    assert person.blocked_at is None


def test_nobody_blocks_herself() -> None:
    chief = UserFactory(job="superadmin")
    with pytest.raises(Forbidden):
        services.block_user(user=chief, by=chief, reason="отпуск", at=timezone.now())


def test_block_wants_a_reason(member: Any) -> None:
    with pytest.raises(services.ReasonMissing):
        services.block_user(user=member, by=None, reason="  ", at=timezone.now())


def test_a_code_from_before_a_block_lets_nobody_in(member: Any) -> None:
    sent, code = ask(member.phone), last_code(member.phone)
    admin = UserFactory(job="admin")
    services.block_user(user=member, by=admin, reason="жалоба гостя", at=timezone.now())

    with pytest.raises(services.Blocked):
        services.sign_in(
            code_id=sent.code_id,
            code=code,
            at=timezone.now(),
            asker=Asker(address="203.0.113.1", device=""),
        )

    assert not Session.objects.filter(user=member).exists()
