from decimal import Decimal

import pytest
from django.utils import timezone

from apps.loyalty import queries, services
from apps.loyalty.models import Journal
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale
from tests.threads import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_forty_double_spends_have_one_success(member, business):
    sale(member=member, business=business, amount="2000.00")
    at = timezone.now()

    outcomes = race(
        40,
        lambda n: services.spend_bonus(
            member=member, business=business, amount=Decimal("60.00"), key=f"s{n}", at=at
        ),
    )

    won = [outcome for outcome in outcomes if isinstance(outcome, services.Posted)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, services.InsufficientBonus)]
    assert (len(won), len(lost)) == (1, 39)
    assert queries.balance_of(member.pk, at=at).available == Decimal("40.00")
    assert queries.ledger_faults() == {}


def test_forty_replays_of_one_key_have_one_effect(member, business):
    sale(member=member, business=business, amount="2000.00")
    at = timezone.now()

    outcomes = race(
        40,
        lambda n: services.spend_bonus(
            member=member, business=business, amount=Decimal("10.00"), key="same", at=at
        ),
    )

    assert len({outcome.journal_id for outcome in outcomes}) == 1
    assert sum(outcome.replayed for outcome in outcomes) == 39
    assert Journal.objects.filter(kind="spend").count() == 1
    assert queries.balance_of(member.pk, at=at).available == Decimal("90.00")


def test_earning_spending_and_expiry_together_keep_the_books_true(member, business):
    cafe = BusinessFactory()
    sale(member=member, business=business, amount="10000.00")
    at = timezone.now()

    def work(n):
        if n % 3 == 0:
            return services.expire_due(at=at)
        if n % 3 == 1:
            return sale(member=member, business=business, amount="100.00", key=f"k{n}")
        return services.spend_bonus(
            member=member, business=cafe, amount=Decimal("1.00"), key=f"s{n}", at=at
        )

    outcomes = race(24, work)

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert queries.balance_of(member.pk, at=timezone.now()).available == Decimal("532.00")
    assert queries.ledger_faults() == {}
