from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction

from apps.loyalty import queries, services
from apps.loyalty.models import Debt, Hold, Lot, Posting
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db


def available(member, at):
    return queries.balance_of(member.pk, at=at).available


def test_a_hold_sets_bonuses_aside_and_a_capture_spends_part(member, business, at):
    earn(member, business, at=at)

    hold = services.hold_bonus(member=member, business=business, amount=D("40.00"), key="h", at=at)
    held = queries.balance_of(member.pk, at=at)
    services.capture_hold(hold_id=hold.pk, amount=D("30.00"), at=at)

    after = queries.balance_of(member.pk, at=at)
    assert (held.available, held.held) == (D("10.00"), D("40.00"))
    assert (after.available, after.held, after.spent) == (D("20.00"), D("0.00"), D("30.00"))
    assert queries.ledger_faults() == {}


def test_a_hold_resolves_once(member, business, at):
    earn(member, business, at=at)
    hold = services.hold_bonus(member=member, business=business, amount=D("40.00"), key="h", at=at)
    first = services.capture_hold(hold_id=hold.pk, amount=D("40.00"), at=at)

    again = services.capture_hold(hold_id=hold.pk, amount=D("40.00"), at=at)
    with pytest.raises(services.HoldResolved), transaction.atomic():
        services.release_hold(hold_id=hold.pk, at=at)
    with pytest.raises(services.HoldResolved), transaction.atomic():
        services.capture_hold(hold_id=hold.pk, amount=D("10.00"), at=at)

    assert (again.journal_id, again.replayed) == (first.journal_id, True)


def test_more_than_is_held_is_refused(member, business, at):
    earn(member, business, at=at)
    hold = services.hold_bonus(member=member, business=business, amount=D("40.00"), key="h", at=at)

    with pytest.raises(services.MoreThanHeld), transaction.atomic():
        services.capture_hold(hold_id=hold.pk, amount=D("40.01"), at=at)


def test_a_hold_times_out_and_can_no_longer_be_captured(member, business, at):
    earn(member, business, at=at)
    hold = services.hold_bonus(member=member, business=business, amount=D("40.00"), key="h", at=at)
    late = at + timedelta(minutes=15)

    with pytest.raises(services.HoldResolved), transaction.atomic():
        services.capture_hold(hold_id=hold.pk, amount=D("1.00"), at=late)
    released = (services.time_out_holds(at=late), services.time_out_holds(at=late))

    assert released == (1, 0)
    assert available(member, at) == D("50.00")
    assert Hold.objects.get().journal.resolved_by.get().rule == {"because": "expired"}


def test_what_lapsed_during_a_hold_expires_at_its_release(member, business, at):
    earn(member, business, at=at)
    lapse = Lot.objects.get().expires_at
    hold = services.hold_bonus(
        member=member,
        business=business,
        amount=D("40.00"),
        key="h",
        at=lapse - timedelta(minutes=1),
    )

    services.release_hold(hold_id=hold.pk, at=lapse)

    lot = Lot.objects.get()
    assert (lot.expired, lot.available, lot.held) == (4000, 1000, 0)


def test_a_refund_goes_back_to_the_same_lots_latest_expiry_first(member, business, at):
    earn(member, business, at=at, key="young")
    earn(member, business, at=at - timedelta(days=30), key="old", posted_at=at)
    before = list(Lot.objects.order_by("id").values())
    spent = services.spend_bonus(
        member=member, business=business, amount=D("80.00"), key="s", at=at
    )

    services.refund_spend(journal_id=spent.journal_id, amount=D("30.00"), key="r1", at=at)
    old, young = Lot.objects.order_by("expires_at")
    assert (young.spent, old.spent) == (0, 5000)

    services.refund_spend(journal_id=spent.journal_id, amount=D("50.00"), key="r2", at=at)
    assert list(Lot.objects.order_by("id").values()) == before
    assert queries.ledger_faults() == {}


def test_no_more_is_refunded_than_was_spent(member, business, at):
    earn(member, business, at=at)
    spent = services.spend_bonus(
        member=member, business=business, amount=D("40.00"), key="s", at=at
    )
    services.refund_spend(journal_id=spent.journal_id, amount=D("30.00"), key="r", at=at)

    with pytest.raises(services.MoreThanSpent) as refused, transaction.atomic():
        services.refund_spend(journal_id=spent.journal_id, amount=D("10.01"), key="r2", at=at)

    assert refused.value.details == {"left": "10.00"}


