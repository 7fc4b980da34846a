"""The statements of mutual settlement. Only `settlement_queries` and `services` use them.

Clearing is one query: postings that enter `spent` count plus, those that leave it minus, for the
pair (issuer of the lot → acceptor). Repayments of debts are such postings too, so that a return
of goods settles across partners by itself. Beside bonuses stand claims: discounts and fees.
"""

# What a close at `until` takes: all that no statement holds yet.
OPEN = """
SELECT p.id, l.issuer_id AS debtor_id, p.acceptor_id AS creditor_id, l.rate_bp,
       CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END AS amount
FROM loyalty_posting p
JOIN loyalty_lot l ON l.id = p.lot_id
JOIN loyalty_journal j ON j.id = p.journal_id
WHERE p.acceptor_id IS NOT NULL AND j.posted_at < %(until)s
  AND NOT EXISTS (SELECT 1 FROM loyalty_settled s WHERE s.posting_id = p.id)
"""
HELD = """
SELECT p.id, l.issuer_id AS debtor_id, p.acceptor_id AS creditor_id, l.rate_bp,
       CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END AS amount
FROM loyalty_settled s
JOIN loyalty_posting p ON p.id = s.posting_id
JOIN loyalty_lot l ON l.id = p.lot_id
WHERE s.statement_id = %(statement)s
"""
TAKE_IN = f"""
INSERT INTO loyalty_settled (posting_id, statement_id)
SELECT id, %(statement)s::uuid FROM ({OPEN}) due
"""  # noqa: S608 - put together from constants of this module

# Pairs with their exact value: kopecks times basis points.
PAIRS = """
SELECT debtor_id, creditor_id, sum(amount)::bigint, sum(amount * rate_bp)::bigint, count(*),
       encode(sha256(string_agg(id || ':' || amount || ':' || rate_bp, ',' ORDER BY id)::bytea),
              'hex')
FROM ({postings}) p
GROUP BY debtor_id, creditor_id ORDER BY debtor_id, creditor_id
"""
PAIRS_OPEN = PAIRS.format(postings=OPEN)
PAIRS_HELD = PAIRS.format(postings=HELD)

# Claims of pairs, in kopecks; a close takes them and adds them up in one statement.
CLAIM_PAIRS = """
SELECT debtor_id, creditor_id, kind, sum(amount)::bigint, count(*),
       encode(sha256(string_agg(id || ':' || amount, ',' ORDER BY id)::bytea), 'hex')
FROM {claims}
GROUP BY debtor_id, creditor_id, kind ORDER BY debtor_id, creditor_id, kind
"""
OPEN_CLAIMS = "loyalty_claim WHERE statement_id IS NULL AND recorded_at < %(until)s"
CLAIM_PAIRS_OPEN = CLAIM_PAIRS.format(claims=OPEN_CLAIMS)
TAKE_IN_CLAIMS = f"""
WITH taken AS (
    UPDATE loyalty_claim SET statement_id = %(statement)s::uuid
    WHERE statement_id IS NULL AND recorded_at < %(until)s RETURNING *
) {CLAIM_PAIRS.format(claims="taken")}
"""  # noqa: S608 - put together from constants of this module

# A disputed line lets its postings go: the next statement takes them.
LET_GO = """
DELETE FROM loyalty_settled s USING loyalty_posting p, loyalty_lot l
WHERE s.statement_id = %(statement)s AND p.id = s.posting_id AND l.id = p.lot_id
  AND l.issuer_id = %(debtor)s AND p.acceptor_id = %(creditor)s
"""

LET_CLAIMS_GO = """
UPDATE loyalty_claim SET statement_id = NULL
WHERE statement_id = %(statement)s AND debtor_id = %(debtor)s AND creditor_id = %(creditor)s
  AND kind = %(kind)s
"""

POSTINGS_OF_PAIR = """
SELECT p.id, j.occurred_at, j.posted_at, j.kind, p.src, p.dst, p.lot_id,
       CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END, l.rate_bp
FROM loyalty_settled s
JOIN loyalty_posting p ON p.id = s.posting_id
JOIN loyalty_lot l ON l.id = p.lot_id
JOIN loyalty_journal j ON j.id = p.journal_id
WHERE s.statement_id = %(statement)s AND l.issuer_id = %(debtor)s AND p.acceptor_id = %(creditor)s
ORDER BY p.id
"""

