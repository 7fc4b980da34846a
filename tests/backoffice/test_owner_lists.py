"""The owner's reports and sales: whole with data and without, the same cost for any number of rows."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.analytics import loader
from apps.analytics.models import FactBatch
from apps.backoffice import exports
from apps.backoffice.models import Export, SavedView
from apps.backoffice.pages.owner.reports import REPORTS
from apps.businesses.models import Business
from apps.core import outbox
from apps.core.models import AuditEntry
from tests.backoffice.conftest import Sell, SignedIn

SALES = "/biz/salon/sales/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def test_reports_stand_with_data_without_it_and_without_clickhouse(
    owner: Client, salon: Business, anna: User, sell: Sell, facts: None, settings: Any
) -> None:
    for report in REPORTS:
        assert owner.get(f"/biz/salon/analytics/{report.name}/").context["made"].blocks == ()
    for days_ago in (0, 2, 40, 41):
        sell(salon, anna, "1234.50", days_ago=days_ago)
    loader.load_waiting()

    for report in REPORTS:
        answer = owner.get(f"/biz/salon/analytics/{report.name}/?days=90")
        assert answer.status_code == 200, report.name
        assert owner.get(f"/biz/cafe/analytics/{report.name}/").status_code == 404
    with CaptureQueriesContext(connection) as asked:
        made = owner.get("/biz/salon/analytics/revenue/?days=90").context["made"]
    assert sum(FactBatch._meta.db_table in one["sql"] for one in asked) == 1  # how fresh: once
    assert len(asked) <= 22
    chart = next(block for block in made.blocks if block.key == "revenue")
    assert sum(float(one) for one in chart.data["series"][0]["values"]) == 4938.0
    assert len(chart.table.rows) == 90
    file = owner.get("/biz/salon/analytics/revenue/?days=90&format=csv").content.decode()
    assert file.startswith("\ufeff")
    assert "4938,00" in file

    settings.CLICKHOUSE = settings.CLICKHOUSE | {"embedded": False, "url": "http://127.0.0.1:1/x"}
    page = owner.get("/biz/salon/analytics/hours/").content.decode()
    assert "Хранилище аналитики не отвечает" in page


def test_sales_are_filtered_paged_kept_and_filed(
    owner: Client, salon: Business, anna: User, sell: Sell, monkeypatch: Any
) -> None:
    for n in range(30):
        sell(salon, anna, f"{100 + n}")

    first = owner.get(SALES).context["found"]
    rest = owner.get(SALES, {"after": first.next}).context["found"]
    assert (len(first.rows), len(rest.rows), rest.next) == (25, 5, "")
    assert not {one.pk for one in first.rows} & {one.pk for one in rest.rows}
    dear = owner.get(SALES, {"least": "120,00", "staff": "nobody"})
    assert (dear.context["sums"].count, dear.context["wrong"]) == (10, ["staff"])

    owner.post(f"{SALES}views/", {"name": "Дорогие", "query": "least=120&x=1"})
    assert SavedView.objects.get().query == "least=120"
    assert owner.get(f"{SALES}?least=120").context["current"].name == "Дорогие"

    file = owner.get(f"{SALES}?least=120&format=csv").content.decode()
    assert file.count("\r\n") == 11
    assert "129,00" in file
    assert "+7912" not in file
    monkeypatch.setattr(exports, "AT_ONCE", 5)
    owner.get(f"{SALES}?least=120&format=csv")
    asked = Export.objects.get()
    assert exports.make_export(export_id=asked.pk)
    assert not exports.make_export(export_id=asked.pk)
    outbox.drain()
    bell = owner.get("/biz/salon/messages/").content.decode()
    assert "Таблица готова" in bell
    assert f"{SALES}files/{asked.pk}/" in bell
    owner.post("/biz/salon/messages/")
    assert owner.get("/biz/salon/").context["place"].unread == 0
    assert owner.get(f"{SALES}files/{asked.pk}/").content.decode() == file

    sheet = owner.get(f"{SALES}{first.rows[0].pk}/", headers={"HX-Request": "true"})
    assert "<html" not in sheet.content.decode()
    assert "Анна К." in sheet.content.decode()


@pytest.mark.parametrize("rows", [1, 30])
def test_list_of_sales_costs_the_same(
    owner: Client,
    salon: Business,
    anna: User,
    sell: Sell,
    rows: int,
    django_assert_max_num_queries: Any,
) -> None:
    for _one in range(rows):
        sell(salon, anna, "10")
    owner.get(SALES)

    with django_assert_max_num_queries(17):
        owner.get(SALES)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_noted_though_no_transaction_was_open(owner: Client, salon: Business) -> None:
    for page in (SALES, "/biz/salon/members/"):
        assert owner.get(f"{page}?format=csv").status_code == 200
    actions = {"backoffice.sales_exported", "backoffice.guests_exported"}
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= actions
