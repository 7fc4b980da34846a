"""The nightly audit finds what no guard stopped, and says the first row that shows it."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
import structlog
from django.db import connection

from apps.loyalty import queries, rules, services, tasks
from apps.loyalty.models import Lot, Statement, StatementLine
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db

# Fault → what would write it if the guards were gone.
FAULTS = {
    "lot boxes do not sum to its amount": """
        ALTER TABLE loyalty_lot DROP CONSTRAINT lot_boxes_not_negative;
        UPDATE loyalty_lot SET pending = -1, available = available + 1""",
    "lot boxes differ from the fold of their postings": """
        UPDATE loyalty_lot SET available = available - 1, expired = expired + 1""",
    "wallet differs from the sum of its lots": "UPDATE loyalty_wallet SET held = held + 1",
    "a posting stands in two statements": """
        ALTER TABLE loyalty_settled DROP CONSTRAINT loyalty_settled_pkey;
        INSERT INTO loyalty_settled SELECT * FROM loyalty_settled""",
    "a line of a statement differs from its postings": """
        UPDATE loyalty_statementline SET bonuses = bonuses + 1""",
    "money of a statement is not what its bonuses are worth": """
        UPDATE loyalty_statementline SET amount = amount + 1""",
    "statements and what waits are not all that was spent": "DELETE FROM loyalty_statementline",
}


@pytest.fixture
def closed(member, business, at):
    """A month with one spending across partners, closed; another spending waits."""
    cafe = BusinessFactory()
    earn(member, business, at=at)
    for key, moment in (("a", at), ("b", at + timedelta(days=32))):
        services.spend_bonus(member=member, business=cafe, amount=D("10.00"), key=key, at=moment)
    services.close_month(
        month=rules.month_before(at + timedelta(days=32)), by=None, at=at + timedelta(days=32)
    )
    assert StatementLine.objects.get().bonuses == 1000


def spoil(statement):
    """Write it as nobody can: past all triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # a table with checks to come is not altered
        for table in ("lot", "wallet", "posting", "settled", "statementline"):
            cursor.execute(f"ALTER TABLE loyalty_{table} DISABLE TRIGGER USER")
        cursor.execute(statement)


def test_true_books_have_no_faults(closed):
    assert queries.ledger_faults() == {}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_and_its_row_named(name, closed):
    spoil(FAULTS[name])

    found = queries.ledger_faults()

    lot, statement = Lot.objects.get(), Statement.objects.get()
    line = StatementLine.objects.first()
    rows = {str(one) for one in (lot.pk, lot.wallet_id, lot.issuer_id, statement.pk)}
    rows |= {str(line.pk)} if line else set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT posting_id::text FROM loyalty_settled")
        rows |= {row[0] for row in cursor.fetchall()}
    assert found[name] in rows


def test_a_fault_is_an_error_in_the_log_with_its_first_row(closed):
    spoil(FAULTS["wallet differs from the sum of its lots"])

    with structlog.testing.capture_logs() as log:
        tasks.audit()

    [said] = log
    assert (said["event"], said["log_level"]) == ("loyalty.audit_failed", "error")
    assert said["faults"] == {
        "wallet differs from the sum of its lots": str(Lot.objects.get().wallet_id)
    }
