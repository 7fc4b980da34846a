"""Discounts and fees of coupons are settled with the bonuses of the month."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.coupons import tasks
from apps.coupons.models import Charge, Coupon
from apps.coupons.queries import charge_fault
from apps.coupons.services import return_for_sale
from apps.crosspromo.services import undo_chain_trigger
from apps.loyalty import rules, services, settlement_queries
from apps.loyalty.models import Claim, StatementLine, Terms
from apps.loyalty.queries import ledger_faults
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import chain, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def salon():
    return BusinessFactory(name="Миндаль")


@pytest.fixture
def cafe():
    return BusinessFactory(name="Лисичкино", category="gastro")


@pytest.fixture
def used(salon, cafe, member):
    """A guest of the salon used her coupon of 501 ₽ in the café: both pay a half, and the café a
    fee of 30. (the purchase that brought it, the one it was used on)"""
    half = ((salon.pk, 50), (cafe.pk, 50))
    chain(step(salon, cafe, funders=half, fee=Decimal(30), value=Decimal(501)))
    first = sale(business=salon, member=member, amount="1000")
    code = Coupon.objects.get(member=member).code
    return first, sale(business=cafe, member=member, amount="2000", coupon_codes=[code])


def months():
    """This month and the next: (first day, the moment of its close)."""
    first = timezone.localtime().date().replace(day=1)
    end = rules.month_bounds(first)[1]
    following = timezone.localtime(end, rules.MOSCOW).date()
    return (first, end), (following, rules.month_bounds(following)[1])


def lines(month, at):
    """(who owes, to whom, for what) → ₽, and the sum of all nets."""
    matrix = settlement_queries.matrix_of(month, at=at)
    told = {
        (one.debtor.name, one.creditor.name, one.kind): one.amount
        for one in matrix.lines
        if one.counts
    }
    return told, sum(net.net for net in matrix.nets)


def close(month, at):
    return services.close_month(month=month, by=None, at=at)


def test_a_discount_and_a_fee_stand_in_the_statement_beside_bonuses(used, salon, cafe, member):
    (month, at), _next = months()
    services.spend_bonus(
        member=member, business=cafe, amount=Decimal(20), key="s", at=timezone.now()
    )
    draft = lines(month, at)
    close(month, at)

    assert lines(month, at) == draft
    assert draft == (
        {
            ("Миндаль", "Лисичкино", "bonus"): Decimal("20.00"),
            ("Миндаль", "Лисичкино", "discount"): Decimal("250.50"),
            ("Лисичкино", "Миндаль", "fee"): Decimal("30.00"),
        },
        Decimal("0.00"),
    )
    nets = {one.business.name: one.net for one in settlement_queries.matrix_of(month, at=at).nets}
    assert nets == {"Миндаль": Decimal("-240.50"), "Лисичкино": Decimal("240.50")}
    assert (ledger_faults(), charge_fault()) == ({}, "")


def test_a_use_taken_back_next_month_is_owed_the_other_way(used):
    (month, at), (following, later) = months()
    close(month, at)
    return_for_sale(sale_id=used[1].pk, amount_left=Decimal(0), by=None, at=at + timedelta(days=1))
    close(following, later)

    assert lines(following, later) == (
        {
            ("Миндаль", "Лисичкино", "discount"): Decimal("-250.50"),
            ("Лисичкино", "Миндаль", "fee"): Decimal("-30.00"),
        },
        Decimal("0.00"),
    )
    assert (ledger_faults(), charge_fault()) == ({}, "")


def test_a_cost_that_moves_is_settled_where_it_went(used):
    (month, at), _next = months()
    undo_chain_trigger(sale_id=used[0].pk, at=timezone.now())
    close(month, at)

    told, total = lines(month, at)
    assert told["Миндаль", "Лисичкино", "discount"] == Decimal("501.00")
    assert (total, charge_fault()) == (0, "")


def test_a_disputed_discount_moves_and_bonuses_stay(used, salon, cafe, member):
    services.spend_bonus(
        member=member, business=cafe, amount=Decimal(20), key="s", at=timezone.now()
    )
    (month, at), (following, later) = months()
    close(month, at)
    line = StatementLine.objects.get(kind="discount")

    services.dispute_line(
        line_id=line.pk, business=salon, by=None, reason="такой скидки не было", at=at
    )

    assert settlement_queries.claims_of(line.pk) == []
    assert set(lines(month, at)[0].values()) == {Decimal("20.00"), Decimal("30.00")}
    assert ledger_faults() == {}
    close(following, later)
    assert lines(following, later) == (
        {("Миндаль", "Лисичкино", "discount"): Decimal("250.50")},
        Decimal("0.00"),
    )
    carried = StatementLine.objects.get(statement__month=following)
    [claim] = settlement_queries.claims_of(carried.pk)
    assert (carried.carried, claim.amount) == (line, Decimal("250.50"))
    assert ledger_faults() == {}


def test_what_is_owed_for_discounts_counts_against_a_limit(used, salon):
    services.refresh_exposure(at=timezone.now())

    assert Terms.objects.get(business=salon).payable == Decimal("250.50")


def test_the_audit_sees_a_discount_that_nobody_was_told_of(used, caplog):
    tasks.audit()
    assert "audit_failed" not in caplog.text
    Charge.objects.filter(kind="fee").update(amount=31)

    tasks.audit()

    assert "coupons.audit_failed" in caplog.text
    assert Claim.objects.count() == 2
