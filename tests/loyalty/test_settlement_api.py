"""GET /admin/settlement and /admin/liability, as JSON and for a spreadsheet."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.loyalty import rules, services
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale


@pytest.fixture
def admin(api, db):
    return api.as_(UserFactory(job="admin"))


@pytest.fixture
def month(member):
    """Last month the salon issued 50 and 20 of them were spent in the café; its first day."""
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=10)
    salon, cafe = BusinessFactory(name="Салон"), BusinessFactory(name="=Кафе")
    services.earn_for_purchase(
        member=member, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    services.spend_bonus(
        member=member, business=cafe, amount=Decimal(20), key="s", at=at, posted_at=at
    )
    return first


def test_a_month_before_and_after_its_close(admin, month):
    draft = admin.get("/admin/settlement").json()["data"]
    services.close_month(month=month, by=None, at=timezone.now())
    closed = admin.get(f"/admin/settlement?month={month:%Y-%m}").json()["data"]

    assert (draft["state"], closed["state"]) == ("draft", "closed")
    [pair] = closed["pairs"]
    assert (pair["debtor"]["name"], pair["creditor"]["name"]) == ("Салон", "=Кафе")
    assert (pair["amount"], pair["state"], draft["pairs"][0]["amount"]) == (
        "20.00",
        "open",
        "20.00",
    )
    assert [net["net"] for net in closed["nets"]] == ["20.00", "-20.00"]
    assert draft["nets"] == closed["nets"]


def test_a_spreadsheet_reads_it_in_russian(admin, month):
    answer = admin.get("/admin/settlement?format=csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert text.splitlines()[0] == "месяц;кто должен;кому;за что;бонусы;долг, ₽;движений;состояние"
    assert f"{month:%m.%Y};Салон;'=Кафе;принятые бонусы;20,00;20,00;1;черновик" in text
    assert "Салон;0,00;20,00;'-20,00" not in text  # a number stays a number
    assert "Салон;0,00;20,00;-20,00" in text


@pytest.mark.parametrize(
    "asked", ["month=2026-13", "month=2026", "month=2099-01", "format=xml", "month=2026-1٣"]
)
def test_what_cannot_be_read_is_said(asked, admin):
    answer = admin.get(f"/admin/settlement?{asked}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_liability_by_issuer_month_and_age(admin, month):
    data = admin.get("/admin/liability").json()["data"]
    sheet = admin.get("/admin/liability?format=csv").content.decode("utf-8-sig")

    assert data["total"] == "30.00"
    [row] = data["rows"]
    assert (row["issuer"]["name"], row["available"], row["held"]) == ("Салон", "30.00", "0.00")
    [issuer] = data["issuers"]
    assert Decimal(issuer["upTo30"]) + Decimal(issuer["upTo90"]) == 30
    assert (issuer["total"], issuer["expected"]) == ("30.00", None)
    assert sheet.splitlines()[-1] == "всего;;;;;30,00"


@pytest.mark.parametrize("path", ["/admin/settlement", "/admin/liability"])
def test_any_number_of_pairs_costs_the_same(path, admin, month, member):
    def asked() -> int:
        admin.get(path)
        with CaptureQueriesContext(connection) as statements:
            assert admin.get(path).status_code == 200
        return len(statements)

    few = asked()
    at = rules.month_bounds(month)[0] + timedelta(days=11)
    for n in range(5):
        place = BusinessFactory()
        sale(member=member, business=place, occurred_at=at)
        services.spend_bonus(
            member=member, business=place, amount=Decimal(1), key=f"s{n}", at=at, posted_at=at
        )

    assert asked() == few
