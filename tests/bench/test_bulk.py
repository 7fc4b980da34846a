"""Purchases a second through the set-based path: what an import and a back-fill of a CRM cost."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from apps.transactions.services import SaleRow, record_purchase, record_purchases
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
BATCH, BATCHES, PEOPLE = 500, 10, 400
GOAL = 1000  # purchases a second on 2 cores


def test_purchases_a_second_at_once_and_one_by_one(capsys):
    business, members, now = (
        BusinessFactory(),
        [UserFactory() for _ in range(PEOPLE)],
        timezone.now(),
    )

    def rows(batch: int) -> list[SaleRow]:
        return [
            SaleRow(
                key=f"{batch}:{n}",
                member_id=members[(batch * 7 + n) % PEOPLE].pk,
                amount=Decimal(100 + n % 900),
                occurred_at=now - timedelta(days=n % 700, minutes=batch),
            )
            for n in range(BATCH)
        ]

    best = 0.0
    for batch in range(BATCHES):
        given, started = rows(batch), time.perf_counter()
        record_purchases(business=business, rows=given, by=None, source="crm")
        best = max(best, BATCH / (time.perf_counter() - started))
    started = time.perf_counter()
    for n, one in enumerate(rows(99)[:60]):
        record_purchase(
            business=business, member=members[n], amount=one.amount, occurred_at=one.occurred_at,
            by=None, key=one.key, source="crm",
        )  # fmt: skip
    single = 60 / (time.perf_counter() - started)

    with capsys.disabled():
        print(f"\nat once {best:.0f} a second, one by one {single:.0f}: ×{best / single:.1f}")
    assert Transaction.objects.count() == BATCH * BATCHES + 60
    assert ledger_faults() == {}
    assert best >= GOAL
