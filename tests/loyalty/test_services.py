from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from apps.loyalty import queries, services
from apps.loyalty.models import Journal, Lot, Posting, Wallet
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db


def earn(member, business, paid="1000.00", *, at, key="k", posted_at=None):
    return services.earn_for_purchase(
        member=member,
        business=business,
        paid=Decimal(paid),
        key=key,
        occurred_at=at,
        posted_at=posted_at or at,
    )


@pytest.mark.parametrize(
    ("tier", "paid", "bonus"),
    [
        ("insider", "1234.55", "61.72"),
        ("vip", "1234.55", "86.41"),
        ("elite", "0.09", "0.00"),
        ("elite", "0.10", "0.01"),
        ("inner_circle", "99999999.99", "9999999.99"),
    ],
)
def test_bonus_by_tier_is_rounded_down(tier, paid, bonus, business):
    member = UserFactory(tier_code=tier)

    assert services.calculate_bonus(Decimal(paid), member, business) == Decimal(bonus)


def test_earning_fills_the_wallet_and_names_the_issuer(member, business, at):
    earned = earn(member, business, "1000.00", at=at)

    assert earned.amount == Decimal("50.00")
    assert queries.balance_of(member.pk, at=at).available == Decimal("50.00")
    lot = Lot.objects.get()
    assert (lot.issuer, lot.available, lot.pending) == (business, 5000, 0)
    assert queries.ledger_faults() == {}


def test_earning_twice_with_one_key_is_earning_once(member, business, at):
    first = earn(member, business, at=at)
    second = earn(member, business, at=at)

    assert second.journal_id == first.journal_id
    assert second.replayed
    assert Posting.objects.count() == 1


def test_a_key_of_another_operation_is_refused(member, business, at):
    earn(member, business, "1000.00", at=at)

    with pytest.raises(services.KeyReused):
        earn(member, business, "2000.00", at=at)


def test_a_purchase_of_zero_leaves_a_journal_row_and_no_lot(member, business, at):
    earned = earn(member, business, "0.00", at=at)

    assert earned.amount == Decimal("0.00")
    assert (Journal.objects.count(), Lot.objects.count()) == (1, 0)


def test_a_pending_bonus_wakes_when_its_day_comes(member, at):
    business = BusinessFactory(pending_days=14)
    earn(member, business, at=at)
    before = queries.balance_of(member.pk, at=at)

    early = services.wake_due(at=at + timedelta(days=13))
    due = services.wake_due(at=at + timedelta(days=14))

    assert (before.pending, before.available) == (Decimal("50.00"), Decimal("0.00"))
    assert (early, due) == (0, 1)
    assert queries.balance_of(member.pk, at=at).available == Decimal("50.00")


def test_spending_takes_the_nearest_expiry_first(member, business, at):
    earn(member, business, "1000.00", at=at, key="young")
    earn(member, business, "1000.00", at=at - timedelta(days=30), key="old", posted_at=at)

    services.spend_bonus(member=member, business=business, amount=Decimal("60.00"), key="s", at=at)

    old, young = Lot.objects.order_by("expires_at")
    assert (old.spent, young.spent) == (5000, 1000)
    assert (old.available, young.available) == (0, 4000)
    assert queries.ledger_faults() == {}


