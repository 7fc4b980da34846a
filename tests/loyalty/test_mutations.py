"""Every guard of the ledger is needed: drop it, and something wrong gets through.

The list of guards comes from PostgreSQL's catalogue, so that a new constraint, unique key or
trigger without an attack fails here. DDL is transactional: each test rolls its mutation back.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.loyalty import rules, services
from apps.loyalty.queries import ledger_faults
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db
TABLES = (
    "wallet", "journal", "lot", "posting", "debt", "settled", "statement", "statementline", "claim",
)  # fmt: skip
CATALOGUE = """
SELECT conname, conrelid::regclass::text, 'constraint' FROM pg_constraint
WHERE conrelid = ANY(%(tables)s::regclass[]) AND (contype IN ('c', 'u')
      OR (contype = 'p' AND conrelid = 'loyalty_settled'::regclass))
UNION ALL
SELECT indexrelid::regclass::text, indrelid::regclass::text, 'index' FROM pg_index
WHERE indrelid = ANY(%(tables)s::regclass[]) AND indisunique
  AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
UNION ALL
SELECT tgname, tgrelid::regclass::text, 'trigger' FROM pg_trigger
WHERE tgrelid = ANY(%(tables)s::regclass[]) AND NOT tgisinternal
"""
JOURNAL = """
INSERT INTO loyalty_journal (id, wallet_id, kind, scope, key, body_hash, business_id, ref_id,
                             amount, paid, rule, occurred_at, posted_at)
SELECT gen_random_uuid(), wallet_id, {kind}, 'attack', {key}, '', business_id, {ref},
       {amount}, 0, '{{}}', now(), now()
FROM loyalty_journal WHERE kind = 'earn' ORDER BY posted_at LIMIT 1
"""
LOT = """
INSERT INTO loyalty_lot (wallet_id, issuer_id, journal_id, amount, pending, available, held, spent,
                         expired, revoked, clawed, rate_bp, activates_at, expires_at)
SELECT wallet_id, issuer_id, journal_id, {amount}, {pending}, 0, 0, 0, 0, 0, 0, 10000, now(),
       now() + interval '1 day'
