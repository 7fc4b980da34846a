"""What the table marks `fresh` wants a second factor of the last 15 minutes, by every entrance."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP

from apps.accounts import rights, services
from apps.accounts.models import CodeLimits, Session, TOTPDevice, User
from apps.core.errors import TooMany
from apps.core.models import AuditEntry
from tests.accounts.desks import desk_of
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
WHY = "проверка свежести входа"
OLD = 15 * 60 + 1


@pytest.fixture
def chief() -> User:
    return UserFactory(job="superadmin")


def code_of(user: User, *, step: int = 0) -> str:
    device = TOTPDevice.objects.get(user=user, confirmed=True)
    clock = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    clock.time = time.time() + step * device.step
    return f"{clock.token():06d}"


def pages(person: User) -> dict[str, str]:
    """The browser's pages of the rows that want it."""
    CodeLimits.objects.get_or_create(pk=1)
    return {
        "users.unmask": reverse("admin:accounts_user_reveal", args=[person.pk]),
        "users.tier": reverse("admin:accounts_user_tier", args=[person.pk]),
        "users.role": reverse("admin:accounts_user_role", args=[person.pk]),
        "code_limits.change": reverse("admin:accounts_codelimits_change", args=[1]),
    }


CALLS = {
    "users.role": ("role", {"role": "admin", "reason": WHY}),
    "users.tier": ("status", {"status": "vip", "until": "2099-01-01", "reason": WHY}),
}
ACCOUNTS_ROWS = {"users.unmask", "users.tier", "users.role", "code_limits.change"}


def test_every_fresh_row_of_accounts_is_tried_here(member: User) -> None:
    fresh = {row.action for row in rights.ROWS if row.fresh}

    assert fresh >= ACCOUNTS_ROWS == set(pages(member))


@pytest.mark.parametrize("action", sorted(ACCOUNTS_ROWS))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_browser_left_open_is_sent_to_confirm(
    chief: User, member: User, action: str, method: str
) -> None:
    url = pages(member)[action]
    body = {"reason": WHY, "role": "admin", "tier": "vip", "until": "01.01.2099"}

    answer = getattr(desk_of(chief, confirmed_ago=OLD), method)(url, body)

    assert answer.status_code == 302
    assert answer.url.startswith("/login/confirm/?next=%2Fadmin%2Faccounts%2F")
    member.refresh_from_db()
    assert (member.job, member.tier.code) == ("", "insider")
    assert not AuditEntry.objects.filter(action="accounts.reveal_phone").exists()
    assert desk_of(chief).get(url).status_code == 200


def test_confirming_brings_her_back(chief: User, member: User) -> None:
    desk, url = desk_of(chief, confirmed_ago=OLD), pages(member)["users.unmask"]
    there = desk.get(url).url
    assert 'name="next" value="/admin/accounts/user/' in desk.get(there).content.decode()

    wrong = desk.post("/login/confirm/", {"next": url, "code": "000000"})
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    right = desk.post("/login/confirm/", {"next": url, "code": code_of(chief)})

    assert wrong.status_code == 422
    assert "Код не подошёл" in wrong.content.decode()
    assert (right.status_code, right.url) == (302, url)
    assert desk.get(url).status_code == 200
    assert AuditEntry.objects.filter(action="accounts.confirmed", actor_id=chief.pk).exists()


def test_a_recovery_code_confirms_once(chief: User) -> None:
    desk = desk_of(chief, confirmed_ago=OLD)
    code = services.new_recovery_codes(user=chief)[0]

    first = desk.post("/login/confirm/", {"next": "/admin/", "code": code})
    again = desk.post("/login/confirm/", {"next": "/admin/", "code": code})

    assert (first.status_code, again.status_code) == (302, 422)


def test_confirming_leads_nowhere_else(chief: User) -> None:
    body = {"next": "https://evil.example/", "code": ""}
    desk = desk_of(chief, confirmed_ago=OLD)
    body["code"] = code_of(chief)

    assert desk.post("/login/confirm/", body).url == "/"


def test_eleven_wrong_codes_a_day_are_too_many(chief: User) -> None:
    TOTPDevice.objects.create(user=chief, name="app", confirmed=True)
    for _ in range(10):
        with pytest.raises(services.FactorWrong):
            services.confirm_factor(user=chief, code="AAAAABBBBB", at=timezone.now())

    code = services.new_recovery_codes(user=chief)[0].replace("-", "")
    with pytest.raises(TooMany) as refused:
        services.confirm_factor(user=chief, code=code, at=timezone.now())
    assert refused.value.details["retry_after"] > 3600


# --- the API -------------------------------------------------------------------------------------
@pytest.mark.parametrize("action", CALLS)
def test_an_old_token_is_refused_with_a_word(
    api: Api, chief: User, member: User, action: str
) -> None:
    path, body = CALLS[action]
    mine = api.as_(chief)
    Session.objects.filter(pk=mine.session.pk).update(
        confirmed_at=timezone.now() - timedelta(seconds=OLD)
    )

    stale = mine.patch(f"/admin/users/{member.pk}/{path}", body)
    TOTPDevice.objects.create(user=chief, name="app", confirmed=True)
    confirmed = mine.post("/auth/confirm", {"code": code_of(chief)})
    fresh = mine.patch(f"/admin/users/{member.pk}/{path}", body)

    assert (stale.status_code, stale.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert list(stale.json()["error"]["details"]) == ["secondFactor"]
    assert confirmed.status_code == 200, confirmed.content
    assert confirmed.json()["data"]["freshUntil"].endswith("Z")
    assert fresh.status_code in (200, 202), fresh.content


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [("000000", 401, "CODE_INVALID"), ("abc", 401, "CODE_INVALID"), ("", 422, "VALIDATION_ERROR")],
)
def test_a_wrong_code_confirms_nothing(
    api: Api, chief: User, code: str, status: int, word: str
) -> None:
    TOTPDevice.objects.create(user=chief, name="app", confirmed=True)

    answer: Any = api.as_(chief).post("/auth/confirm", {"code": code})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, word)


def test_whoever_has_no_second_factor_is_told_so(api: Api, member: User) -> None:
    answer = api.as_(member).post("/auth/confirm", {"code": "123456"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "WRONG_STATE")
