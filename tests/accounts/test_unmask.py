"""A whole phone is shown to admins only, with a reason, with a row, and with an alert when often."""

import time
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts import services
from apps.accounts.enums import Job
from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import TOTPDevice
from apps.core.errors import Forbidden, NotFound
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.logs import captured

pytestmark = pytest.mark.django_db
PHONE, REASON = "+79161112233", "жалоба в поддержку №15"


@pytest.fixture
def anna():
    return UserFactory(first_name="Анна", phone=PHONE)


@pytest.fixture
def admin_user():
    return UserFactory(job=Job.ADMIN)


@pytest.fixture
def desk(admin_user, browser_client):
    device = TOTPDevice.objects.create(user=admin_user, name="app", confirmed=True)
    browser_client.force_login(admin_user, backend="apps.accounts.auth.LoginBackend")
    session = browser_client.session
    session["otp_device_id"] = device.persistent_id
    session[CONFIRMED] = time.time()
    session.save()
    return browser_client


def test_reason_lands_in_the_audit_and_the_phone_does_not(anna, admin_user, at):
    shown = services.reveal_phone(user=anna, by=admin_user, reason=f"  {REASON} ", at=at)

    assert shown == PHONE
    row = AuditEntry.objects.get(action="accounts.reveal_phone")
    assert (row.actor_id, row.object_id, row.reason) == (admin_user.pk, str(anna.pk), REASON)


@pytest.mark.parametrize("reason", ["", "   ", "девять   .", "a" * 9])
def test_short_reasons_are_refused(anna, admin_user, at, reason):
    with pytest.raises(services.ReasonMissing):
        services.reveal_phone(user=anna, by=admin_user, reason=reason, at=at)

    assert not AuditEntry.objects.filter(action="accounts.reveal_phone").exists()


@pytest.mark.parametrize("job", ["", Job.STAFF, Job.OWNER])
def test_others_are_refused(anna, at, job):
    with pytest.raises(Forbidden):
        services.reveal_phone(user=anna, by=UserFactory(job=job), reason=REASON, at=at)


def test_an_erased_person_has_nothing_to_show(anna, admin_user, at):
    services.erase_person(user=anna, at=at, because="asked")

    with pytest.raises(NotFound):
        services.reveal_phone(user=anna, by=admin_user, reason=REASON, at=at)


def test_three_in_ten_minutes_raise_an_alert(anna, admin_user, at):
    with captured() as logs:
        for _ in range(2):
            services.reveal_phone(user=anna, by=admin_user, reason=REASON, at=at)
        services.reveal_phone(user=anna, by=UserFactory(job=Job.ADMIN), reason=REASON, at=at)
        assert "reveal_alert" not in logs.getvalue()

        services.reveal_phone(user=anna, by=admin_user, reason=REASON, at=at)

        assert "reveal_alert" in logs.getvalue()


def test_seldom_raises_none(anna, admin_user, at):
    with captured() as logs:
        for _ in range(4):
            later = at + timedelta(hours=1)
            services.reveal_phone(user=anna, by=admin_user, reason=REASON, at=later)

        assert "reveal_alert" not in logs.getvalue()


def test_admin_page_asks_first_and_shows_after_the_post(anna, desk):
    url = reverse("admin:accounts_user_reveal", args=[anna.pk])

    asked = desk.get(url)
    refused = desk.post(url, {"reason": "коротко"})
    shown = desk.post(url, {"reason": REASON})

    assert (asked.status_code, refused.status_code, shown.status_code) == (200, 422, 200)
    assert PHONE not in asked.content.decode() + refused.content.decode()
    assert "10 знаков: она останется" in refused.content.decode()
    assert PHONE in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    page = desk.get(reverse("admin:accounts_user_change", args=[anna.pk])).content.decode()
    assert url in page
    assert PHONE not in page
