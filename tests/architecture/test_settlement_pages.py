"""Papers of mutual settlement in the admin: liability, printed statements, files."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.loyalty import rules, services
from tests.factories.businesses import BusinessFactory


@pytest.fixture
def statement(member):
    """The salon issued 50 last month, 20 of them were spent in the café."""
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=10)
    salon = BusinessFactory(name="Салон", slug="salon")
    cafe = BusinessFactory(name="Кафе", slug="cafe")
    services.earn_for_purchase(
        member=member, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    services.spend_bonus(
        member=member, business=cafe, amount=Decimal(20), key="s", at=at, posted_at=at
    )
    return services.close_month(month=first, by=None, at=timezone.now())


def test_unspent_bonuses_by_issuer(statement, admin_client):
    text = admin_client.get(reverse("admin:loyalty_terms_liability")).content.decode()

    assert "Салон · 30,00" in text
    assert "от 31 до 90 дней" in text


@pytest.mark.parametrize("asked", ["", "?business=salon", "?business=salon&with=cafe"])
def test_a_printed_statement_says_who_owes_whom(asked, statement, admin_client):
    page = reverse("admin:loyalty_statement_print", args=[statement.pk])

    text = admin_client.get(page + asked).content.decode()

    assert "Акт взаимных расчётов" in text
    assert text.count("20,00") >= 3
    assert admin_client.get(f"{page}?business=nowhere").status_code == 404


def test_files_for_a_spreadsheet(statement, admin_client):
    whole = reverse("admin:loyalty_statement_csv", args=[statement.pk])
    line = reverse("admin:loyalty_statementline_csv", args=[statement.lines.get().pk])

    assert "Салон;Кафе;20,00;20,00;1" in admin_client.get(whole).content.decode("utf-8-sig")
    assert "доступно;потрачено" in admin_client.get(line).content.decode("utf-8-sig")
