"""Many sales at once: the same books as one by one."""

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Refused
from apps.loyalty import services
from apps.loyalty.models import Terms
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from apps.transactions.services import (
    Item,
    SaleKeyReused,
    SaleRow,
    bulk,
    record_purchase,
    record_purchases,
    sales,
)
from tests.data.cdnow import Unobtainable, sample_csv
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale
from tests.threads import race
from tests.transactions.books import books

DAY = datetime(2026, 3, 5, 9, tzinfo=UTC)


def row(member, key: str, amount: str = "100.00", at: datetime = DAY) -> SaleRow:
    return SaleRow(key=key, member_id=member.pk, amount=Decimal(amount), occurred_at=at)


@pytest.mark.django_db
def test_answers_stand_in_the_order_of_the_rows(business):
    anna, vera = UserFactory(), UserFactory()
    rows = [
        row(anna, "a"),
        row(vera, "b", "9000000.00"),  # over the limit of one sale
        row(vera, "c"),
        row(anna, "a"),
        row(anna, "a", "5.00"),  # another sale under a used key
    ]

    answers = record_purchases(business=business, rows=rows, by=None, source="crm")
    again = record_purchases(business=business, rows=rows, by=None, source="crm")

    assert [answer.key for answer in answers] == ["a", "b", "c", "a", "a"]
    assert [answer.is_new for answer in answers] == [True, False, True, False, False]
    assert [isinstance(answer.refused, Refused) for answer in answers] == [
        False, True, False, False, True,
    ]  # fmt: skip
    assert [answer.is_new for answer in again] == [False] * 5
    assert [answer.sale_id for answer in again] == [answer.sale_id for answer in answers]
    assert Transaction.objects.count() == 2
    assert ledger_faults() == {}


@pytest.mark.django_db
def test_key_that_somebody_takes_meanwhile_refuses_its_row_alone(business, monkeypatch):
    """Between our look at the keys and our writing another member's sale took one of them."""
    anna, vera, other = UserFactory(), UserFactory(), UserFactory()
    real = bulk._plain_rows

    def meanwhile(batch):
        monkeypatch.setattr(bulk, "_plain_rows", real)
        sale(business=business, member=other, key="a", amount="70.00")
        return real(batch)

    monkeypatch.setattr(bulk, "_plain_rows", meanwhile)

    rows = [row(anna, "a"), row(vera, "b")]
    taken, done = record_purchases(business=business, rows=rows, by=None, source="crm")

    assert isinstance(taken.refused, SaleKeyReused)
    assert (done.is_new, done.refused) == (True, None)
    keys = Transaction.objects.order_by("key").values_list("key", "member")
    assert list(keys) == [("a", other.pk), ("b", vera.pk)]
    assert ledger_faults() == {}


@pytest.mark.django_db
def test_key_that_is_taken_while_the_wallet_is_waited_for_is_refused(business, monkeypatch):
    """The other sale was not to be seen yet when the key was looked up."""
    sale(business=business, key="a")
    monkeypatch.setattr(sales, "_twin", lambda business, key: None)

    with pytest.raises(SaleKeyReused):
        sale(business=business, key="a")

    assert Transaction.objects.count() == 1
    assert ledger_faults() == {}


# --- equal row for row ---------------------------------------------------------------------------
def both_ways(business, rows, *, source="import") -> None:
    """The same rows at once and one by one, from the same world: equal books."""
    found = []
    for at_once in (True, False):
        with transaction.atomic():
            if at_once:
                answers = record_purchases(business=business, rows=rows, by=None, source=source)
                told = [(answer.key, answer.refused is None) for answer in answers]
            else:
                told = [one_by_one(business, row, source) for row in rows]
            assert ledger_faults() == {}
            found.append((told, books()))
            transaction.set_rollback(True)
    (told, at_once), (also_told, one_at_a_time) = found
    assert told == also_told
    for part, written in at_once.items():
        assert written == one_at_a_time[part], part


def one_by_one(business, row: SaleRow, source: str) -> tuple[str, bool]:
    member = User.objects.select_related("tier").get(pk=row.member_id)
    try:
        with transaction.atomic():
            record_purchase(
                business=business, member=member, amount=row.amount, occurred_at=row.occurred_at,
                by=None, key=row.key, source=source, receipt_number=row.receipt_number,
                items=row.items,
            )  # fmt: skip
    except Refused:
        return row.key, False
    return row.key, True


