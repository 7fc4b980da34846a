"""The owner's page: figures from the books, the chart from ClickHouse, and who may look."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import loader
from apps.backoffice.pages import menu
from apps.backoffice.queries import figures
from apps.businesses.models import Business
from tests.backoffice.conftest import Person, Sell, SignedIn

PAGE = "/biz/salon/"


@pytest.fixture
def clickhouse_away(settings) -> None:
    """Nobody listens at this port."""
    url = "http://127.0.0.1:1/svoykrug"
    settings.CLICKHOUSE = {"embedded": False, "url": url, "path": "", "database": "svoykrug"}


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def test_figures_compare_like_with_like(
    salon: Business, anna: User, person: Person, sell: Sell
) -> None:
    eva = person("Ева", "Юрина", phone="+79160000009")
    sell(salon, anna, "100")
    sell(salon, anna, "50")
    sell(salon, eva, "1000", days_ago=3)
    sell(salon, eva, "200", days_ago=8)
    sell(salon, eva, "5000", days_ago=40)

    today, week, month = figures(business=salon, at=timezone.now())

    assert (today.revenue, today.receipts, today.buyers) == (Decimal("150.00"), 2, 1)
    assert (week.revenue, week.receipts, week.buyers) == (Decimal("1150.00"), 3, 2)
    assert (month.revenue, month.revenue_before) == (Decimal("1350.00"), Decimal("5000.00"))
    assert (today.change, week.change, month.change) == (None, 475, -73)
    assert today.bonus_accrued == Decimal("10.50")


def test_chart_and_table_hold_the_same_days(
    owner: Client, salon: Business, anna: User, sell: Sell, facts: None
) -> None:
    sell(salon, anna, "1234.50", days_ago=2)
    loader.load_waiting()

    answer = owner.get(f"{PAGE}?days=7")
    page = answer.content.decode()

    points = answer.context["chart"].points
    assert points["series"][0]["values"] == [
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "1234.50",
        "0.00",
        "0.00",
    ]
    assert page.count("<tr>") >= 7 + 1
    assert 'id="sales-data" type="application/json"' in page
    assert "Данные на" in page


@pytest.mark.parametrize(
    ("asked", "days"), [("90", 90), ("8", 30), ("-7", 30), ("x", 30), ("", 30)]
)
def test_period_is_one_of_three(
    owner: Client, salon: Business, anna: User, sell: Sell, facts: None, asked: str, days: int
) -> None:
    sell(salon, anna, "10")

    answer = owner.get(PAGE, {"days": asked})

    assert answer.context["days"] == days
    assert len(answer.context["chart"].days) == days


def test_page_stands_when_clickhouse_is_away(
    owner: Client, salon: Business, anna: User, sell: Sell, clickhouse_away: None
) -> None:
    sell(salon, anna, "1500")

    answer = owner.get(PAGE)
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Хранилище аналитики не отвечает" in page
    assert "1\u00a0500\u00a0₽" in page
    assert "Анна К." in page
    assert "chart.umd" not in page


def test_empty_page_leads_to_the_till(owner: Client) -> None:
    page = owner.get(PAGE).content.decode()

    assert "Продаж пока нет" in page
    assert page.count("button-main") == 1


def test_sections_lead_somewhere_and_theme_is_remembered(owner: Client) -> None:
    for item in menu.OWNER:
        assert owner.get(reverse(f"backoffice:{item.view}", args=["salon"])).status_code == 200

    owner.post("/theme/", {"theme": "dark", "next": PAGE})

    assert 'data-theme="dark"' in owner.get(PAGE).content.decode()
    owner.post("/theme/", {"theme": "", "next": PAGE})
    assert "data-theme" not in owner.get(PAGE).content.decode()


def test_palette_finds_sections_guests_and_sales(
    owner: Client, salon: Business, anna: User, person: Person, sell: Sell
) -> None:
    done = sell(salon, anna, "1500")
    person("Ева", "Юрина", phone="+79160000009")

    def found(text: str) -> list[str]:
        hits = owner.post(f"{PAGE}search/", {"q": text}).context["found"].hits
        return [hit.url.removeprefix(PAGE) for hit in hits]

    assert found("главная") == [""]
    assert found("ukfdyfz") == [""]  # the layout was forgotten
    assert found("8 912 345-67-89") == [f"sales/?member={anna.pk}"]
    assert found("8 916 000-00-09") == []  # a member, but never was here
    assert found("8912345") == []  # only whole numbers
    assert found(done.number) == [f"sales/{done.pk}/"]
    assert found(done.code) == [f"sales/{done.pk}/"]
    said = owner.post(f"{PAGE}search/", {"q": "89123456789"}).content.decode()
    assert "+79123456789" not in said
    assert owner.get(f"{PAGE}search/?q=89123456789").context["found"] is None


def test_only_the_owner_and_admins_look(
    owner: Client,
    vera: User,
    person: Person,
    signed_in: SignedIn,
    cafe: Business,
    client: Client,
) -> None:
    admin = person("Ада", "Минина", phone="+79160000003", job="admin")

    assert signed_in(vera).get(PAGE).status_code == 404
    assert owner.get("/biz/cafe/").status_code == 404
    assert owner.get("/biz/nowhere/").status_code == 404
    assert signed_in(admin).get(PAGE).status_code == 200
    assert client.get(PAGE).url == "/login/?next=%2Fbiz%2Fsalon%2F"


def test_owner_without_second_factor_sees_nothing(client: Client, olga: User) -> None:
    client.force_login(olga, backend="apps.accounts.auth.LoginBackend")

    assert client.get(PAGE).url == "/login/?next=%2Fbiz%2Fsalon%2F"


@pytest.mark.parametrize("sales", [1, 5])
def test_page_costs_the_same_for_any_number_of_sales(
    owner: Client,
    salon: Business,
    anna: User,
    sell: Sell,
    facts: None,
    sales: int,
    django_assert_max_num_queries,
) -> None:
    for _one in range(sales):
        sell(salon, anna, "10")
    owner.get(PAGE)  # the first page of a session also enters the session into the list

    with django_assert_max_num_queries(23):
        owner.get(PAGE)
