"""The role that the application has in production, made by the statements of operations.md."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.core.ids import new_id
from apps.loyalty import rules, services
from apps.loyalty.models import StatementLine
from apps.loyalty.queries import ledger_faults
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
PAGE = Path(settings.BASE_DIR) / "docs" / "operations.md"
ROLE = "svoykrug_app_of_a_test"


def documented_grants() -> str:
    """The block that an operator runs after every `migrate`."""
    page = PAGE.read_text()
    [block] = re.findall(r"After every `migrate`.*?```sql\n(.*?)```", page, re.S)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        name = cursor.fetchone()[0]
    block = re.sub(r"ON DATABASE svoykrug\b", f'ON DATABASE "{name}"', block)
    return block.replace("svoykrug_app", ROLE)


@pytest.fixture
def as_application(db: None) -> Iterator[None]:
    """The rest of the test signs in as the application; the role goes with its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("These servers were made without CREATEROLE: `make clean` makes new ones.")
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(f"GRANT {ROLE} TO current_user")
        cursor.execute(documented_grants())
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def test_every_operation_works_with_select_and_insert(as_application):
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=9)
    salon, cafe, member = BusinessFactory(), BusinessFactory(), UserFactory()
    sale(member=member, business=salon, amount="5000.00", occurred_at=at)
    earned = services.earn_for_purchase(
        member=member, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    spent = services.spend_bonus(
        member=member, business=cafe, amount=Decimal(40), key="s", at=at, posted_at=at
    )
    services.refund_spend(journal_id=spent.journal_id, amount=Decimal(5), key="r", at=at)
    hold = services.hold_bonus(member=member, business=cafe, amount=Decimal(9), key="h", at=at)
    services.capture_hold(hold_id=hold.pk, amount=Decimal(4), at=at)
    services.claw_back(journal_id=earned.journal_id, returned=Decimal(1000), key="c", at=at)
    shared = services.Owed(salon.pk, cafe.pk, "discount", Decimal(30))
    services.claim(owed=[shared], ref=new_id(), at=at)
    services.refresh_exposure(at=at)
    services.wake_due(at=at)
    services.expire_due(at=at + timedelta(days=400))
    services.close_month(month=first, by=None, at=timezone.now())
    for line in StatementLine.objects.filter(debtor=salon, creditor=cafe):
        services.confirm_line(line_id=line.pk, business=salon, by=None, at=timezone.now())
        services.dispute_line(
            line_id=line.pk, business=cafe, by=None, reason="сумма не сходится", at=timezone.now()
        )

    assert ledger_faults() == {}


@pytest.mark.parametrize("table", ["journal", "posting", "lot", "debt", "statement", "claim"])
@pytest.mark.parametrize(
    "verb",
    ["UPDATE loyalty_{} SET id = id", "DELETE FROM loyalty_{}", "TRUNCATE loyalty_{} CASCADE"],
)
def test_the_books_cannot_be_rewritten(table, verb, as_application):
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb.format(table))


@pytest.mark.parametrize(
    "way_round",
    [
        "ALTER TABLE loyalty_posting DISABLE TRIGGER USER",
        "DROP TRIGGER posting_written_once ON loyalty_posting",
        "SET session_replication_role = replica",
        "UPDATE loyalty_settled SET statement_id = statement_id",
        "DELETE FROM loyalty_statementline",
    ],
)
def test_guards_cannot_be_taken_away(way_round, as_application):
    with (
        pytest.raises(DatabaseError, match="permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(way_round)