def in_debt(member, business) -> None:
    """She spent what she then had to give back."""
    at = timezone.now() - timedelta(days=1)
    earned = services.earn_for_purchase(
        member=member, business=business, paid=Decimal(500), key=f"d{member.pk}",
        occurred_at=at, posted_at=at,
    )  # fmt: skip
    services.spend_bonus(
        member=member, business=business, amount=Decimal(20), key=f"d{member.pk}", at=at
    )
    services.claw_back(
        journal_id=earned.journal_id, returned=Decimal(500), key=f"d{member.pk}", at=at
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]
)
def test_random_batches_make_the_same_books(seed):
    """Promotions in the middle, late receipts, debts, repeats, refusals, zero sums."""
    chance = random.Random(seed)
    business = BusinessFactory(
        pending_days=chance.choice([0, 0, 14]), category=chance.choice(["salon", "dental"])
    )
    members = [
        UserFactory(tier_code=chance.choice(["insider", "insider", "vip"])) for _ in range(12)
    ]
    far = BusinessFactory()
    for member in members[:3]:
        in_debt(member, far)
    for member in members[3:6]:  # promoted last month: older receipts earn by the tier of their day
        sale(member=member, business=far, amount="70000", occurred_at=timezone.now())
    now = timezone.now()
    rows = []
    for n in range(80):
        item = Item(name="Крем", category="care", quantity=Decimal(1), price=Decimal(10))
        key = f"k{n}" if chance.random() > 0.05 or n == 0 else f"k{chance.randrange(n)}"
        amount = chance.choice(["0.00", "99.99", "1234.55", "25000.00", "61000.00", "2000000.00"])
        rows.append(
            SaleRow(
                key=key,
                member_id=chance.choice(members).pk,
                amount=Decimal(amount),
                occurred_at=now - timedelta(days=chance.randrange(800), hours=chance.randrange(24)),
                receipt_number=f"R{n}",
                items=[item] if chance.random() < 0.3 else [],
            )
        )

    both_ways(business, rows)


@pytest.mark.django_db
@pytest.mark.parametrize("stop", ["refuse", "reserve"])
def test_an_issuer_without_deposit_is_stopped_both_ways(stop, business):
    Terms.objects.create(business=business, mode="prepaid", when_over=stop, stop=stop)
    members = [UserFactory() for _ in range(4)]

    both_ways(business, [row(members[n % 4], f"k{n}") for n in range(12)])


@pytest.mark.django_db
def test_plain_rows_cost_the_same_for_any_number(business):
    members = [UserFactory() for _ in range(30)]

    def asked(count: int) -> int:
        rows = [row(members[n % 30], f"{count}:{n}") for n in range(count)]
        with CaptureQueriesContext(connection) as statements:
            record_purchases(business=business, rows=rows, by=None, source="crm")
        return len(statements)

    asked(31)
    assert asked(400) == asked(30) <= 20


@pytest.mark.django_db(transaction=True)
def test_batches_that_share_members_wait_and_agree():
    members, business = [UserFactory() for _ in range(8)], BusinessFactory()

    def batch(n: int) -> int:
        mixed = random.Random(n).sample(range(40), 40)
        rows = [row(members[k % 8], f"k{k}") for k in mixed]
        answers = record_purchases(business=business, rows=rows, by=None, source="crm")
        return sum(answer.is_new for answer in answers)

    outcomes = race(8, batch)

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert (sum(outcomes), Transaction.objects.count()) == (40, 40)
    assert ledger_faults() == {}


@pytest.mark.slow
@pytest.mark.django_db
def test_cdnow_makes_the_same_books_both_ways(business):
    """6,919 real purchases of 2,357 customers, in batches and one by one."""
    try:
        path = sample_csv()
    except Unobtainable as reason:
        pytest.skip(str(reason))
    with path.open(encoding="utf-8") as file:
        bought = list(csv.DictReader(file))
    members = {phone: UserFactory(phone=phone) for phone in {one["phone"] for one in bought}}
    rows = [
        row(
            members[one["phone"]],
            one["receipt_number"],
            one["amount"],
            datetime.fromisoformat(one["occurred_at"]).replace(tzinfo=UTC),
        )
        for one in bought
    ]

    both_ways(business, rows)
