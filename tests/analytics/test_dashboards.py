"""Dashboards against counts by hand, the whole sample against plain Python, and without ClickHouse."""

import csv
import io
import zipfile
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.analytics import bonus_sql, dashboard_queries, dashboard_sql, door, files, loader, rules
from apps.analytics.churn import sql as churn_sql
from apps.analytics.models import Snapshot
from apps.analytics.services import generate_dashboard, keep_dashboards, series
from apps.businesses.models import Role
from apps.businesses.services import add_staff
from apps.core import clickhouse
from apps.core.errors import NotFound
from apps.transactions.services import refund_purchase
from tests.analytics.purchases import Bought, cdnow_sample, put
from tests.data.cdnow import Unobtainable
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 31)
SINCE = date(2026, 3, 1)


def bought(business: Any, *rows: tuple[int, date, int]) -> list[Bought]:
    return [
        Bought(n, member, day, Decimal(money), shop=business.pk)
        for n, (member, day, money) in enumerate(rows, start=1)
    ]


@pytest.fixture
def down(settings: Any) -> Any:
    def switch() -> None:
        gone = {"embedded": False, "url": "http://127.0.0.1:9/none"}
        settings.CLICKHOUSE = settings.CLICKHOUSE | gone

    return switch


def test_figures_beside_the_stretch_before_and_the_year_ago(facts, business):
    rows = bought(
        business,
        (1, DAY, 300),
        (1, SINCE, 100),
        (2, SINCE, 50),
        (3, SINCE - timedelta(days=1), 200),
        (3, DAY - timedelta(days=364), 90),
        (4, DAY + timedelta(days=1), 999),
    )
    closed = Bought(9, 2, DAY, Decimal(-50), shop=business.pk, of=3, closes=True)
    put([*rows, closed, Bought(10, 5, DAY)])

    kpis = generate_dashboard(business.pk, since=SINCE, until=DAY).widgets["kpis"]

    assert kpis["revenue"] == {
        "value": "400.00",
        "before": "200.00",
        "change": 100,
        "year_ago": "90.00",
        "change_in_year": 344,
    }
    assert (kpis["receipts"]["value"], kpis["buyers"]["value"]) == (2, 1)
    assert kpis["average_receipt"]["value"] == "200.00"


def test_who_is_new_who_comes_again_and_when(facts, business):
    put(
        bought(
            business,
            (1, date(2026, 2, 20), 10),
            (1, date(2026, 3, 2), 20),
            (2, date(2026, 3, 2), 30),
            (2, date(2026, 3, 9), 40),
        )
    )

    found = generate_dashboard(business.pk, since=SINCE, until=DAY).widgets

    assert found["buyers"] == [
        {"day": "2026-03-02", "new": 1, "returning": 1},
        {"day": "2026-03-09", "new": 0, "returning": 1},
    ]
    assert found["repeat"] == {"repeated": 1, "buyers": 2, "rate": 50.0}
    assert found["basket"] == {"p10": "20.00", "p50": "30.00", "p90": "40.00"}
    assert found["hours"] == [{"weekday": 1, "hour": 12, "receipts": 3, "revenue": "90.00"}]


def test_cohorts_leave_the_future_empty(facts, business):
    put(
        bought(
            business,
            (1, date(2025, 11, 5), 10),
            (1, date(2026, 1, 5), 10),
            (2, date(2025, 11, 9), 10),
            (3, date(2026, 3, 9), 10),
        )
    )

    old, new = dashboard_queries.cohorts(business=business, until=DAY)

    assert (old.month, old.size, old.again) == (date(2025, 11, 1), 2, 1)
    assert old.kept == [2, 0, 1, 0, 0] + [None] * 7
    assert (new.size, new.again, new.kept) == (1, None, [1] + [None] * 11)


def test_the_sample_agrees_with_plain_python(facts):
    try:
        rows = cdnow_sample()
    except Unobtainable as sorry:
        pytest.skip(f"the wheel of Lifetimes cannot be had: {sorry}")
    put(rows)
    until = date(1998, 6, 30)
    first: dict[int, date] = {}
    for one in sorted(rows, key=lambda row: row.day):
        first.setdefault(one.member, one.day)
    kept = defaultdict(set)
    for one in rows:
        start = first[one.member]
        age = (one.day.year - start.year) * 12 + one.day.month - start.month
        if age < 12:
            kept[start.replace(day=1), age].add(one.member)

    for cohort in dashboard_queries.cohorts(business=None, until=until):
        for age, count in enumerate(cohort.kept):
            assert count is None or count == len(kept[cohort.month, age])
    months = dashboard_queries.series(
        business=None, since=date(1997, 1, 1), until=until, by="month"
    )
    assert sum(point.revenue for point in months) == Decimal("244091.94")
    assert sum(point.receipts for point in months) == 6919