def test_a_refund_of_lapsed_bonuses_expires_them(member, business, at):
    earn(member, business, at=at)
    spent = services.spend_bonus(
        member=member, business=business, amount=D("40.00"), key="s", at=at
    )
    late = Lot.objects.get().expires_at

    services.refund_spend(journal_id=spent.journal_id, amount=D("40.00"), key="r", at=late)

    assert (Lot.objects.get().expired, available(member, late)) == (4000, D("0.00"))


@pytest.mark.parametrize("parts", [["1234.55"], ["0.01", "1234.54"], ["411.51"] * 3 + ["0.02"]])
def test_any_split_of_a_return_takes_the_same_total(parts, member, business, at):
    earned = earn(member, business, "1234.55", at=at)

    taken = [
        services.claw_back(journal_id=earned.journal_id, returned=D(part), key=str(n), at=at).amount
        for n, part in enumerate(parts)
    ]

    assert sum(taken) == earned.amount
    assert available(member, at) == D("0.00")
    assert queries.ledger_faults() == {}


def test_no_more_money_is_returned_than_was_paid(member, business, at):
    earned = earn(member, business, "1000.00", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("600.00"), key="1", at=at)

    with pytest.raises(services.MoreThanPaid) as refused, transaction.atomic():
        services.claw_back(journal_id=earned.journal_id, returned=D("400.01"), key="2", at=at)
    assert refused.value.details == {"left": "400.00"}


def test_a_return_after_spending_leaves_a_debt_paid_by_the_next_accrual(member, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(member, salon, "1000.00", at=at, key="a")
    services.spend_bonus(member=member, business=cafe, amount=D("50.00"), key="s", at=at)

    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)
    owed = Debt.objects.get()
    assert (owed.creditor, owed.amount, owed.repaid) == (salon, 5000, 0)
    earn(member, cafe, "1400.00", at=at, key="b")

    owed.refresh_from_db()
    assert owed.repaid == 5000
    assert available(member, at) == D("20.00")
    # the café's bonuses were accepted by the salon: the café owes it
    paid = Posting.objects.get(debt=owed)
    assert (paid.lot.issuer, paid.acceptor) == (cafe, salon)
    assert queries.ledger_faults() == {}


def test_a_repayment_is_not_undone_by_returning_what_triggered_it(member, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(member, salon, "1000.00", at=at, key="a")
    spent = services.spend_bonus(member=member, business=cafe, amount=D("50.00"), key="s", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)

    services.refund_spend(journal_id=spent.journal_id, amount=D("50.00"), key="f", at=at)

    # what came back paid the debt at once, and can be refunded no second time
    assert (available(member, at), Debt.objects.get().repaid) == (D("0.00"), 5000)
    with pytest.raises(services.MoreThanSpent), transaction.atomic():
        services.refund_spend(journal_id=spent.journal_id, amount=D("0.01"), key="f2", at=at)


def test_expired_bonuses_are_forgiven_in_a_return(member, business, at):
    earned = earn(member, business, "1000.00", at=at)
    late = Lot.objects.get().expires_at
    services.expire_due(at=late)

    services.claw_back(journal_id=earned.journal_id, returned=D("400.00"), key="1", at=late)
    services.claw_back(journal_id=earned.journal_id, returned=D("600.00"), key="2", at=late)

    assert not Debt.objects.exists()
    assert queries.ledger_faults() == {}


def test_one_statement_repays_many_debts_from_many_lots(member, at):
    salons = [BusinessFactory() for _ in range(3)]
    cafe = BusinessFactory()
    earned = [earn(member, s, "1000.00", at=at, key=f"a{n}") for n, s in enumerate(salons)]
    services.spend_bonus(member=member, business=cafe, amount=D("150.00"), key="s", at=at)
    for n, one in enumerate(earned):
        services.claw_back(journal_id=one.journal_id, returned=D("1000.00"), key=f"r{n}", at=at)

    for n in range(4):
        earn(member, cafe, "700.00", at=at, key=f"b{n}")  # 35 each, 140 together

    debts = list(Debt.objects.order_by("id").values_list("repaid", flat=True))
    assert debts == [5000, 5000, 4000]
    assert available(member, at) == D("0.00")
    assert queries.ledger_faults() == {}
