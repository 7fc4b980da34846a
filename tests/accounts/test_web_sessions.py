"""Sessions of browsers: limits, the list of devices, recovery codes."""

import os
import subprocess
import sys
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticToken

from apps.accounts import services
from apps.accounts.models import Session
from apps.businesses.services import remove_staff
from apps.core.models import AuditEntry
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
START = timezone.now().replace(microsecond=0)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
TILL = "/kassa/"


def browser_of(user: Any, agent: str = CHROME) -> Client:
    client = Client(headers={"User-Agent": agent})
    client.force_login(user, backend="apps.accounts.auth.LoginBackend")
    return client


def is_in(client: Client) -> bool:
    return client.get(TILL).status_code == 200


# --- limits --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("minutes", "stays"), [(29, True), (31, False)])
def test_idle_for_half_an_hour_signs_staff_out(staff: Any, minutes: int, stays: bool) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = browser_of(staff)
        assert is_in(client)
        clock.shift(minutes * 60)

        assert is_in(client) is stays

    assert Session.objects.get().revoked_because == ("" if stays else "idle")


@pytest.mark.parametrize(("minutes", "stays"), [(14, True), (16, False)])
def test_idle_for_a_quarter_signs_an_admin_out(minutes: int, stays: bool) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = browser_of(UserFactory(job="admin"))
        client.get("/login/")
        clock.shift(minutes * 60)
        client.get("/login/")

        assert ("_auth_user_id" in client.session) is stays


def test_busy_session_ends_after_twelve_hours(staff: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = browser_of(staff)
        for _quarter in range(12 * 4):
            assert is_in(client)
            clock.shift(15 * 60)

        assert not is_in(client)

    assert Session.objects.get().revoked_because == "timed_out"


def test_stolen_cookie_opens_nothing_in_another_browser(
    staff: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = browser_of(staff)
    assert is_in(client)
    thief = Client(headers={"User-Agent": "curl/8"})
    thief.cookies = client.cookies

    assert not is_in(thief)
    assert not is_in(client)  # the cookie is known to somebody: it ends for both
    assert Session.objects.get().revoked_because == "other_browser"
    assert "other_browser" in caplog.text


def test_ordinary_page_costs_no_more_queries(
    staff: Any, django_assert_max_num_queries: Any
) -> None:
    client = browser_of(staff)
    client.get("/login/")

    with django_assert_max_num_queries(2):  # the session and the person
        client.get("/help/")


# --- the list of devices -------------------------------------------------------------------------
def test_browser_stands_in_the_list_and_can_be_ended_there(staff: Any, api: Api) -> None:
    client = browser_of(staff)
    assert is_in(client)
    phone = api.as_(staff)
    row = next(r for r in phone.get("/users/me/sessions").json()["data"] if r["kind"] == "web")
    assert (row["deviceName"], row["platform"], row["place"]) == (
        "Chrome, Windows",
        "web",
        "127.0.0.0/24",
    )

    phone.client.delete(f"/api/v1/users/me/sessions/{row['id']}", headers=phone.headers)

    assert not is_in(client)


def test_sign_out_ends_the_row(staff: Any) -> None:
    client = browser_of(staff)
    is_in(client)
    client.post("/logout/")

    assert Session.objects.get().revoked_because == "signed_out"


def test_ending_all_sessions_ends_app_and_browsers(staff: Any, api: Api) -> None:
    first, second, phone = browser_of(staff), browser_of(staff), api.as_(staff)
    other = browser_of(UserFactory(job="business_staff"))
    assert [is_in(first), is_in(second)] == [True, True]
    other.get("/login/")

    services.end_sessions(
        user=staff, because="asked", by=staff, reason="потеряла сумку", at=timezone.now()
    )

    assert [is_in(first), is_in(second)] == [False, False]
    assert phone.get("/users/me").status_code == 401
    assert "_auth_user_id" in other.session


@pytest.mark.parametrize("what", ["blocked", "dismissed"])
def test_block_and_dismissal_end_browsers_in_the_same_transaction(
    staff: Any, business: Any, what: str
) -> None:
    client = browser_of(staff)
    assert is_in(client)
    if what == "blocked":
        services.block_user(user=staff, by=None, reason="подмена чеков", at=timezone.now())
    else:
        remove_staff(business=business, user=staff, by=None, at=timezone.now())

    assert not is_in(client)
    assert Session.objects.filter(revoked_at__isnull=True).count() == 0


def test_audit_names_the_browser_session(staff: Any) -> None:
    client = browser_of(staff)
    is_in(client)
    row = Session.objects.get()
    client.post("/logout/")

    entry = AuditEntry.objects.get(action="accounts.session_signed_out")
    assert (entry.object_id, entry.session_id) == (str(row.pk), str(row.pk))


def test_next_person_at_the_same_browser_ends_the_first(client: Client) -> None:
    for phone in ("+79160000001", "+79160000002"):
        UserFactory(phone=phone, job="business_staff", password="очень длинный пароль")
        client.post("/logout/")
        client.post("/login/", {"login": phone, "password": "очень длинный пароль"})

    rows = Session.objects.order_by("created_at")
    assert [row.revoked_because for row in rows] == ["signed_out", ""]
    assert rows[1].web_key == client.session.session_key


def test_cookies_of_production_are_bound_to_the_host() -> None:
    code = (
        "from svoykrug import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE,"
        " s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE,"
        " getattr(s, 'SESSION_COOKIE_DOMAIN', None), getattr(s, 'SESSION_COOKIE_PATH', '/'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={**os.environ, "ENVIRONMENT": "production"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == (
        ["__Host-session", "__Host-csrf", "True", "True", "True", "Lax", "None", "/"]
    )


# --- recovery codes ------------------------------------------------------------------------------
@pytest.fixture
def patient(settings: Any) -> None:
    """The library makes the next try wait after a wrong one: not the tests."""
    settings.OTP_STATIC_THROTTLE_FACTOR = 0


def test_ten_codes_work_once_each(patient: None) -> None:
    owner = UserFactory(job="business_owner")
    codes = services.new_recovery_codes(user=owner)

    assert len(set(codes)) == 10
    assert services.use_recovery_code(user=owner, code=codes[0].lower().replace("-", " "))
    assert services.use_recovery_code(user=owner, code=codes[0]) is None
    assert services.use_recovery_code(user=UserFactory(), code=codes[1]) is None
    assert services.use_recovery_code(user=owner, code=codes[1])


def test_new_codes_replace_the_old(patient: None) -> None:
    owner = UserFactory(job="business_owner")
    old = services.new_recovery_codes(user=owner)
    new = services.new_recovery_codes(user=owner)

    assert services.use_recovery_code(user=owner, code=old[3]) is None
    assert services.use_recovery_code(user=owner, code=new[3])


def test_table_holds_no_code() -> None:
    codes = services.new_recovery_codes(user=UserFactory(job="business_owner"))
    stored = set(StaticToken.objects.values_list("token", flat=True))

    assert not stored & {code.replace("-", "") for code in codes}
    assert {len(token) for token in stored} == {16}
