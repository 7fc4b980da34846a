"""Reports of guests, partners and bonuses: the figures on the page and in the file, and what is
kept back so that nobody can be told apart."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import StatusTier, User
from apps.analytics.models import Snapshot
from apps.analytics.services import snapshot_rfm
from apps.backoffice.pages.owner.reports import flows
from apps.businesses.models import Business
from apps.core import clickhouse
from apps.core.ids import new_id
from apps.coupons.models import Coupon
from apps.crosspromo import figures
from tests.analytics.purchases import Bought, put
from tests.backoffice.conftest import Person, SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import chain, step
from tests.factories.transactions import sale

LATER = timedelta(days=31)  # when every exposure of the tests is over


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def rows_of(browser: Client, report: str, chart: str, slug: str = "salon") -> list[list[str]]:
    """The file of one chart, without its head."""
    asked = {"format": "csv", "chart": chart}
    answer = browser.get(f"/biz/{slug}/analytics/{report}/", asked)
    text = answer.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))[1:]


def page_of(browser: Client, report: str, slug: str = "salon") -> str:
    answer = browser.get(f"/biz/{slug}/analytics/{report}/")
    assert answer.status_code == 200
    return answer.content.decode().replace("\u00a0", " ")


# --- segments of guests --------------------------------------------------------------------------
def bought(salon: Business, day: date) -> list[Bought]:
    """Six came once yesterday, three once 200 days ago, five once 40 days ago and then no more."""
    people = [(n, 1) for n in range(6)] + [(n, 200) for n in range(6, 9)]
    people += [(n, 40) for n in range(9, 14)]
    return [
        Bought(n + 1, n + 1, day - timedelta(days=ago), Decimal(1000), shop=salon.pk)
        for n, ago in people
    ]


def test_segments_of_guests_and_who_moved(owner: Client, salon: Business, facts: None) -> None:
    today, at = timezone.localdate(), timezone.now()
    put(bought(salon, today))
    assert "первый ещё впереди" in page_of(owner, "rfm")
    for ago in (31, 1):
        snapshot_rfm(business=salon, day=today - timedelta(days=ago), at=at)

    answer = owner.get("/biz/salon/analytics/rfm/")
    grid = answer.context["made"].blocks[0]
    cells = {name: [cell.text for cell in row] for name, row in grid.rows}

    assert rows_of(owner, "rfm", "segments") == [
        ["новые гости", "6", "42,9", "6000,00"],
        ["подающие надежды", "5", "35,7", "5000,00"],
        ["потерянные", "<5", "", ""],  # neither a share nor money of three guests
    ]
    assert cells["5 — недавно"][0] == "6"
    assert cells["4"][0] == "5"
    assert cells["1 — давно"][0] == "<5"
    assert "новые гости" in grid.rows[0][1][0].label
    assert grid.rows[0][1][0].url == "/biz/salon/members/?segment=new"
    assert grid.rows[0][1][4].url == ""  # nobody stands there
    assert rows_of(owner, "rfm", "moves") == [["новые гости", "подающие надежды", "5"]]


# --- partners ------------------------------------------------------------------------------------
def counted(*ways: tuple[Business, Business, str, int, int]) -> None:
    """(from, to, arm, guests, of them came) of a month ago, as the hourly job leaves them."""
    at = timezone.now()
    hour = (at - LATER).replace(minute=0, second=0, microsecond=0)
    money = [Decimal(0)] * 7
    rows = [
        [30, hour, start.pk, end.pk, arm, guests, came, 0, *money, at]
        for start, end, arm, guests, came in ways
    ]
    clickhouse.insert(figures.TABLE, figures.COLUMNS, rows, token=str(new_id()))


def test_win_win_with_partners_from_both_sides(
    owner: Client, salon: Business, cafe: Business, signed_in: SignedIn, facts: None
) -> None:
    shop = BusinessFactory(name="Скин", category="cosmetics")
    assert "Пока нет обмена клиентками" in page_of(owner, "winwin")
    counted(
        (salon, cafe, "treated", 400, 200),
        (salon, cafe, "control", 100, 10),
        (cafe, salon, "treated", 300, 90),
        (cafe, salon, "control", 100, 5),
        (salon, shop, "treated", 4, 3),
    )

    matrix = owner.get("/biz/salon/analytics/winwin/").context["made"].blocks[0]
    rows = dict(matrix.rows)

    index, out, back = rows["Лисичкино"]
    assert int(index.text) > 0
    assert (out.text, back.text) == ("50\u00a0%", "30\u00a0%")
    assert "200 из 400" in out.label
    assert (rows["Скин"][0].text, rows["Скин"][0].level) == ("", None)
    assert rows["Скин"][1].label.endswith("нет данных")
    ways = [row[:6] for row in rows_of(owner, "winwin", "ways")]
    assert ways[:2] == [
        ["Лисичкино", "от нас к ним", "400", "200", "50", "10"],
        ["Лисичкино", "от них к нам", "300", "90", "30", "5"],
    ]
    assert ways[2] == ["Скин", "от нас к ним", "<5", "<5", "", ""]


def test_a_clinic_is_seen_by_admins_in_groups_alone(
    person: Person, signed_in: SignedIn, salon: Business, facts: None
) -> None:
    clinic = BusinessFactory(slug="clinic", name="Жемчуг", category="dental")
    counted((salon, clinic, "treated", 40, 20), (clinic, salon, "treated", 40, 10))
    admin = signed_in(person("Ада", "Минина", phone="+79160000003", job="admin"))

    page = page_of(admin, "winwin", slug="clinic")

    assert "только для групп от десяти человек" in page
    assert [row[3] for row in rows_of(admin, "winwin", "ways", slug="clinic")] == ["10", "20"]


def test_ribbons_between_partners_and_their_table(
    owner: Client, salon: Business, cafe: Business, facts: None
) -> None:
    far = BusinessFactory(name="Очень длинное название студии")
    counted(
        (salon, cafe, "treated", 40, 30),
        (cafe, salon, "treated", 40, 10),
        (far, salon, "treated", 20, 2),
        (salon, far, "treated", 20, 0),
    )

    found = owner.get("/biz/salon/analytics/winwin/").context["made"].blocks
    [picture] = [block for block in found if block.key == "flows"]

    assert [(one.name, one.tone) for one in picture.ribbons] == [
        ("Лисичкино, 10", 1),
        ("Очень длинное …, <5", 1),
        ("Лисичкино, 30", 2),
    ]
    thick = [one.height for one in picture.ribbons]
    assert thick == [50.0, 10.0, 150.0]  # by the larger side: 30 guests are 150 high
    assert picture.ribbons[1].y == picture.ribbons[0].y + thick[0] + flows.GAP
    assert picture.height >= picture.ribbons[2].y + thick[2]
    assert picture.sentence == "Пришли от партнёров: 12, купили у партнёров: 30."
    assert rows_of(owner, "winwin", "flows") == [
        ["Лисичкино", "от них к нам", "40", "10"],
        ["Очень длинное название студии", "от них к нам", "20", "<5"],
        ["Лисичкино", "от нас к ним", "40", "30"],
    ]


@pytest.mark.parametrize(
    ("guests", "shown"),
    [(5, ["5", "5", "100", "7500,00", "2500,00"]), (2, ["<5", "<5", "", "", ""])],
)
def test_chains_that_bring_most_without_the_sums_of_a_few(
    owner: Client, salon: Business, cafe: Business, facts: None, guests: int, shown: list[str]
) -> None:
    chain(step(salon, cafe), name="Салон и ужин")
    for _n in range(guests):
        guest = UserFactory()
        sale(business=salon, member=guest)
        code = Coupon.objects.get(member=guest).code
        sale(business=cafe, member=guest, amount="2000", coupon_codes=[code])
    counted((salon, cafe, "treated", 40, 30))

    [row] = rows_of(owner, "winwin", "top-chains")

    assert row == ["Салон и ужин", *shown]


# --- bonuses -------------------------------------------------------------------------------------
def born_and_spent(business: Business, born: date) -> None:
    """1 000 bonuses of a day: 600 spent, 400 lapsed."""
    told = {
        "business_id": business.pk, "stream": "moved", "entry_id": 1, "lot_id": 1,
        "member": new_id(), "operation": "purchase", "src": "available", "dst": "spent",
        "amount": Decimal(600), "rate_bp": 10_000, "born_on": born,
        "expires_on": born + timedelta(days=30), "at": timezone.now(), "local_day": born, "version": 1,
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        told | {"stream": "born", "src": "", "dst": "available", "amount": Decimal(1000)},
        told | {"entry_id": 2},
        told | {"entry_id": 3, "dst": "expired", "amount": Decimal(400)},
    ]
    lines = [list(row.values()) for row in rows]
    clickhouse.insert("bonus_facts", tuple(told), lines, token=str(new_id()))


def test_what_became_of_the_bonuses_of_a_month(owner: Client, salon: Business, facts: None) -> None:
    assert "Непотраченных бонусов" in page_of(owner, "liability")
    sale(business=salon, amount="1000")
    assert rows_of(owner, "liability", "bonus-cohorts") == []
    born_and_spent(salon, date(2026, 3, 10))

    assert rows_of(owner, "liability", "bonus-cohorts") == [
        ["01.03.2026", "1000,00", "600,00", "400,00", "40,00"]
    ]


def test_how_far_guests_are_from_the_next_tier(owner: Client, salon: Business) -> None:
    """Ten insiders who paid 1 000 each; of two VIP guests no middle is told."""
    for n in range(12):
        guest = UserFactory(tier_code="insider" if n < 10 else "vip")
        sale(business=salon, member=guest, amount="1000")

    rows = rows_of(owner, "tiers", "distances")

    assert [row[:2] for row in rows] == [["Insider", "10"], ["VIP", "<5"]]
    threshold = StatusTier.objects.get(code="vip").threshold
    assert rows[0][2] == f"{threshold - 1000:.2f}".replace(".", ",")
    assert rows[1][2] == ""


# --- who may leave, and revenue ------------------------------------------------------------------
def test_how_the_forecast_came_true_stands_beside_the_new_one(
    owner: Client, salon: Business
) -> None:
    at = timezone.now()
    given = {"business": salon, "day": at.date(), "rows": 9, "computed_at": at}
    night = {
        "scored": 9, "bands": {"high": 5, "low": 4}, "reasons": {}, "expected_loss": "3000.00",
        "horizon": 45, "kind": "mbg",
    }  # fmt: skip
    came = {"asked": 20, "asked_came": 7, "held_out": 0, "held_out_came": 0}
    check = {"metrics": {"mean_probability": 0.31, "rate": 0.285}, "high_risk": came}
    Snapshot.objects.create(kind=Snapshot.Kind.CHURN, summary=night, **given)
    assert rows_of(owner, "leaving", "came-true") == []
    Snapshot.objects.create(kind=Snapshot.Kind.CHECK, summary=check, **given)

    rows = rows_of(owner, "leaving", "came-true")

    assert [row[1:] for row in rows] == [["31", "28,5"], ["", "35"], ["", ""]]


def test_weeks_stand_beside_the_weeks_before(owner: Client, salon: Business, facts: None) -> None:
    monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday())
    first, last = monday - timedelta(days=14), monday - timedelta(days=1)
    put(
        Bought(n, n, day, Decimal(money), shop=salon.pk)
        for n, (day, money) in enumerate(
            [(first, 100), (last, 300), (first - timedelta(days=1), 70)], start=1
        )
    )

    asked = {"from": first.isoformat(), "to": last.isoformat(), "by": "week"}
    made = owner.get("/biz/salon/analytics/revenue/", asked).context["made"]
    [chart] = [block for block in made.blocks if block.key == "revenue"]

    assert [row[:4] for row in chart.table.rows] == [
        [first + timedelta(days=7), Decimal("300.00"), 1, 1],
        [first, Decimal("100.00"), 1, 1],
    ]
    # The earlier of the two weeks before had no sales: the other one keeps its place.
    assert [row[-1] for row in chart.table.rows] == [Decimal("70.00"), Decimal("0.00")]
