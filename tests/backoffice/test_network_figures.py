"""What the network's report and the suggestions say once chains were measured."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.models import Snapshot
from apps.backoffice.pages.control.platform import platform
from apps.businesses.models import Business
from apps.coupons.models import Coupon
from apps.crosspromo import widgets
from apps.crosspromo.services import generate_recommendations
from tests.backoffice.conftest import SignedIn
from tests.backoffice.test_reports import counted
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import chain, step
from tests.factories.transactions import sale


@pytest.fixture
def measured(salon: Business, cafe: Business, facts: None) -> tuple[Business, Business]:
    """Both gain much; a third partner has too few guests to say anything of."""
    counted(
        (salon, cafe, "treated", 400, 200),
        (salon, cafe, "control", 100, 10),
        (cafe, salon, "treated", 400, 200),
        (cafe, salon, "control", 100, 10),
        (salon, BusinessFactory(name="Скин", category="cosmetics"), "treated", 4, 3),
    )
    return salon, cafe


def blocks(desk: Client) -> dict[str, Any]:
    made = desk.get("/control/reports/").context["made"]
    return {block.key: block for block in made.blocks if hasattr(block, "key")}


def test_the_report_names_who_gains_and_which_chains_bring(
    desk: Client, measured: tuple[Business, Business]
) -> None:
    salon, cafe = measured
    chain(step(salon, cafe), name="Салон и ужин")
    guest = UserFactory()
    sale(business=salon, member=guest)
    code = Coupon.objects.get(member=guest).code
    sale(business=cafe, member=guest, amount="2000", coupon_codes=[code])

    found = blocks(desk)

    gains = [[name, value > 0] for name, value in found["gains"].table.rows]
    assert gains == [["Лисичкино", True], ["Миндаль", True]]
    assert [row[:3] for row in found["top-chains"].table.rows] == [["Салон и ужин", 1, 1]]


def test_the_matrix_has_no_number_where_guests_are_few(
    measured: tuple[Business, Business],
) -> None:
    salon, cafe = measured

    good, few = widgets.win_win(salon)
    gain = widgets.shared_gain()

    assert {good["a"], good["b"]} == {"Миндаль", "Лисичкино"}
    assert good["low"] <= good["index"] <= good["high"]
    assert good["sample"] == 800
    assert [(one["exposed"], one["came"]) for one in (good["ab"], good["ba"])] == [(400, 200)] * 2
    assert (few["index"], few["low"], few["high"], few["verdict"]) == (None, None, None, "few")
    assert (gain["partners"], gain["gini"]) == (2, 0.0)  # both have one and the same pair
    assert widgets.win_win(None)[0] == good


def test_a_suggestion_says_what_was_measured_and_who_is_crowded(
    salon: Business, cafe: Business, facts: None, olga: User, signed_in: SignedIn
) -> None:
    guests = [UserFactory() for _n in range(24)]
    for number, guest in enumerate(guests):
        sale(business=salon if number < 12 else cafe, member=guest)
    sale(business=cafe, member=guests[0])
    counted((salon, cafe, "treated", 40, 30), (salon, cafe, "control", 40, 4))

    found = {(one.sender, one.receiver): one for one in generate_recommendations()}
    page = signed_in(olga).get("/biz/salon/chains/ideas/").content.decode()

    there, back = found[salon, cafe], found[cafe, salon]
    assert (there.measured, back.measured) == (True, False)
    assert 0 <= there.low < there.high <= 100
    assert any("лишних гостей" in reason for reason in there.reasons)
    assert not any("лишних гостей" in reason for reason in back.reasons)
    assert any("Москва" in reason for reason in back.reasons)
    assert "Лисичкино" in page
    assert there.reasons[1] in page


def test_the_report_says_whether_facts_agree_with_the_books(facts: None) -> None:
    at = timezone.now() - timedelta(hours=3)
    notes = platform().notes
    for left in (0, 2):
        Snapshot.objects.update_or_create(
            kind=Snapshot.Kind.RECONCILED, day=at.date(),
            defaults={
                "rows": 0, "computed_at": at, "summary": {"found": 2, "left": left, "rebuilt": 0},
            },
        )  # fmt: skip
        notes += platform().notes

    assert [note.partition(",")[0] for note in notes] == [
        "Факты ещё не сверены с книгами.",
        "Факты сходятся с книгами",
        "Факты расходятся с книгами",
    ]


def test_without_the_store_and_any_picture_the_report_says_so(
    desk: Client, settings: Any, salon: Business
) -> None:
    settings.CLICKHOUSE = settings.CLICKHOUSE | {"embedded": False, "url": "http://127.0.0.1:1/x"}

    answer = desk.get("/control/reports/")

    assert answer.status_code == 200
    assert answer.context["made"].failed