def test_spending_names_its_acceptor(member, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earn(member, salon, at=at)

    services.spend_bonus(member=member, business=cafe, amount=Decimal("10.00"), key="s", at=at)

    spent = Posting.objects.get(dst="spent")
    assert (spent.lot.issuer, spent.acceptor) == (salon, cafe)


def test_spending_more_than_there_is_changes_nothing(member, business, at):
    earn(member, business, at=at)

    with pytest.raises(services.InsufficientBonus) as refused, transaction.atomic():
        services.spend_bonus(
            member=member, business=business, amount=Decimal("50.01"), key="s", at=at
        )

    assert refused.value.details == {"available": "50.00"}
    assert queries.balance_of(member.pk, at=at).available == Decimal("50.00")
    assert not Journal.objects.filter(kind="spend").exists()


def test_a_lapsed_bonus_cannot_be_spent_however_late_the_job(member, business, at):
    earn(member, business, at=at)
    late = Lot.objects.get().expires_at

    with pytest.raises(services.InsufficientBonus), transaction.atomic():
        services.spend_bonus(
            member=member, business=business, amount=Decimal("0.01"), key="s", at=late
        )
    assert queries.balance_of(member.pk, at=late).available == Decimal("0.00")


def test_expiry_twice_is_expiry_once(member, business, at):
    earn(member, business, at=at)
    late = Lot.objects.get().expires_at

    first, second = services.expire_due(at=late), services.expire_due(at=late)

    assert (first, second) == (1, 0)
    assert Lot.objects.get().expired == 5000
    assert queries.ledger_faults() == {}


def test_the_last_moment_is_the_end_of_day_ninety_in_moscow(member, business):
    # 20:59:59 UTC is still 21 November in Moscow, a second later it is the 22nd.
    evening = datetime(2026, 11, 21, 20, 59, 59, tzinfo=UTC)
    earn(member, business, at=evening, key="a")
    earn(member, business, at=evening + timedelta(seconds=1), key="b")

    first, second = Lot.objects.order_by("id")
    assert first.expires_at == datetime(2027, 2, 19, 21, 0, tzinfo=UTC)
    assert second.expires_at == datetime(2027, 2, 20, 21, 0, tzinfo=UTC)


def test_history_is_signed_and_carries_the_balance_after(member, business, at):
    earn(member, business, "1000.00", at=at, key="a")
    services.spend_bonus(
        member=member,
        business=business,
        amount=Decimal("20.00"),
        key="s",
        at=at + timedelta(seconds=1),
    )
    earn(member, business, "100.00", at=at + timedelta(seconds=2), key="b")

    lines = queries.history_of(member.pk)

    assert [(line.type, line.amount, line.balance_after) for line in lines] == [
        ("earn", Decimal("5.00"), Decimal("35.00")),
        ("spend", Decimal("-20.00"), Decimal("30.00")),
        ("earn", Decimal("50.00"), Decimal("50.00")),
    ]


def test_money_paid_in_twelve_months_lifts_the_tier_after_the_crossing_purchase(
    member, business, at
):
    crossing = earn(member, business, "60000.00", at=at, key="a")
    services.update_status_tier(member, at=at)
    after = earn(member, business, "100.00", at=at, key="b")

    assert (crossing.rate_bp, after.rate_bp) == (500, 700)
    assert member.tier.code == "vip"


def test_elite_needs_two_partners(member, business, at):
    earn(member, business, "200000.00", at=at, key="a")
    alone = services.update_status_tier(member, at=at).code
    earn(member, BusinessFactory(), "1.00", at=at, key="b")
    together = services.update_status_tier(member, at=at).code

    assert (alone, together) == ("vip", "elite")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE loyalty_wallet SET available = available + 1", "moves by postings only"),
        ("UPDATE loyalty_lot SET available = 0, spent = amount", "moves by postings only"),
        ("UPDATE loyalty_posting SET amount = 1", "written once"),
        ("UPDATE loyalty_journal SET amount = 1", "written once"),
        ("DELETE FROM loyalty_posting", "written once"),
        ("DELETE FROM loyalty_journal", "written once"),
        ("DELETE FROM loyalty_lot", "written once"),
        ("DELETE FROM loyalty_wallet", "written once"),
    ],
)
def test_the_database_refuses_to_rewrite_the_books(statement, what, member, business, at):
    earn(member, business, at=at)

    with pytest.raises(IntegrityError, match=what), transaction.atomic(), connection.cursor() as c:
        c.execute(statement)


@pytest.mark.parametrize(
    ("src", "dst", "amount", "acceptor", "constraint"),
    [
        ("expired", "available", 1, False, "posting_arrow_is_legal"),
        ("pending", "spent", 1, True, "posting_arrow_is_legal"),
        ("available", "spent", 1, False, "acceptor_exactly_when_spent_is_touched"),
        ("available", "held", 1, True, "acceptor_exactly_when_spent_is_touched"),
        ("available", "held", 0, False, "posting_moves_something"),
        ("available", "held", 5001, False, "lot_boxes_not_negative"),
    ],
)
def test_the_database_refuses_nonsense_postings(
    src, dst, amount, acceptor, constraint, member, business, at
):
    earn(member, business, at=at)
    lot = Lot.objects.get()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Posting.objects.create(
            journal=lot.journal,
            lot=lot,
            src=src,
            dst=dst,
            amount=amount,
            acceptor=business if acceptor else None,
        )


def test_a_lot_is_born_pending_and_whole(member, business, at):
    earn(member, business, at=at)
    lot = Lot.objects.get()
    lot.pk, lot.pending, lot.available = None, 0, 5000

    with pytest.raises(IntegrityError, match="born with everything pending"), transaction.atomic():
        lot.save(force_insert=True)


def test_the_audit_names_a_broken_invariant(member, business, at):
    earn(member, business, at=at)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loyalty_wallet DISABLE TRIGGER USER")
        cursor.execute("UPDATE loyalty_wallet SET available = 1")

    assert queries.ledger_faults() == {"wallet differs from the sum of its lots": str(member.pk)}


def test_wallet_lock_outside_of_a_transaction_is_an_error(transactional_db, member):
    with pytest.raises(RuntimeError):
        services.lock_wallet(member.pk)


@pytest.mark.parametrize("rows", [1, 3])
def test_history_costs_one_statement_for_any_length(
    rows, member, business, at, django_assert_num_queries
):
    for n in range(rows):
        earn(member, business, at=at, key=str(n))

    with django_assert_num_queries(1):
        assert len(queries.history_of(member.pk)) == rows


def test_earning_costs_four_statements(member, business, at, django_assert_num_queries):
    earn(member, business, at=at, key="makes the wallet")

    with django_assert_num_queries(4):
        earn(member, business, at=at, key="k")
    assert Wallet.objects.get().available == 10_000


def test_a_late_receipt_earns_at_the_tier_of_its_day(member, business, at):
    before = at - timedelta(days=3)
    earn(member, business, "60000.00", at=at - timedelta(days=1), key="a")
    services.update_status_tier(member, at=at - timedelta(days=1))

    late = earn(member, business, "1000.00", at=before, key="late", posted_at=at)
    now = earn(member, business, "1000.00", at=at, key="now")

    assert (late.amount, now.amount) == (Decimal("50.00"), Decimal("70.00"))
    assert Journal.objects.get(pk=late.journal_id).rule["tier"] == "insider"