MAKE_TERMS = """
INSERT INTO loyalty_terms (business_id, mode, deposit, when_over, outstanding, payable, stop)
SELECT b.id, 'postpaid', 0, 'refuse', 0, 0, '' FROM businesses_business b
WHERE NOT b.is_network AND NOT EXISTS (SELECT 1 FROM loyalty_terms t WHERE t.business_id = b.id)
ORDER BY b.id ON CONFLICT DO NOTHING
"""
# What an issuer may still have to pay for, in one pass over open lots, postings and claims each.
# A partner who accepts its own bonus owes nobody.
REFRESH = f"""
WITH lots AS (
    SELECT issuer_id,
           sum((pending + held + CASE WHEN expires_at > %(at)s THEN available ELSE 0 END)
               * rate_bp) / 1000000.0 AS outstanding
    FROM loyalty_lot WHERE pending + available + held > 0 GROUP BY issuer_id
), pairs AS (
    SELECT debtor_id, sum(kopecks) / 100.0 AS payable FROM (
        SELECT debtor_id, amount * rate_bp / 10000.0 AS kopecks
        FROM ({OPEN}) o WHERE debtor_id <> creditor_id
        UNION ALL
        SELECT debtor_id, amount FROM {OPEN_CLAIMS}
    ) owed GROUP BY debtor_id
), figures AS (
    SELECT t.business_id, round(coalesce(l.outstanding, 0), 2) AS outstanding,
           round(coalesce(p.payable, 0), 2) AS payable
    FROM loyalty_terms t
    LEFT JOIN lots l ON l.issuer_id = t.business_id
    LEFT JOIN pairs p ON p.debtor_id = t.business_id
    WHERE %(business)s::uuid IS NULL OR t.business_id = %(business)s
)
UPDATE loyalty_terms t SET
    outstanding = f.outstanding, payable = f.payable, reckoned_at = %(at)s,
    stop = CASE WHEN t.run_off_since IS NOT NULL THEN 'refuse'
                WHEN t.mode = 'prepaid' AND f.outstanding + f.payable >= t.deposit THEN t.when_over
                ELSE '' END
FROM figures f WHERE f.business_id = t.business_id
"""  # noqa: S608 - put together from constants of this module

# Who issues nothing, or through the network's reserve: rides along with the wallet's lock.
LOCK_AND_STOPS = """
SELECT w.debt, (SELECT jsonb_object_agg(t.business_id, t.stop) FROM loyalty_terms t
                WHERE t.stop <> '')
FROM loyalty_wallet w WHERE w.member_id = %(member)s FOR NO KEY UPDATE OF w
"""
STOPS = "SELECT business_id, stop FROM loyalty_terms WHERE stop <> ''"

# Unspent bonuses by issuer and month of expiry. What lapsed and is not swept yet is nobody's.
LIABILITY = """
SELECT l.issuer_id, b.name,
       date_trunc('month', (l.expires_at - interval '1 microsecond') AT TIME ZONE 'Europe/Moscow')::date,
       sum(l.pending)::bigint,
       sum(CASE WHEN l.expires_at > %(at)s THEN l.available ELSE 0 END)::bigint,
       sum(l.held)::bigint
FROM loyalty_lot l JOIN businesses_business b ON b.id = l.issuer_id
WHERE l.pending + l.available + l.held > 0
GROUP BY 1, 2, 3
HAVING sum(l.pending + l.held + CASE WHEN l.expires_at > %(at)s THEN l.available ELSE 0 END) > 0
ORDER BY 2, 1, 3
"""
# How old what is unspent is, from the day it was earned; and what became of lots that ended within
# the last year: the share that was spent is the forecast.
AGEING = """
SELECT l.issuer_id,
       coalesce(sum(f.open) FILTER (WHERE j.occurred_at > %(at)s - interval '31 days'), 0)::bigint,
       coalesce(sum(f.open) FILTER (WHERE j.occurred_at <= %(at)s - interval '31 days'
                                      AND j.occurred_at > %(at)s - interval '91 days'), 0)::bigint,
       coalesce(sum(f.open) FILTER (WHERE j.occurred_at <= %(at)s - interval '91 days'), 0)::bigint,
       coalesce(sum(l.spent) FILTER (WHERE f.ended), 0)::bigint,
       coalesce(sum(l.spent + l.expired + l.available) FILTER (WHERE f.ended), 0)::bigint
FROM loyalty_lot l JOIN loyalty_journal j ON j.id = l.journal_id
CROSS JOIN LATERAL (
    SELECT l.pending + l.held + CASE WHEN l.expires_at > %(at)s THEN l.available ELSE 0 END AS open,
           l.expires_at <= %(at)s AND l.expires_at > %(at)s - interval '365 days' AS ended
) f
WHERE f.open > 0 OR f.ended
GROUP BY l.issuer_id
"""

