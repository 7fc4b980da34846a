"""Many sales at once: the same books as one by one."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.core.errors import Refused
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from apps.transactions.services import SaleRow, record_purchases
from tests.factories.accounts import UserFactory

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
