"""Rotation of refresh tokens: a lost answer is no theft, a second use is one."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenBackendError

from apps.accounts import services, tasks, tokens
from apps.accounts.enums import SessionKind
from apps.accounts.models import OneTimeCode, Session
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry, Message
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    """A clock that stands still until `clock.shift(seconds)`."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def session(clock):
    return Session.objects.create(user=UserFactory(), rotated_at=timezone.now())


def refresh(token):
    return services.refresh(refresh_token=token, at=timezone.now())


def status_of(access_token):
    return Api({"Authorization": f"Bearer {access_token}"}).get("/users/me").status_code


def test_a_refresh_gives_a_new_pair_for_the_same_session(session, clock):
    old = tokens.refresh_for(session)
    clock.shift(600)

    fresh = refresh(old)

    claims = jwt.decode(fresh.refresh_token, options={"verify_signature": False})
    assert fresh.refresh_token != old
    assert claims["sid"] == str(session.pk)
    assert claims["exp"] == int(timezone.now().timestamp()) + 30 * 86_400
    assert fresh.expires_in == 900
    assert status_of(fresh.access_token) == 200


def test_a_chain_of_refreshes_goes_on(session, clock):
    token = tokens.refresh_for(session)
    for _ in range(5):
        clock.shift(3600)
        token = refresh(token).refresh_token

    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize("seconds", [0, 30, 60])
def test_a_lost_answer_is_given_again_byte_for_byte(session, clock, seconds):
    spent = tokens.refresh_for(session)
    first = refresh(spent)
    clock.shift(seconds)

    again = refresh(spent)

    assert again.refresh_token == first.refresh_token
    assert status_of(again.access_token) == status_of(first.access_token) == 200
    clock.shift(1)
    assert refresh(again.refresh_token).refresh_token != first.refresh_token


def test_after_the_grace_a_second_use_closes_the_session(session, clock):
    spent = tokens.refresh_for(session)
    first = refresh(spent)
    clock.shift(61)

    with pytest.raises(services.TokenReused):
        refresh(spent)

    assert status_of(first.access_token) == 401
    with pytest.raises(services.TokenRefused) as refused:
        refresh(first.refresh_token)
    assert refused.value.code == "UNAUTHENTICATED"
    closed = Session.objects.get()
    assert (closed.revoked_at is not None, closed.revoked_because) == (True, "reuse")


def test_within_the_grace_a_second_use_counts_once_the_successor_was_used(session, clock):
    spent = tokens.refresh_for(session)
    second = refresh(spent)
    clock.shift(10)
    third = refresh(second.refresh_token)
    clock.shift(10)

    with pytest.raises(services.TokenReused):
        refresh(spent)
    for tokens_of in (second, third):
        assert status_of(tokens_of.access_token) == 401


def test_the_owner_is_told_of_a_reuse_and_the_audit_knows(session, clock):
    spent = tokens.refresh_for(session)
    refresh(spent)
    clock.shift(61)
    with pytest.raises(services.TokenReused):
        refresh(spent)

    told = Message.objects.get(topic="SessionReuseDetected").payload
    assert (told["member_id"], told["session_id"]) == (str(session.user_id), str(session.pk))
    assert AuditEntry.objects.filter(action="accounts.session_reuse").count() == 1


def test_a_reuse_closes_one_device_and_not_the_others(session, clock, api):
    other = api.as_(session.user)
    spent = tokens.refresh_for(session)
    refresh(spent)
    clock.shift(61)
    with pytest.raises(services.TokenReused):
        refresh(spent)

    assert other.get("/users/me").status_code == 200


@pytest.mark.parametrize("which", ["current", "spent"])
def test_after_sign_out_a_token_is_refused_without_alarm(session, clock, which):
    spent = tokens.refresh_for(session)
    current = refresh(spent).refresh_token
    services.end_session(session=session, because="signed_out", at=timezone.now())
    clock.shift(120)

    with pytest.raises(services.TokenRefused) as refused:
        refresh({"current": current, "spent": spent}[which])

    assert type(refused.value) is services.TokenRefused
    assert refused.value.code == "UNAUTHENTICATED"
    assert not Message.objects.filter(topic="SessionReuseDetected").exists()
    assert Session.objects.get().revoked_because == "signed_out"


def test_after_sign_out_the_access_token_stops_at_once(session, clock):
    access = tokens.access_for(session, at=timezone.now())
    before = status_of(access)
    services.end_session(session=session, because="signed_out", at=timezone.now())

    assert (before, status_of(access)) == (200, 401)


def test_ending_a_session_twice_is_ending_it_once(session, clock):
    for because in ("signed_out", "reuse"):
        services.end_session(session=session, because=because, at=timezone.now())

    assert Session.objects.get().revoked_because == "signed_out"
    assert AuditEntry.objects.filter(object_type="session").count() == 1


