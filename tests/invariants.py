"""The invariants I1 to I12 of the product, asked of whatever database this process is connected to.

One home: faults, kills and storms all end with `broken()`. An empty answer means that the books
are true. What the nightly audit already asks is asked by the same statements.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.analytics.services import reconciling
from apps.core import audit_chain
from apps.core.outbox import listeners
from apps.loyalty import settlement_sql, sql

EVER = date(2020, 1, 1)


def _first(statement: str, values: dict[str, Any] | None = None) -> str:
    """The first column of the first row, as words; empty when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or {})
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def ledger_is_balance() -> str:
    return _first(sql.AUDITS["wallet differs from the sum of its lots"]) or _first(
        sql.AUDITS["lot boxes differ from the fold of their postings"]
    )


def boxes_cancel_out() -> str:
    """Double entry: what a lot's boxes hold is what was issued, so all accounts sum to zero."""
    return _first("""
        SELECT 'issued ' || issued || ', held by all sides ' || held FROM (
            SELECT coalesce(sum(amount), 0) AS issued,
                   coalesce(sum(pending + available + l.held + spent + expired + revoked), 0) AS held
            FROM loyalty_lot l
        ) sums WHERE issued <> held
    """)


def nobody_below_zero() -> str:
    return _first("""
        SELECT member_id::text FROM loyalty_wallet
        WHERE least(pending, available, held, debt) < 0 LIMIT 1
    """)


def lots_are_whole() -> str:
    return _first(sql.AUDITS["lot boxes do not sum to its amount"])


def one_effect_per_key() -> str:
    """A key that was answered has exactly one sale, return, gift or hold behind it."""
    return _first("""
        SELECT 'sale ' || key FROM transactions_transaction GROUP BY business_id, key
        HAVING count(*) > 1
        UNION ALL
        SELECT 'journal ' || scope || ' ' || key FROM loyalty_journal GROUP BY scope, key
        HAVING count(*) > 1
        UNION ALL
        SELECT 'answer ' || key FROM core_idempotencykey GROUP BY actor, route, key
        HAVING count(*) > 1
        UNION ALL
        SELECT 'answered sales ' || answered || ', made ' || made FROM (
            SELECT (SELECT count(*) FROM core_idempotencykey
                    WHERE route = 'POST /api/v1/transactions'
                      AND created_at > now() - interval '23 hours') AS answered,
                   (SELECT count(*) FROM transactions_transaction WHERE source = 'api'
                      AND recorded_at > now() - interval '23 hours') AS made
        ) both_sides WHERE answered <> made
        LIMIT 1
    """)


def seats_fit() -> str:
    """Nobody sits twice, nobody without a seat, and no more than there are."""
    return _first("""
        SELECT 'seats of ' || e.id FROM events_event e
        JOIN events_seat s ON s.event_id = e.id
        WHERE NOT s.over_limit AND NOT s.leaving
        GROUP BY e.id, e.capacity HAVING count(s.registration_id) > e.capacity
        UNION ALL
        SELECT 'registration ' || r.id FROM events_eventregistration r
        LEFT JOIN events_seat s ON s.registration_id = r.id
        JOIN events_event e ON e.id = r.event_id AND e.capacity > 0
        WHERE r.state IN ('confirmed', 'attended')
        GROUP BY r.id, r.guests HAVING count(s.id) <> 1 + r.guests
        LIMIT 1
    """)


def one_voice_each() -> str:
    """The tally is a sum over current votes: one a person, and it weighs something."""
    return _first("""
        SELECT event_id::text FROM events_voterecord WHERE is_current AND voter_id IS NOT NULL
        GROUP BY event_id, voter_id HAVING count(*) > 1 OR bool_or(weight < 1) LIMIT 1
    """)


