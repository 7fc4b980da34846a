"""The admin's page of a new broadcast: counted first, sent as it was counted."""

import re

import pytest
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.notifications.admin import composing
from apps.notifications.models import Broadcast, Provider
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.notifications import message_to
from tests.notifications.conftest import agree

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Осень",
    "purpose": "advertising",
    "title_ru": "Осень в круге",
    "body_ru": "Двойные бонусы до воскресенья.",
    "channels": ["sms"],
}


@pytest.fixture
def page(admin_client):  # noqa: F811
    url = reverse("admin:notifications_broadcast_new")

    def post(**more):
        answer = admin_client.post(url, FORM | more)
        return answer, answer.content.decode()

    return post


def seal_in(html: str) -> str:
    return re.search(r'name="counted" value="([^"]+)"', html)[1]


def test_it_counts_first_and_sends_what_was_counted(page):
    Provider.objects.create(name="smsru", channel="sms", per_second=10, price=700)
    for city in ("Тула", "Тула", "Омск"):
        agree(UserFactory(city=city, tier_code="vip"), "sms")

    counted, html = page(city="Тула", tiers=["vip", "elite"], has_app="no")
    assert counted.status_code == 200
    assert not Broadcast.objects.exists()
    assert "2 человека в сегменте" in html
    assert "28,00" in html  # two people, two parts with the line that stops it
    sent, _html = page(city="Тула", tiers=["vip", "elite"], has_app="no", counted=seal_in(html))

    row = Broadcast.objects.get()
    assert sent.url == reverse("admin:notifications_broadcast_change", args=[row.pk])
    assert (row.state, row.people, row.channels) == ("running", 2, "sms")
    assert row.segment == {"tiers": ["vip", "elite"], "city": "Тула", "has_app": False}


@pytest.mark.parametrize("change", [{"city": "Омск"}, {"body_ru": "Другое."}, {"counted": "x"}])
def test_what_changed_since_is_counted_again(page, change):
    for city in ("Тула", "Омск"):
        UserFactory(city=city)
    seal = seal_in(page(city="Тула")[1])

    answer, html = page(**({"city": "Тула", "counted": seal} | change))

    assert answer.status_code == 200
    assert "в сегменте" in html
    assert not Broadcast.objects.exists()


def test_above_a_thousand_it_asks_for_permission(page, monkeypatch):
    monkeypatch.setattr(composing, "SECOND_PERSON_ABOVE", 0)

    _answer, html = page()

    assert "Запросить разрешение" in html
    assert "другой администратор" in html


def test_what_is_wrong_is_said_beside_the_field(page):
    clinic = BusinessFactory(category="dental")

    answer, html = page(title_ru="", channels=[], body_en="Hi", bought_at=str(clinic.pk))

    assert answer.status_code == 422
    assert html.count('role="alert"') == 4
    assert 'name="counted"' not in html


def test_the_same_text_within_an_hour_is_refused(page):
    UserFactory()
    seal = seal_in(page()[1])
    page(counted=seal)

    answer, html = page(counted=seal)

    assert answer.status_code == 422
    assert "меньше часа назад" in html
    assert Broadcast.objects.count() == 1


def test_dead_letters_leave_again_with_a_reason(admin_client, member):  # noqa: F811
    """A page between asks why; the answer stands in the audit log."""
    dead = message_to(member, state="failed", trouble="smsru 210")
    url = reverse("admin:notifications_notification_changelist")
    body = {"action": "retry", "_selected_action": [str(dead.pk)]}

    asked = admin_client.post(url, body)
    short = admin_client.post(url, body | {"reason": "мало"})
    waits = admin_client.get(url, {"state": "failed"}).content.decode()
    admin_client.post(url, body | {"reason": "ключ снова работает"})

    dead.refresh_from_db()
    assert (asked.status_code, short.status_code, dead.state) == (200, 422, "waiting")
    assert "получен подарок" in waits
    assert AuditEntry.objects.get(action="notifications.retry").reason == "ключ снова работает"