def test_coupons_from_issue_to_the_second_visit(facts, business):
    columns = ("business_id", "kind", "subject", "member", "campaign_id", "amount")
    columns += ("occurred_at", "local_day", "version")
    campaign = UUID(int=77)

    def fact(kind: str, coupon: int, day: int, amount: str = "0") -> list[Any]:
        moment = date(2026, 3, day)
        return [business.pk, kind, UUID(int=coupon), UUID(int=coupon), campaign] + [
            Decimal(amount), datetime(2026, 3, day, 12, tzinfo=UTC), moment, coupon
        ]  # fmt: skip

    rows = [fact("coupon_issued", n, 2) for n in (1, 2, 3)]
    rows += [fact("coupon_redeemed", 1, 5, "150.00"), fact("coupon_redeemed", 2, 6, "50.00")]
    clickhouse.insert("engagement_facts", columns, rows, token="x")
    put(bought(business, (1, date(2026, 3, 5), 100), (1, date(2026, 3, 20), 100)))

    [found] = dashboard_queries.coupons(business=business, since=SINCE, until=DAY)

    assert found == dashboard_queries.Coupons(campaign, 3, 2, Decimal("200.00"), 2, 1)


@pytest.mark.parametrize(
    "statement",
    [
        text
        for module in (dashboard_sql, bonus_sql, churn_sql)
        for text in vars(module).values()
        if isinstance(text, str) and "FROM" in text
    ]
    + list(dashboard_sql.SERIES.values()),
)
def test_no_statement_reads_facts_past_the_door(statement):
    if "{bucket}" not in statement:
        door.scoped(statement, None)


def test_without_clickhouse_the_last_picture_is_shown_with_its_time(
    facts, api, business, owner, down
):
    sale(business=business, amount="700.00")
    loader.load_waiting()
    fresh = api.as_(owner).get("/analytics/dashboard").json()["data"]
    keep_dashboards(at=Snapshot.objects.get(business=business).computed_at)
    down()

    stale = api.as_(owner).get("/analytics/dashboard").json()["data"]
    weekly = api.as_(owner).get("/analytics/revenue", {"by": "week"}).json()["data"]

    assert (fresh["isStale"], fresh["widgets"]["kpis"]["revenue"]["value"]) == (False, "700.00")
    assert (stale["isStale"], stale["widgets"]) == (True, fresh["widgets"])
    assert stale["asOf"]
    assert weekly["isStale"]
    assert fresh["core"] is None
    assert stale["core"]["kpis"] == fresh["widgets"]["kpis"]
    assert stale["core"]["series"] == fresh["widgets"]["series"]
    # nothing to compare with is no row of zeros
    assert series(business, since=SINCE, until=DAY) == []
    with pytest.raises(NotFound):
        generate_dashboard(UUID(int=1))
    nothing = generate_dashboard(BusinessFactory().pk)
    assert (nothing.is_stale, nothing.widgets, nothing.as_of) == (True, {}, None)


def test_whose_figures(facts, api, business, owner, member):
    other = BusinessFactory()
    sale(business=business, amount="100.00")
    sale(business=other, amount="900.00")
    loader.load_waiting()
    admin = staff_of(BusinessFactory(), job="admin")

    def revenue(who: Any, **query: Any) -> Any:
        answer = api.as_(who).get("/analytics/revenue", query)
        if answer.status_code != 200:
            return answer.status_code
        return [point["revenue"] for point in answer.json()["data"]["widgets"]["series"]]

    assert revenue(owner) == ["100.00"]
    assert revenue(owner, businessId=other.pk) == 404
    assert revenue(owner, businessId="x") == 404
    assert revenue(member) == 403
    assert revenue(admin) == ["1000.00"]
    assert revenue(admin, businessId=other.pk) == ["900.00"]
    assert revenue(owner, **{"from": "2026-13-01"}) == 422
    assert revenue(owner, **{"from": "2020-01-01", "to": "2026-01-01"}) == 422
    assert revenue(owner, by="hour") == 422


