"""Purchases a second through the set-based path: what an import and a back-fill of a CRM cost."""

import time
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.businesses.models import Business
from apps.core import audit, outbox
from apps.core.ids import new_id
from apps.core.models import AuditEntry
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from apps.transactions.services import SaleRow, bulk, record_purchase, record_purchases
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
BATCH, BATCHES, PEOPLE, SINGLE = 500, 10, 400, 60
GOAL = 1000  # purchases a second on 2 cores


@pytest.fixture(autouse=True)
def listeners_live_elsewhere() -> None:
    """What hears of sales is the worker's work. Here tasks run in the caller, so the bell of the
    outbox is rung already."""
    outbox.store.set(outbox.BELL, 1, timeout=600)


def rows_of(batch: int, members: list[Any]) -> list[SaleRow]:
    now = timezone.now()
    return [
        SaleRow(
            key=f"{batch}:{n}",
            member_id=members[(batch * 7 + n) % PEOPLE].pk,
            amount=Decimal(100 + n % 900),
            occurred_at=now - timedelta(days=n % 700, minutes=batch),
        )
        for n in range(BATCH)
    ]


def seconds(act: Callable[[], object]) -> tuple[float, float]:
    """(by the clock, of this process's CPU)."""
    started, before = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - started, time.process_time() - before


def test_purchases_a_second_at_once_and_one_by_one(capsys):
    business, members = BusinessFactory(), [UserFactory() for _ in range(PEOPLE)]

    def at_once(batch: int) -> tuple[float, float]:
        rows = rows_of(batch, members)
        return seconds(
            lambda: record_purchases(business=business, rows=rows, by=None, source="crm")
        )

    def one_by_one() -> None:
        for n, one in enumerate(rows_of(99, members)[:SINGLE]):
            record_purchase(
                business=business, member=members[n], amount=one.amount,
                occurred_at=one.occurred_at, by=None, key=one.key, source="crm",
            )  # fmt: skip

    took = [at_once(batch) for batch in range(BATCHES)]
    whole = BATCH * BATCHES / sum(clock for clock, _cpu in took)
    best = BATCH / min(clock for clock, _cpu in took)
    by_cpu = BATCH * BATCHES / sum(cpu for _clock, cpu in took)
    single = SINGLE / seconds(one_by_one)[0]

    with capsys.disabled():
        print(
            f"\nat once {whole:.0f} a second (best batch {best:.0f}, {by_cpu:.0f} by our CPU alone),"
            f" one by one {single:.0f}: ×{whole / single:.1f}"
        )
    assert Transaction.objects.count() == BATCH * BATCHES + SINGLE
    assert ledger_faults() == {}
    assert whole >= GOAL


def test_arrays_cost_less_than_the_orm(capsys):
    """Why sales and audit rows of a batch are written by column: our CPU for 500 rows, in ms."""
    business, members = BusinessFactory(), [UserFactory() for _ in range(PEOPLE)]
    record_purchases(business=business, rows=rows_of(0, members), by=None, source="crm")
    sales = list(Transaction.objects.all())
    ways = {"audit": (_audit_by_orm, _audit_by_column), "sales": (_sales_by_orm, _sales_by_column)}

    for name, (orm, column) in ways.items():
        spent = [
            min(_cpu(write, business, sales) for _ in range(9)) * 1000 for write in (orm, column)
        ]
        with capsys.disabled():
            print(f"\n{name}: ORM {spent[0]:.1f} ms, by column {spent[1]:.1f}", end="")
        assert spent[1] < spent[0]


def _cpu(write: Callable[..., None], business: Business, sales: list[Transaction]) -> float:
    fresh = []
    for sale in sales:
        one = copy(sale)
        one.pk = new_id()
        one.key = str(one.pk)
        fresh.append(one)
    with transaction.atomic():
        return seconds(lambda: write(business, fresh))[1]


def _audit_by_orm(business: Business, sales: list[Transaction]) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(
            action="bench",
            object_type="transaction",
            object_id=str(sale.pk),
            business_id=business.pk,
            digest=audit._digest({"amount": str(sale.amount)}),
        )
        for sale in sales
    )


def _audit_by_column(business: Business, sales: list[Transaction]) -> None:
    told = [(sale.pk, {"amount": str(sale.amount)}) for sale in sales]
    audit.record_machine("bench", "transaction", told, business_id=business.pk)


def _sales_by_orm(business: Business, sales: list[Transaction]) -> None:
    Transaction.objects.bulk_create(sales)


def _sales_by_column(business: Business, sales: list[Transaction]) -> None:
    bulk._insert(sales, business)