@pytest.mark.parametrize(
    ("seconds", "expected"), [(30 * 86_400 - 1, None), (30 * 86_400 + 1, services.TokenExpired)]
)
def test_a_refresh_token_lives_thirty_days(session, clock, seconds, expected):
    token = tokens.refresh_for(session)
    clock.shift(seconds)

    if expected is None:
        assert refresh(token)
    else:
        with pytest.raises(expected):
            refresh(token)


def test_an_access_token_refreshes_nothing(session, clock):
    with pytest.raises(services.TokenRefused):
        refresh(tokens.access_for(session, at=timezone.now()))
    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "a" * 4096])
def test_garbage_refreshes_nothing(clock, token):
    with pytest.raises(services.TokenRefused):
        refresh(token)


def test_a_token_of_a_session_that_was_forgotten_is_refused(session, clock):
    token = tokens.refresh_for(session)
    session.delete()

    with pytest.raises(services.TokenRefused):
        refresh(token)


def test_the_blocked_get_no_new_tokens_and_lose_nothing_else(session, clock):
    token = tokens.refresh_for(session)
    session.user.blocked_at = timezone.now()
    session.user.save()

    with pytest.raises(services.Blocked):
        refresh(token)
    row = Session.objects.get()
    assert (row.refresh_jti, row.revoked_at) == (session.refresh_jti, None)


def test_a_change_of_tier_is_in_the_next_access_token(session, clock):
    vip = UserFactory(tier_code="vip").tier
    services.change_tier(member_id=session.user_id, tier=vip, reason="test", at=timezone.now())

    fresh = refresh(tokens.refresh_for(session))

    claims = jwt.decode(fresh.access_token, options={"verify_signature": False})
    assert claims["status"] == "vip"


def test_a_request_reads_the_session_in_one_statement(api, member, django_assert_num_queries):
    caller = api.as_(member)

    with django_assert_num_queries(1):
        assert caller.get("/users/me").status_code == 200


def test_a_moment_before_the_rotation_is_within_the_grace(session, clock):
    """Two servers' clocks may differ by a little."""
    spent = tokens.refresh_for(session)
    first = refresh(spent)

    again = services.refresh(refresh_token=spent, at=timezone.now() - timedelta(seconds=1))

    assert again.refresh_token == first.refresh_token


def test_a_token_that_is_known_ends_like_any_other(session, clock):
    access = refresh(tokens.refresh_for(session)).access_token
    before = status_of(access)
    clock.shift(901)

    assert (before, status_of(access)) == (200, 401)


def test_what_is_read_without_its_signature_is_not_believed_later(session, clock):
    ring, token = tokens.RingBackend("RS256"), str(tokens.refresh_for(session))
    forged = token[:-8] + ("AAAAAAAA" if not token.endswith("AAAAAAAA") else "BBBBBBBB")

    assert ring.decode(forged, verify=False)["sid"] == str(session.pk)
    with pytest.raises(TokenBackendError):
        ring.decode(forged)


def test_an_admin_ends_a_session_and_says_why(session, clock):
    admin, now = UserFactory(job="admin"), timezone.now()

    with pytest.raises(Forbidden):
        services.end_session_by_admin(session=session, by=session.user, reason="да", at=now)
    services.end_session_by_admin(session=session, by=admin, reason="украден телефон", at=now)

    session.refresh_from_db()
    assert (session.revoked_because, session.revoked_at) == ("admin", now)
    assert AuditEntry.objects.get(action="accounts.session_admin").reason == "украден телефон"


def test_ended_sessions_are_kept_ninety_days(session, clock):
    services.end_session(session=session, because="signed_out", at=timezone.now())
    kept = services.forget_sessions(at=timezone.now() + timedelta(days=89))

    assert (kept, services.forget_sessions(at=timezone.now() + timedelta(days=91))) == (0, 1)


def test_a_browser_that_never_came_back_is_timed_out(session, clock):
    Session.objects.filter(pk=session.pk).update(kind=SessionKind.WEB)

    services.forget_sessions(at=timezone.now() + timedelta(days=1))
    services.end_web_session(web_key="unknown", because="signed_out", at=timezone.now())

    session.refresh_from_db()
    assert session.revoked_because == "timed_out"


def test_the_clock_forgets_codes_and_sessions_in_their_time(session):
    long_ago = timezone.now() - timedelta(days=91)
    other = Session.objects.create(
        user=session.user, revoked_at=long_ago, revoked_because="signed_out"
    )
    for days in (0, 2):
        code = services.send_code(phone=f"+7916000000{days}", at=timezone.now())
        OneTimeCode.objects.filter(pk=code.code_id).update(
            created_at=timezone.now() - timedelta(days=days)
        )

    tasks.forget_old()

    assert not Session.objects.filter(pk=other.pk).exists()
    assert Session.objects.filter(pk=session.pk).exists()
    assert OneTimeCode.objects.count() == 1
