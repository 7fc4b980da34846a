"""The owner's first page: what waits for her word and her first steps, both from facts alone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.models import ChurnRisk
from apps.backoffice.alerts import Urgency, alerts_of
from apps.backoffice.first_steps import first_steps
from apps.businesses.models import Business
from apps.businesses.services import add_location
from apps.core import sealing
from apps.core.ids import new_id
from apps.crm.models import CRMIntegration, ExternalRecord
from apps.loyalty.models import Counter, Terms
from tests.backoffice.conftest import Sell, SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.offers import offer_of

PAGE = "/biz/salon/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def stopped(business: Business) -> CRMIntegration:
    row = CRMIntegration(
        business=business,
        system="iiko",
        base_url="https://iiko.example",
        webhook_digest=str(new_id()),
        state="stopped",
        trouble="auth",
        troubled_at=timezone.now() - timedelta(hours=2),
        poll_minutes=5,
        lookback_days=7,
    )
    row.webhook_sealed = sealing.seal("key", context=f"crm.webhook:{row.pk}")
    row.save()
    return row


def spent(business: Business, percent: int, **terms: Any) -> None:
    offer = offer_of(business, budget=Decimal("1000.00"), **terms)
    Counter.objects.create(scope=f"offer:{offer.pk}", period="", used=percent * 1000)


def test_alerts_come_from_facts_and_go_with_them(
    owner: Client, salon: Business, cafe: Business
) -> None:
    at = timezone.now()
    assert alerts_of(salon, at=at) == []
    assert "Сегодня ничего не ждёт" in owner.get(PAGE).content.decode()

    crm = stopped(salon)
    ExternalRecord.objects.create(
        integration=crm, entity="order", external_id="1", amount=Decimal("10"), occurred_at=at,
        digest="-", state="quarantine", reason="no_phone",
    )  # fmt: skip
    spent(salon, 85, name="Утро в будни")
    spent(salon, 10)
    offer_of(salon, name="Пятница", ends_at=at + timedelta(days=2))
    Terms.objects.create(
        business=salon, credit_limit=Decimal("10.00"), outstanding=Decimal("11.00")
    )
    for rank in range(5):
        ChurnRisk.objects.create(
            business=salon, member=UserFactory(), rank=rank, day=at.date(), band="high",
            probability=Decimal("0.8"), recency=60, visits=4, monthly=Decimal("1000"),
            held_out=False,
        )  # fmt: skip

    found = alerts_of(salon, at=at)
    page = owner.get(PAGE).content.decode()

    assert [one.urgency for one in found] == sorted(one.urgency for one in found)
    assert [one.icon for one in found] == [
        "unplug", "coins", "inbox", "megaphone", "hourglass", "users",
    ]  # fmt: skip
    assert "iiko: связь остановлена — неверный ключ" in page
    assert "«Утро в будни»: израсходовано 85\u00a0% бюджета" in page.replace("85 %", "85\u00a0%")
    for one in found:
        assert owner.get(one.url.partition("#")[0]).status_code == 200, one.url
    assert alerts_of(cafe, at=at) == []

    CRMIntegration.objects.update(state="active", trouble="", last_success_at=at)
    assert "unplug" not in [one.icon for one in alerts_of(salon, at=at)]
    assert [one.urgency for one in alerts_of(salon, at=at + timedelta(days=1))][0] == Urgency.NOW


@pytest.mark.parametrize("offers", [1, 4])
def test_alerts_cost_the_same_for_any_number_of_causes(
    salon: Business, offers: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(offers):
        spent(salon, 90, priority=number + 1)
    stopped(salon)

    with django_assert_max_num_queries(15):
        assert len(alerts_of(salon, at=timezone.now())) == offers + 1


def test_first_steps_are_done_by_deeds_and_then_gone(
    owner: Client, salon: Business, olga: User, anna: User, sell: Sell
) -> None:
    Business.objects.filter(pk=salon.pk).update(description="", hours=[])
    assert [one.is_done for one in first_steps(salon).steps] == [False] * 5
    page = owner.get(PAGE).content.decode()
    assert "Первые шаги" in page
    assert page.count("button-main") == 1

    Business.objects.filter(pk=salon.pk).update(
        description="Стрижки", hours=[{"weekday": 1, "opens": "10:00", "closes": "20:00"}]
    )
    add_location(business=salon, name="На Покровке", address="Покровка, 1", by=olga)
    staff_of(salon)
    sell(salon, anna, "100")
    assert [one.is_done for one in first_steps(salon).steps] == [True] * 4 + [False]
    assert "Сделано 4 из 5" in owner.get(PAGE).content.decode()

    offer_of(salon)
    assert first_steps(salon).is_whole
    assert "Первые шаги" not in owner.get(PAGE).content.decode()
