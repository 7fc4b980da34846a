"""Goods come back: sums telescope, bonuses follow, nobody returns what is not hers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.services import ReasonMissing
from apps.core.errors import NotFound
from apps.core.models import Message
from apps.loyalty.queries import balance_of, expiring_of, ledger_faults
from apps.loyalty.services import hold_bonus
from apps.transactions import services
from apps.transactions.models import Refund, Spending, Transaction
from apps.transactions.queries import ledger_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale
from tests.threads import race

pytestmark = pytest.mark.django_db


def available(member):
    return balance_of(member.pk, at=timezone.now()).available


def give_back(one, amount=None, *, by=None, key="r", reason="брак, вернула гостья", at=None):
    return services.refund_purchase(
        sale=one,
        amount=Decimal(amount) if amount else None,
        reason=reason,
        by=by,
        key=key,
        at=at or timezone.now(),
    )


@pytest.fixture
def paid_with_bonuses(member, business):
    """2000 ₽, of them 500 with bonuses; earned 75."""
    sale(member=member, business=business, amount="10000.00")  # 500 bonuses
    at = timezone.now()
    hold = hold_bonus(member=member, business=business, amount=Decimal(500), key="h", at=at)
    spend = services.Spend(code=hold.code)
    return sale(member=member, business=business, amount="2000.00", spend=spend)


def test_a_whole_return_restores_everything(member, paid_with_bonuses):
    assert (paid_with_bonuses.to_pay, paid_with_bonuses.bonus_accrued) == (1500, 75)
    ladder = expiring_of(member.pk, at=timezone.now())

    refund = give_back(paid_with_bonuses)

    assert (refund.money, refund.bonus_returned, refund.bonus_taken) == (1500, 500, 75)
    assert refund.bonus_owed == 0
    assert available(member) == 500
    assert [day for day, _ in expiring_of(member.pk, at=timezone.now())] == [ladder[0][0]]
    assert Transaction.objects.get(pk=paid_with_bonuses.pk).status == "refunded"
    fact = Message.objects.get(topic="PurchaseRefunded").payload
    assert (fact["money"], fact["bonus_taken"], fact["bonus_returned"]) == (
        "1500.00",
        "75.00",
        "500.00",
    )
    assert ledger_faults() == {}


@pytest.mark.parametrize("parts", [["0.01"], ["333.33", "333.33"], ["0.07"] * 9, ["1999.99"]])
def test_however_it_is_split_the_sums_are_the_same(member, paid_with_bonuses, parts):
    for number, part in enumerate(parts):
        give_back(paid_with_bonuses, part, key=f"r{number}")
    give_back(paid_with_bonuses, key="last")

    rows = Refund.objects.filter(transaction=paid_with_bonuses)
    totals = [
        sum(getattr(r, f) for r in rows)
        for f in ("amount", "money", "bonus_returned", "bonus_taken")
    ]
    assert totals == [2000, 1500, 500, 75]
    assert available(member) == 500
    assert ledger_faults() == {}


def test_the_same_key_is_the_same_return(paid_with_bonuses):
    first = give_back(paid_with_bonuses, "100.00")
    again = give_back(paid_with_bonuses, "100.00")

    assert first.pk == again.pk
    assert Refund.objects.count() == 1
    with pytest.raises(services.RefundKeyReused):
        give_back(paid_with_bonuses, "200.00")


def test_more_than_is_left_is_refused_with_the_number(paid_with_bonuses):
    give_back(paid_with_bonuses, "1500.00")

    with pytest.raises(services.MoreThanLeft) as refused:
        give_back(paid_with_bonuses, "500.01", key="r2")
    assert "500.00" in str(refused.value)
    give_back(paid_with_bonuses, key="r3")
    with pytest.raises(services.NothingLeft):
        give_back(paid_with_bonuses, key="r4")


def test_bonuses_that_were_spent_meanwhile_are_owed(member, business):
    first = sale(member=member, business=business, amount="1000.00")  # 50
    hold = hold_bonus(
        member=member, business=business, amount=Decimal(50), key="h", at=timezone.now()
    )
    sale(member=member, business=business, amount="200.00", spend=services.Spend(code=hold.code))

    said = services.quote_refund(sale=first, amount=None, by=None, at=timezone.now())
    refund = give_back(first)

    # 7.50 of the second sale were there and are taken at once
    assert (refund.bonus_taken, refund.bonus_owed) == (Decimal(50), Decimal("42.50"))
    assert (said.bonus_taken, said.bonus_owed) == (refund.bonus_taken, refund.bonus_owed)
    assert [row.type for row in ledger_of(first)] == ["earn", "clawback"]
    assert ledger_faults() == {}


def test_a_quote_of_a_return_writes_nothing(paid_with_bonuses, owner):
    services.quote_refund(sale=paid_with_bonuses, amount=None, by=owner, at=timezone.now())

    assert not Refund.objects.exists()
    assert Transaction.objects.get(pk=paid_with_bonuses.pk).returned == 0


def test_staff_undo_their_own_for_five_minutes(member, business, staff):
    one = sale(member=member, business=business, by=staff)
    at = one.recorded_at

    with pytest.raises(services.UndoLate):
        give_back(one, by=staff, at=at + timedelta(minutes=5, seconds=1))
    with pytest.raises(services.UndoLate):  # a part is a return, not an undoing
        give_back(one, "1.00", by=staff, at=at)
    with pytest.raises(services.UndoLate):
        give_back(one, by=staff_of(business), at=at)
    refund = give_back(one, by=staff, at=at + timedelta(minutes=5), reason="")

    assert refund.is_undo
    assert available(member) == 0


def test_an_owner_returns_at_any_time_with_a_reason(member, business, staff, owner):
    one = sale(member=member, business=business, by=staff)
    later = one.recorded_at + timedelta(days=400)

    with pytest.raises(ReasonMissing):
        give_back(one, by=owner, at=later, reason="мало")
    with pytest.raises(NotFound):
        give_back(one, by=staff_of(BusinessFactory(), role="business_owner"), at=later)

    assert not give_back(one, by=owner, at=later).is_undo


def test_a_free_sale_has_nothing_to_return(member, business):
    with pytest.raises(services.NothingLeft):
        give_back(sale(member=member, business=business, amount="0.00"))


@pytest.mark.django_db(transaction=True)
def test_twenty_returns_at_once_give_back_once():
    member, business = UserFactory(), BusinessFactory()
    one = sale(member=member, business=business)

    race(20, lambda n: give_back(one, key=f"r{n}"))

    assert Refund.objects.count() == 1
    assert available(member) == 0
    assert ledger_faults() == {}
    assert not Spending.objects.exists()
