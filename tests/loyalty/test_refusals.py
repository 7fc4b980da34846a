"""What the services of the ledger refuse by themselves, whoever calls them, and what they repeat."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import transaction

from apps.core.errors import Forbidden, NotFound
from apps.loyalty import queries, services
from apps.loyalty.enums import Kind
from apps.loyalty.models import Debt, Hold, StatementLine
from apps.loyalty.services import books, debts
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.offers import offer_of
from tests.loyalty.test_services import earn

NOTHING = [D("0.00"), D("-0.01")]


def test_locks_are_taken_inside_of_a_transaction_only():
    for lock in (
        lambda: books.lock_wallet(uuid4()),
        lambda: books.lock_wallets({uuid4()}),
        lambda: books.lock_wallet_of(uuid4(), Kind.HOLD),
    ):
        with pytest.raises(RuntimeError, match="open one first"):
            lock()


@pytest.mark.django_db
@pytest.mark.parametrize("amount", NOTHING)
def test_an_operation_moves_something(amount, member, business, at):
    earn(member, business, at=at)
    friend, key = UserFactory(), "k"
    hold = services.hold_bonus(member=member, business=business, amount=D("1.00"), key="h", at=at)
    common = {"member": member, "business": business, "amount": amount, "key": key, "at": at}

    for ask in (
        lambda: services.spend_bonus(**common),
        lambda: services.hold_bonus(**common),
        lambda: services.hold_deposit(**common, until=at + timedelta(days=1)),
        lambda: services.capture_hold(hold_id=hold.pk, amount=amount, at=at),
        lambda: services.refund_spend(journal_id=hold.pk, amount=amount, key=key, at=at),
        lambda: services.give(sender=member, receiver=friend, amount=amount, key=key, at=at),
    ):
        with pytest.raises(services.BonusInvalid), transaction.atomic():
            ask()

    assert queries.ledger_faults() == {}


@pytest.mark.django_db
def test_what_does_not_exist_is_not_found(at):
    for ask in (
        lambda: services.capture_hold(hold_id=uuid4(), amount=D("1.00"), at=at),
        lambda: services.release_hold(hold_id=uuid4(), at=at),
        lambda: services.refund_spend(journal_id=uuid4(), amount=D("1.00"), key="r", at=at),
    ):
        with pytest.raises(NotFound), transaction.atomic():
            ask()


@pytest.mark.django_db
def test_the_same_key_is_the_same_operation(member, business, at):
    earn(member, business, at=at)
    common = {"member": member, "business": business, "amount": D("10.00"), "at": at}
    until = at + timedelta(days=30)

    holds = [services.hold_bonus(**common, key="h").pk for _ in range(2)]
    deposits = [services.hold_deposit(**common, key="d", until=until) for _ in range(2)]
    spent = services.spend_bonus(**common, key="s").journal_id
    back = [
        services.refund_spend(journal_id=spent, amount=D("4.00"), key="r", at=at) for _ in range(2)
    ]

    assert len(set(holds)) == len(set(deposits)) == 1
    assert Hold.objects.get(pk=deposits[0]).expires_at == until
    assert (back[0].journal_id, back[1].replayed) == (back[1].journal_id, True)
    balance = queries.balance_of(member.pk, at=at)
    assert (balance.held, balance.available) == (D("20.00"), D("24.00"))


@pytest.mark.django_db
def test_what_is_left_of_a_hold_repays_a_debt_once(member, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(member, salon, "1000.00", at=at, key="a")
    hold = services.hold_bonus(member=member, business=cafe, amount=D("50.00"), key="h", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)

    done = services.capture_hold(hold_id=hold.pk, amount=D("20.00"), at=at)
    with transaction.atomic():
        books.lock_wallets({member.pk})
        again = debts.repay(member_id=member.pk, because=done.journal_id, at=at)

    owed = Debt.objects.get()
    assert (owed.amount, owed.repaid, again) == (5000, 3000, 0)
    with pytest.raises(services.HoldResolved), transaction.atomic():
        services.capture_hold(hold_id=hold.pk, amount=D("60.00"), at=at)
    assert queries.ledger_faults() == {}


@pytest.mark.django_db
def test_bonuses_that_wake_repay_a_debt(member, at):
    salon, cafe = BusinessFactory(), BusinessFactory(pending_days=3)
    earned = earn(member, salon, "1000.00", at=at, key="a")
    services.spend_bonus(member=member, business=cafe, amount=D("50.00"), key="s", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)
    earn(member, cafe, "1400.00", at=at, key="b")
    asleep = Debt.objects.get().repaid

    services.wake_due(at=at + timedelta(days=4))

    assert (asleep, Debt.objects.get().repaid) == (0, 5000)
    assert queries.ledger_faults() == {}


@pytest.mark.django_db
def test_terms_are_changed_by_who_may(business, at):
    admin, member = UserFactory(job="admin"), UserFactory()

    for changes, by in (({"credit_limit": 1}, member), ({"member_id": 1}, admin)):
        with pytest.raises(Forbidden), transaction.atomic():
            services.change_terms(business=business, changes=changes, by=by, reason="да", at=at)
    with pytest.raises(Forbidden), transaction.atomic():
        services.begin_run_off(business=business, by=member, reason="уходит", at=at)
    assert not StatementLine.objects.exists()


@pytest.mark.django_db
def test_a_capture_that_is_repeated_too_late_is_the_first_one(member, business, at):
    earn(member, business, at=at)
    hold = services.hold_bonus(member=member, business=business, amount=D("5.00"), key="h", at=at)
    first = services.capture_hold(hold_id=hold.pk, amount=D("5.00"), at=at)

    again = services.capture_hold(hold_id=hold.pk, amount=D("5.00"), at=at + timedelta(days=1))

    assert (again.journal_id, again.replayed) == (first.journal_id, True)


@pytest.mark.django_db
def test_nobody_is_plain_while_an_offer_runs(member, business, at):
    bought = [(member, D("100.00"), at)]
    before = services.plain_members(business=business, purchases=bought, at=at)
    offer_of(business)

    assert set(before) == {member.pk}
    assert services.plain_members(business=business, purchases=bought, at=at) == {}