def test_an_owner_of_two_places_says_which(facts, api, business, owner):
    cafe = BusinessFactory()
    add_staff(business=cafe, user=owner, role=Role.OWNER, by=None, at=timezone.now())
    sale(business=cafe, amount="900.00")
    loader.load_waiting()
    mine = api.as_(owner)

    unsaid = mine.get("/analytics/revenue")
    said = mine.get("/analytics/dashboard", {"businessId": str(cafe.pk)})
    foreign = mine.get("/analytics/dashboard", {"businessId": str(BusinessFactory().pk)})

    assert (unsaid.status_code, list(unsaid.json()["error"]["details"])) == (422, ["businessId"])
    assert said.json()["data"]["widgets"]["kpis"]["revenue"]["value"] == "900.00"
    assert foreign.status_code == 404


def test_export_opens_in_a_spreadsheet(facts, api, business, owner):
    put(bought(business, (1, SINCE, 10), (1, DAY, 30)))
    query = {"from": SINCE.isoformat(), "to": DAY.isoformat()}

    def rows(**more: str) -> list[dict[str, str]]:
        answer = api.as_(owner).get("/analytics/export", query | more)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))

    assert [row["revenue"] for row in rows(format="csv")] == ["10,00", "30,00"]
    sheet = api.as_(owner).get("/analytics/export", query | {"format": "xlsx"})
    assert sheet["Content-Disposition"] == 'attachment; filename="revenue.xlsx"'
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as book:
        cells = book.read("xl/worksheets/sheet1.xml").decode()
    assert ("<v>10</v>" in cells, "<v>30</v>" in cells, "<f>" in cells) == (True, True, False)
    assert api.as_(owner).get("/analytics/export", {"format": "pdf"}).status_code == 422
    [cohort] = rows(report="cohorts")
    assert (cohort["size"], cohort["kept_0"], cohort["kept_1"]) == ("1", "1", "")
    assert api.as_(owner).get("/analytics/export", {"report": "x"}).status_code == 422


def test_a_cell_is_never_a_formula():
    rows = [{"name": "=1+1", "money": "-5.00", "many": [1, None]}]

    assert files.write(rows, "csv").decode("utf-8-sig").splitlines() == [
        "name;money;many_0;many_1",
        "'=1+1;-5,00;1;",
    ]
    with zipfile.ZipFile(io.BytesIO(files.write(rows, "xlsx"))) as book:
        cells = book.read("xl/worksheets/sheet1.xml").decode()
    assert ("<f>" in cells, "<v>-5</v>" in cells) == (False, True)


def test_what_is_owed_and_never_spent(facts, business, owner, member):
    """1,000 ₽ at 5 % are 50 bonuses, a refund of half takes 25 back: 25 are open."""
    done = sale(business=business, member=member, amount="1000.00")
    refund_purchase(
        sale=done, amount=Decimal(500), reason="не подошло платье", by=owner, key="r",
        at=timezone.now(),
    )  # fmt: skip
    loader.load_waiting()

    owed = generate_dashboard(business.pk).widgets["liability"]

    assert (owed["open"], owed["earned"], owed["revoked"]) == ("25.00", "50.00", "25.00")
    assert (owed["breakage"], owed["expected_cost"]) == (1.0, "0.00")
    assert owed["ageing"] == {"0-30": "25.00", "31-90": "0.00", "90+": "0.00"}


def test_kaplan_meier_by_hand():
    """100 at risk, 20 spent; then 70, 35 spent; the rest lapses: 0.8 × 0.5."""
    ages = [(Decimal(20), Decimal(10)), (Decimal(35), Decimal(0)), (Decimal(0), Decimal(35))]

    assert rules.never_spent(ages) == Decimal("0.4")
    assert rules.never_spent([]) is None


def test_all_widgets_are_there(facts, business):
    """The sixteen of the specification, those of other apps among them."""
    for n in range(12):
        sale(business=business, amount="1000.00", key=f"w{n}")
    loader.load_waiting()

    found = generate_dashboard(business.pk).widgets

    assert set(found) == {
        "kpis", "series", "buyers", "repeat", "cohorts", "rfm", "churn", "worth", "basket", "items",
        "hours", "tiers", "liability", "coupons", "chains", "win_win", "recommendations",
        "freshness", "members_share",
    }  # fmt: skip
    assert found["tiers"]["tiers"][0]["guests"] == 12
    assert found["worth"]["guests"] == 12
    assert found["freshness"]["waiting"] == 0
    assert found["win_win"] == []