def external_once() -> str:
    return _first("""
        SELECT 'twice ' || external_id FROM crm_externalrecord
        GROUP BY integration_id, entity, external_id HAVING count(*) > 1
        UNION ALL
        SELECT 'one sale of two records ' || sale_id FROM crm_externalrecord
        WHERE sale_id IS NOT NULL AND kind = 'sale' GROUP BY integration_id, sale_id
        HAVING count(*) > 1
        LIMIT 1
    """)


def outbox_is_whole() -> str:
    """Every fact has one delivery for each listener, none was given up."""
    return _first("SELECT 'dead ' || listener || ': ' || last_error FROM core_delivery"
                  " WHERE state = 'dead' LIMIT 1") or _first(
        """
        SELECT m.topic || ' ' || m.id || ' never left for ' || wanted.listener
        FROM core_message m
        JOIN unnest(%(topics)s::text[], %(listeners)s::text[]) wanted(topic, listener)
            ON wanted.topic = m.topic
        LEFT JOIN core_delivery d ON d.message_id = m.id AND d.listener = wanted.listener
        WHERE d.sequence IS NULL LIMIT 1
        """,
        _wanted(),
    )  # fmt: skip


def _wanted() -> dict[str, list[str]]:
    pairs = [(topic, name) for topic, names in listeners().items() for name in names]
    return {"topics": [pair[0] for pair in pairs], "listeners": [pair[1] for pair in pairs]}


def everything_delivered() -> str:
    """For a world at rest: nothing waits, no batch is half-way."""
    return _first("""
        SELECT 'waits ' || listener || ' ' || last_error FROM core_delivery WHERE state = 'waiting'
        UNION ALL
        SELECT 'frozen ' || listener FROM analytics_factbatch WHERE state = 'frozen' LIMIT 1
    """)


def chain_is_whole() -> str:
    """Sealed up to the last row: what a rollback left is old enough to be explained."""
    at = timezone.now()
    audit_chain.seal(at=at + timedelta(minutes=30))
    verdict = audit_chain.verify(path=settings.AUDIT_ANCHOR_FILE, at=at)
    if verdict.whole and not verdict.unsealed:
        return ""
    return f"№{verdict.bad}: {verdict.because} ({verdict.unsealed} not sealed)"


def settlement_is_operations() -> str:
    for name, statement in settlement_sql.AUDITS.items():
        if found := _first(statement):
            return f"{name}: {found}"
    return ""


def engine_equals_books() -> str:
    left = reconciling.compare(since=EVER, until=timezone.localdate() + timedelta(days=1))
    return f"{len(left)} days differ, first {left[0]}" if left else ""


INVARIANTS: dict[str, tuple[str, Callable[[], str]]] = {
    "I1": ("the ledger of a member sums to her balance", ledger_is_balance),
    "I2": ("all accounts together sum to nothing", boxes_cancel_out),
    "I3": ("no balance is negative", nobody_below_zero),
    "I4": ("every lot is whole", lots_are_whole),
    "I5": ("one effect for each idempotency key", one_effect_per_key),
    "I6": ("taken seats fit into the house", seats_fit),
    "I7": ("one current vote for each person", one_voice_each),
    "I8": ("each external id is applied once", external_once),
    "I9": ("every fact is delivered or waits", outbox_is_whole),
    "I10": ("the audit chain is whole", chain_is_whole),
    "I11": ("settlement is the sum of operations", settlement_is_operations),
}
AT_REST: dict[str, tuple[str, Callable[[], str]]] = {
    "I9": ("every fact is delivered", everything_delivered),
    "I12": ("the analytics engine equals the books", engine_equals_books),
}


def broken(*, at_rest: bool = False) -> dict[str, str]:
    """Each broken invariant with the first row that shows it. `at_rest`: also what only holds once
    the outbox is empty and facts are loaded."""
    asked = [*INVARIANTS.items(), *(AT_REST.items() if at_rest else ())]
    return {f"{name} {said}": found for name, (said, ask) in asked if (found := ask())}
