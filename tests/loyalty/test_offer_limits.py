"""Limits of offers after a return, and what is told of a budget that nears its end."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from apps.core.facts import OfferBudgetLow
from apps.core.models import Message
from apps.loyalty import queries, services
from apps.loyalty.models import Counter
from tests.factories.accounts import UserFactory
from tests.factories.offers import offer_of
from tests.loyalty.test_services import earn
from tests.threads import race

pytestmark = pytest.mark.django_db


def used(offer, suffix: str = "") -> int:
    return Counter.objects.get(scope=f"offer:{offer.pk}{suffix}").used


@pytest.mark.parametrize("parts", [["1000"], ["300", "700"], ["0.01", "333.33", "666.66"]])
def test_what_is_returned_is_free_to_be_given_again(parts, member, business, at):
    """Any split of a return frees the same room; the uses of others stay counted."""
    offer = offer_of(business, budget=D("80"), cap_day=D("80"), cap_member=D("75"))
    mine = f":member:{member.pk}"
    earn(UserFactory(), business, "100", at=at, key="other")
    bought = earn(member, business, "1000", at=at, key="bought")
    assert (used(offer), used(offer, ":day"), used(offer, mine)) == (5500, 5500, 5000)

    for n, part in enumerate(parts):
        services.claw_back(journal_id=bought.journal_id, returned=D(part), key=f"c{n}", at=at)

    assert (used(offer), used(offer, ":day"), used(offer, mine)) == (500, 500, 0)
    assert earn(member, business, "1000", at=at, key="again").amount == D("100.00")
    assert queries.ledger_faults() == {}


def test_a_return_replayed_frees_nothing_more(member, business, at):
    offer = offer_of(business, budget=D("80"))
    bought = earn(member, business, "1000", at=at)

    for _ in range(2):
        services.claw_back(journal_id=bought.journal_id, returned=D("400"), key="c", at=at)

    assert used(offer) == 3000


def test_a_limit_that_did_not_count_the_purchase_is_not_freed(member, business, at):
    """Written into a later version, it never knew of it."""
    offer = offer_of(business, budget=D("80"))
    bought = earn(member, business, "1000", at=at, key="bought")
    services.edit_offer(offer_id=offer.pk, changes={"cap_member": D("60")}, by=None, at=at)
    earn(member, business, "1000", at=at + timedelta(minutes=1), key="second")

    services.claw_back(journal_id=bought.journal_id, returned=D("1000"), key="c", at=at)

    assert (used(offer), used(offer, f":member:{member.pk}")) == (3000, 3000)


@pytest.mark.django_db(transaction=True)
def test_sales_and_returns_at_once_neither_wait_for_each_other_nor_lose_a_kopeck(business, at):
    offer = offer_of(business, budget=D("1000"), cap_day=D("1000"), cap_member=D("500"))
    people = [UserFactory() for _ in range(6)]
    bought = [earn(one, business, "100", at=at, key=f"b{n}") for n, one in enumerate(people)]

    def act(n: int) -> object:
        if n % 2:
            return services.claw_back(
                journal_id=bought[n // 2].journal_id, returned=D(100), key=f"c{n}", at=at
            )
        return earn(people[n // 2], business, "60", at=at, key=f"n{n}")

    outcomes = race(12, act)

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert used(offer) == used(offer, ":day") == 6 * 300
    assert queries.ledger_faults() == {}


def test_a_budget_that_nears_its_end_is_told_once(member, business, at):
    offer = offer_of(business, budget=D("100"))

    for n in range(5):
        earn(member, business, "420", at=at, key=str(n))  # 21 of the offer each

    [told] = [one.payload for one in Message.objects.filter(topic=OfferBudgetLow.topic())]
    assert (told["offer_id"], told["used"], told["budget"]) == (str(offer.pk), "84.00", "100.00")
    assert (told["business_id"], told["name"]) == (str(business.pk), offer.version.name)