# For the nightly audit: each must be empty.
AUDITS = {
    "a posting that is not spending stands in a statement": """
        SELECT s.posting_id::text FROM loyalty_settled s
        JOIN loyalty_posting p ON p.id = s.posting_id
        WHERE p.acceptor_id IS NULL ORDER BY s.posting_id LIMIT 1
    """,
    "a line of a statement differs from its postings": """
        SELECT coalesce(l.id::text, h.debtor_id || ' ' || h.creditor_id)
        FROM (
            SELECT * FROM loyalty_statementline WHERE disputed_at IS NULL AND kind = 'bonus'
        ) l
        FULL JOIN (
            SELECT s.statement_id, t.issuer_id AS debtor_id, p.acceptor_id AS creditor_id,
                   sum(CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END) AS bonuses,
                   count(*) AS postings, count(DISTINCT p.id) AS different
            FROM loyalty_settled s
            JOIN loyalty_posting p ON p.id = s.posting_id
            JOIN loyalty_lot t ON t.id = p.lot_id
            GROUP BY 1, 2, 3
        ) h ON (h.statement_id, h.debtor_id, h.creditor_id)
             = (l.statement_id, l.debtor_id, l.creditor_id)
        WHERE (h.bonuses, h.postings, h.different)
            IS DISTINCT FROM (l.bonuses, l.postings, l.postings)
        ORDER BY 1 LIMIT 1
    """,
    "a line of a statement differs from its claims": """
        SELECT coalesce(l.id::text, h.debtor_id || ' ' || h.creditor_id)
        FROM (
            SELECT * FROM loyalty_statementline WHERE disputed_at IS NULL AND kind <> 'bonus'
        ) l
        FULL JOIN (
            SELECT statement_id, debtor_id, creditor_id, kind, sum(amount) AS amount, count(*) AS n
            FROM loyalty_claim WHERE statement_id IS NOT NULL GROUP BY 1, 2, 3, 4
        ) h ON (h.statement_id, h.debtor_id, h.creditor_id, h.kind)
             = (l.statement_id, l.debtor_id, l.creditor_id, l.kind)
        WHERE (h.amount, h.n) IS DISTINCT FROM (l.amount, l.postings)
        ORDER BY 1 LIMIT 1
    """,
    "a posting stands in two statements": """
        SELECT posting_id::text FROM loyalty_settled
        GROUP BY posting_id HAVING count(*) > 1 ORDER BY posting_id LIMIT 1
    """,
    # Money is rounded once a pair so that it adds up to the rounded whole; then the nets of all
    # partners add up to 0. A line that was disputed has let its postings go: asked of the others.
    "money of a statement is not what its bonuses are worth": """
        SELECT l.statement_id::text
        FROM loyalty_statementline l
        JOIN (
            SELECT s.statement_id, sum(CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END
                                       * t.rate_bp) AS exact
            FROM loyalty_settled s
            JOIN loyalty_posting p ON p.id = s.posting_id
            JOIN loyalty_lot t ON t.id = p.lot_id
            WHERE t.issuer_id <> p.acceptor_id GROUP BY 1
        ) h ON h.statement_id = l.statement_id
        WHERE l.debtor_id <> l.creditor_id AND l.kind = 'bonus'
        GROUP BY l.statement_id, h.exact
        HAVING bool_and(l.disputed_at IS NULL)
           AND sum(l.amount) <> floor((2 * h.exact + 10000) / 20000)
        ORDER BY 1 LIMIT 1
    """,
    # Told from the other side: what lots say was spent, issuer by issuer.
    "statements and what waits are not all that was spent": """
        SELECT coalesce(l.issuer_id, c.debtor_id)::text
        FROM (SELECT issuer_id, sum(spent) AS spent FROM loyalty_lot GROUP BY 1) l
        FULL JOIN (
            SELECT debtor_id, sum(bonuses) AS cleared FROM (
                SELECT debtor_id, bonuses FROM loyalty_statementline
                WHERE disputed_at IS NULL AND kind = 'bonus'
                UNION ALL
                SELECT t.issuer_id,
                       CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END
                FROM loyalty_posting p JOIN loyalty_lot t ON t.id = p.lot_id
                WHERE p.acceptor_id IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM loyalty_settled s WHERE s.posting_id = p.id)
            ) both_parts GROUP BY 1
        ) c ON c.debtor_id = l.issuer_id
        WHERE coalesce(l.spent, 0) <> coalesce(c.cleared, 0) ORDER BY 1 LIMIT 1
    """,
}