FROM loyalty_lot ORDER BY id LIMIT 1
"""
POSTING = """
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id)
SELECT journal_id, id, {src}, {dst}, {amount}, {acceptor}
FROM loyalty_lot WHERE available > 0 ORDER BY id LIMIT 1
"""
DEBT = """
INSERT INTO loyalty_debt (wallet_id, creditor_id, journal_id, lot_id, amount, repaid)
SELECT wallet_id, issuer_id, journal_id, id, 5, {repaid} FROM loyalty_lot ORDER BY id LIMIT 1
"""
LINE = "UPDATE loyalty_statementline SET "


def journal(kind="'earn'", key="gen_random_uuid()::text", ref="NULL", amount="0") -> str:
    return JOURNAL.format(kind=kind, key=key, ref=ref, amount=amount)


def posting(src="'available'", dst="'expired'", amount="1", acceptor="NULL::uuid") -> str:
    return POSTING.format(src=src, dst=dst, amount=amount, acceptor=acceptor)


def bare(table: str, change: str) -> str:
    """A change that no trigger sees: what a fault in a trigger would write."""
    off = f"ALTER TABLE loyalty_{table} DISABLE TRIGGER USER"
    return f"{off}; UPDATE loyalty_{table} SET {change}"


def claim(creditor="creditor_id", kind="kind", amount="5") -> str:
    return (
        "INSERT INTO loyalty_claim (debtor_id, creditor_id, kind, amount, ref, recorded_at)"
        f" SELECT debtor_id, {creditor}, {kind}, {amount}, ref, now() FROM loyalty_claim"
    )


A_HOLD = "(SELECT id FROM loyalty_journal WHERE kind = 'hold' LIMIT 1)"
# Guard → what only this guard refuses.
REFUSED = {
    "wallet_never_negative": bare("wallet", "available = -1"),
    "wallet_born": "INSERT INTO loyalty_wallet SELECT id, 0, 5, 0, 0 FROM accounts_user"
    " WHERE id NOT IN (SELECT member_id FROM loyalty_wallet) LIMIT 1",
    "wallet_never_deleted": "DELETE FROM loyalty_wallet WHERE member_id NOT IN"
    " (SELECT wallet_id FROM loyalty_journal WHERE wallet_id IS NOT NULL)",
    "wallet_moved_by_postings": "UPDATE loyalty_wallet SET available = available + 1",
    "one_effect_per_key": f"{journal(key="'same'")}; {journal(key="'same'")}",
    "hold_resolves_once": f"{journal(kind="'capture'", ref=A_HOLD)};"
    f" {journal(kind="'release'", ref=A_HOLD)}",
    "journal_kind_known": journal(kind="'theft'"),
    "journal_sums_not_negative": journal(amount="-1"),
    "journal_written_once": "UPDATE loyalty_journal SET amount = amount + 1",
    "lot_boxes_not_negative": bare("lot", "pending = pending - 9999, available = available + 9999"),
    "lot_boxes_sum_to_amount": bare("lot", "available = available + 1"),
    "lot_issues_something": LOT.format(amount="0", pending="0"),
    "lot_clawed_at_most_issued": bare("lot", "clawed = amount + 1"),
    "lot_wakes_before_it_lapses": bare("lot", "expires_at = activates_at"),
    "lot_never_deleted": "DELETE FROM loyalty_lot WHERE id NOT IN (SELECT lot_id FROM loyalty_posting)",
    "lot_moved_by_postings": "UPDATE loyalty_lot SET rate_bp = 1",
    "posting_moves_something": posting(amount="0"),
    "posting_arrow_is_legal": posting(dst="'pending'"),
    "acceptor_exactly_when_spent_is_touched": posting(dst="'spent'"),
    "posting_written_once": "UPDATE loyalty_posting SET amount = amount + 1",
    "debt_repaid_within_owed": bare("debt", "repaid = amount + 1"),
    "debt_never_deleted": "DELETE FROM loyalty_debt WHERE repaid = 0",
    "debt_moved_by_postings": "UPDATE loyalty_debt SET amount = amount + 1",
    "loyalty_settled_pkey": "INSERT INTO loyalty_settled SELECT * FROM loyalty_settled",
    "settled_written_once": "UPDATE loyalty_settled SET statement_id = statement_id",
    "settled_leaves_by_dispute": "DELETE FROM loyalty_settled",
    "settled_touches_spent": "INSERT INTO loyalty_settled SELECT p.id, s.id"
    " FROM loyalty_posting p, loyalty_statement s WHERE p.acceptor_id IS NULL LIMIT 1",
    "one_statement_per_month": "INSERT INTO loyalty_statement"
    " SELECT gen_random_uuid(), month, closed_at FROM loyalty_statement",
    "statement_month_is_its_first_day": "INSERT INTO loyalty_statement"
    " VALUES (gen_random_uuid(), '2020-02-02', now())",
    "statement_written_once": "UPDATE loyalty_statement SET closed_at = closed_at",
    "one_line_per_pair": "INSERT INTO loyalty_statementline (id, statement_id, debtor_id,"
    " creditor_id, kind, bonuses, amount, postings, digest, dispute_reason) SELECT gen_random_uuid(),"
    " statement_id, debtor_id, creditor_id, kind, 0, 0, 0, '', '' FROM loyalty_statementline",
    "disputed_line_says_who_and_why": f"{LINE} disputed_at = now()",
    "dispute_comes_from_the_pair": f"{LINE} disputed_at = now(), dispute_reason = 'no', disputed_by_id"
    " = (SELECT id FROM businesses_business WHERE is_network)",
    "agreed_line_is_not_disputed": f"{LINE} disputed_at = now(), dispute_reason = 'no',"
    " disputed_by_id = debtor_id, debtor_confirmed_at = now(), creditor_confirmed_at = now()",
    "line_keeps_sums": f"{LINE} amount = amount + 1",
    "line_never_deleted": "DELETE FROM loyalty_statementline",
    "line_kind_known": "INSERT INTO loyalty_statementline (id, statement_id, debtor_id, creditor_id,"
    " kind, bonuses, amount, postings, digest, dispute_reason) SELECT gen_random_uuid(),"
    " statement_id, debtor_id, creditor_id, 'gift', 0, 0, 0, '', '' FROM loyalty_statementline LIMIT 1",
    "claim_is_not_zero": claim(amount="0"),
    "claim_is_between_two": claim(creditor="debtor_id"),
    "claim_kind_known": claim(kind="'bonus'"),
    "claim_never_deleted": "DELETE FROM loyalty_claim",
    "claim_leaves_by_dispute": "UPDATE loyalty_claim SET statement_id = NULL",
}
# Trigger → what only this trigger carries on, so that the nightly audit stays clean.
CARRIED = {
    "posting_applies": posting(),
    "lot_born": LOT.format(amount="5", pending="5"),
    "debt_born": DEBT.format(repaid=0),
}


def guards() -> dict[str, tuple[str, str]]:
    """Name → (table, kind), those of plain column types left aside."""
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE, {"tables": [f"loyalty_{name}" for name in TABLES]})
        found = {name: (table, kind) for name, table, kind in cursor.fetchall()}
    # Django's own check of a PositiveIntegerField: it guards a type, not a rule of the ledger.
    return {name: found[name] for name in found if not name.endswith("_check")}


@pytest.fixture
def world(db: None) -> datetime:
    """A bit of everything: open lots, a hold, a debt, a closed statement, a person without."""
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=9)
    salon, cafe = BusinessFactory(), BusinessFactory(pending_days=20)
    member, debtor = UserFactory(), UserFactory()
    UserFactory()
    for one, key in ((member, "a"), (debtor, "b")):
        posted = services.earn_for_purchase(
            member=one, business=salon, paid=Decimal(1000), key=key, occurred_at=at, posted_at=at
        )
    services.spend_bonus(member=debtor, business=cafe, amount=Decimal(50), key="s", at=at)
    services.claw_back(journal_id=posted.journal_id, returned=Decimal(1000), key="c", at=at)
    services.hold_bonus(member=member, business=cafe, amount=Decimal(5), key="h", at=at)
    services.earn_for_purchase(
        member=member, business=cafe, paid=Decimal(500), key="p", occurred_at=at, posted_at=at
    )
    services.lock_wallets({UserFactory().pk})  # an empty wallet
    shared = services.Owed(salon.pk, cafe.pk, "discount", Decimal(30))
    services.claim(owed=[shared], ref=uuid4(), at=at)
    services.close_month(month=first, by=None, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return at


def outcome(attack: str, *, without: tuple[str, str, str] | None = None) -> str:
    """refused, faulty (the audit sees it) or clean."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                if without:
                    cursor.execute(dropping(*without))
                cursor.execute(attack)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            result = "faulty" if ledger_faults() else "clean"
            transaction.set_rollback(True)
    except DatabaseError:
        return "refused"
    return result


def dropping(name: str, table: str, kind: str) -> str:
    return {
        "constraint": f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE",
        "index": f"DROP INDEX {name}",
        "trigger": f"DROP TRIGGER {name} ON {table}",
    }[kind]


def test_every_guard_has_an_attack():
    assert guards().keys() == REFUSED.keys() | CARRIED.keys()


def test_attacks_are_refused_by_their_own_guard_alone(world):
    left = {}
    for name, attack in REFUSED.items():
        before = outcome(attack)
        after = outcome(attack, without=(name, *guards()[name]))
        if before != "refused" or after == "refused":
            left[name] = (before, after)

    assert left == {}


def test_without_a_trigger_the_audit_finds_a_fault(world):
    found = {
        name: (outcome(attack), outcome(attack, without=(name, *guards()[name])))
        for name, attack in CARRIED.items()
    }

    assert found == dict.fromkeys(CARRIED, ("clean", "faulty"))
