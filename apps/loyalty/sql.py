"""The handful of set-based statements of the ledger. Only `services` and `queries` use them.

Lock and choice are separate statements on purpose: under READ COMMITTED a choice made in the same
statement as the lock would use the snapshot from before the wait.
"""

# FOR NO KEY UPDATE: the journal row's foreign key takes a share lock on the wallet, and a plain
# FOR UPDATE would deadlock with it (398 of 400 transactions in the experiment of loyalty.md 3.4).
LOCK_WALLET = "SELECT debt FROM loyalty_wallet WHERE member_id = %(member)s FOR NO KEY UPDATE"

# The wallet of an earlier operation, locked, with what never changes of that operation: one round
# trip. The debt is of after the wait; a hold's end is NULL for anything but a hold.
LOCK_WALLET_OF = """
SELECT w.debt, j.wallet_id, j.business_id, j.amount, j.paid, j.rule, j.occurred_at, h.expires_at
FROM loyalty_journal j JOIN loyalty_wallet w ON w.member_id = j.wallet_id
LEFT JOIN loyalty_hold h ON h.journal_id = j.id
WHERE j.id = %(journal)s AND j.kind = ANY(%(kinds)s)
FOR NO KEY UPDATE OF w
"""

MAKE_WALLET = """
INSERT INTO loyalty_wallet (member_id, pending, available, held, debt)
VALUES (%(member)s, 0, 0, 0, 0) ON CONFLICT DO NOTHING
"""

# Both in the order of the member: two batches that share members wait, they never deadlock.
MAKE_WALLETS = """
INSERT INTO loyalty_wallet (member_id, pending, available, held, debt)
SELECT m.id, 0, 0, 0, 0 FROM unnest(%(members)s::uuid[]) m(id)
WHERE NOT EXISTS (SELECT 1 FROM loyalty_wallet w WHERE w.member_id = m.id)
ORDER BY m.id ON CONFLICT DO NOTHING
"""
LOCK_WALLETS = """
SELECT 1 FROM loyalty_wallet WHERE member_id = ANY(%(members)s::uuid[])
ORDER BY member_id FOR NO KEY UPDATE
"""

JOURNAL = """
INSERT INTO loyalty_journal
    (id, wallet_id, kind, scope, key, body_hash, business_id, ref_id, amount, paid, rule,
     occurred_at, posted_at)
VALUES (%(id)s, %(wallet)s, %(kind)s, %(scope)s, %(key)s, %(body_hash)s, %(business)s, %(ref)s,
        %(amount)s, %(paid)s, %(rule)s, %(occurred_at)s, %(posted_at)s)
ON CONFLICT (scope, key) DO NOTHING
RETURNING id
"""

BIRTH = """
INSERT INTO loyalty_lot
    (wallet_id, issuer_id, journal_id, amount, pending, available, held, spent, expired, revoked,
     clawed, scope_id, rate_bp, activates_at, expires_at)
VALUES (%(wallet)s, %(issuer)s, %(journal)s, %(amount)s, %(amount)s, 0, 0, 0, 0, 0,
        0, NULL, %(rate_bp)s, %(activates_at)s, %(expires_at)s)
RETURNING id, amount
"""

# Birth and waking in one statement: two rows, one round trip.
BIRTH_AND_WAKE = f"""
WITH born AS ({BIRTH})
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
SELECT %(journal)s, id, 'pending', 'available', amount FROM born
"""  # noqa: S608 - put together from constants of this module

# Nearest expiry first, by a running sum over what can be spent at this moment.
TAKE = """
WITH spendable AS (
    SELECT id, available,
           sum(available) OVER (ORDER BY expires_at, id) - available AS before
    FROM loyalty_lot
    WHERE wallet_id = %(wallet)s AND available > 0 AND expires_at > %(at)s
      AND (scope_id IS NULL OR scope_id = %(business)s)
), taken AS (
    SELECT id, least(available, %(amount)s::numeric - before)::bigint AS part
    FROM spendable WHERE before < %(amount)s
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id)
    SELECT %(journal)s, id, 'available', %(dst)s, part, %(acceptor)s FROM taken
    RETURNING amount
)
SELECT coalesce(sum(amount), 0) FROM moved
"""

# A hold's own postings in the order they were taken: the first `amount` is spent, the rest returns,
# or expires when its lot lapsed meanwhile.
RESOLVE = """
WITH parts AS (
    SELECT p.id, p.lot_id, p.amount, l.expires_at,
           sum(p.amount) OVER (ORDER BY p.id) - p.amount AS before
    FROM loyalty_posting p JOIN loyalty_lot l ON l.id = p.lot_id
    WHERE p.journal_id = %(hold)s AND p.dst = 'held'
), split AS (
    SELECT lot_id, expires_at, amount,
           greatest(0, least(amount, %(amount)s::numeric - before))::bigint AS used
    FROM parts
)
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id)
SELECT %(journal)s::uuid, lot_id, 'held', 'spent', used, %(acceptor)s::uuid FROM split WHERE used > 0
UNION ALL
SELECT %(journal)s::uuid, lot_id, 'held',
       CASE WHEN expires_at > %(at)s THEN 'available' ELSE 'expired' END, amount - used, NULL
FROM split WHERE amount > used
"""

# What is left of a spending, lot by lot, latest expiry first, back to where it came from. Only
# returns that name this spending count against it: repayments stand in rows of their own.
REFUND = """
WITH spent AS (
    SELECT p.lot_id, p.acceptor_id,
           sum(CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END)::bigint AS unreturned
    FROM loyalty_posting p JOIN loyalty_journal j ON j.id = p.journal_id
    WHERE (p.journal_id = %(spent)s AND p.dst = 'spent')
       OR (j.ref_id = %(spent)s AND j.kind = 'refund' AND p.src = 'spent')
    GROUP BY p.lot_id, p.acceptor_id
), ordered AS (
    SELECT s.lot_id, s.acceptor_id, s.unreturned, l.expires_at,
           sum(s.unreturned) OVER (ORDER BY l.expires_at DESC, l.id DESC) - s.unreturned AS before
    FROM spent s JOIN loyalty_lot l ON l.id = s.lot_id WHERE s.unreturned > 0
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id)
    SELECT %(journal)s::uuid, lot_id, 'spent',
           CASE WHEN expires_at > %(at)s THEN 'available' ELSE 'expired' END,
           least(unreturned, %(amount)s::numeric - before)::bigint, acceptor_id
    FROM ordered WHERE before < %(amount)s
    RETURNING amount
)
SELECT coalesce(sum(amount), 0) FROM moved
"""

# Taking back from an accrual's own lot: pending first, then available.
REVOKE = """
WITH boxes AS (
    SELECT id, 'pending' AS src, pending AS has, 0 AS before FROM loyalty_lot WHERE id = %(lot)s
    UNION ALL
    SELECT id, 'available', available, pending FROM loyalty_lot WHERE id = %(lot)s
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
    SELECT %(journal)s::uuid, id, src, 'revoked', least(has, %(amount)s::bigint - before)
    FROM boxes WHERE has > 0 AND before < %(amount)s
    RETURNING amount
)
SELECT coalesce(sum(amount), 0) FROM moved
"""

# Lots by expiry and debts by age laid out as two rulers: where intervals overlap, bonuses pay.
REPAY = """
WITH lots AS (
    SELECT id, available, sum(available) OVER (ORDER BY expires_at, id) AS upto
    FROM loyalty_lot
    WHERE wallet_id = %(wallet)s AND available > 0 AND expires_at > %(at)s AND scope_id IS NULL
), debts AS (
    SELECT id, creditor_id, amount - repaid AS owed, sum(amount - repaid) OVER (ORDER BY id) AS upto
    FROM loyalty_debt WHERE wallet_id = %(wallet)s AND repaid < amount
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id, debt_id)
    SELECT %(journal)s::uuid, l.id, 'available', 'spent',
           (least(l.upto, d.upto) - greatest(l.upto - l.available, d.upto - d.owed))::bigint,
           d.creditor_id, d.id
    FROM lots l JOIN debts d
      ON l.upto > d.upto - d.owed AND d.upto > l.upto - l.available
    RETURNING amount
)
SELECT coalesce(sum(amount), 0) FROM moved
"""
DEBTORS = "SELECT member_id FROM loyalty_wallet WHERE member_id = ANY(%(wallets)s) AND debt > 0"

# Jobs: wallets that have something due, locked in one order, those in use left for the next run.
LOCK_DUE = """
SELECT member_id FROM loyalty_wallet
WHERE member_id IN (
    SELECT DISTINCT wallet_id FROM (
        SELECT wallet_id FROM loyalty_lot WHERE {due} ORDER BY {moment} LIMIT %(limit)s
    ) first_due
)
ORDER BY member_id FOR NO KEY UPDATE SKIP LOCKED
"""
MOVE_DUE = """
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
SELECT %(journal)s, id, %(src)s, %(dst)s, {box}
FROM loyalty_lot WHERE wallet_id = ANY(%(wallets)s) AND {due}
"""
STILL_DUE = "SELECT 1 FROM loyalty_lot WHERE wallet_id = ANY(%(wallets)s) AND {due} LIMIT 1"
LAPSED = "available > 0 AND expires_at <= %(at)s"
AWAKE = "pending > 0 AND activates_at <= %(at)s"

BALANCE = """
SELECT w.pending,
       w.available - coalesce(l.lapsed, 0),
       w.held,
       coalesce(l.earned, 0),
       coalesce(l.spent, 0),
       coalesce(next.amount, 0),
       next.at
FROM loyalty_wallet w
LEFT JOIN LATERAL (
    SELECT sum(amount - revoked) AS earned, sum(spent) AS spent,
           sum(available) FILTER (WHERE expires_at <= %(at)s) AS lapsed
    FROM loyalty_lot WHERE wallet_id = w.member_id
) l ON true
LEFT JOIN LATERAL (
    SELECT expires_at AS at, sum(available) AS amount
    FROM loyalty_lot
    WHERE wallet_id = w.member_id AND available > 0 AND expires_at > %(at)s
    GROUP BY expires_at ORDER BY expires_at LIMIT 1
) next ON true
WHERE w.member_id = %(member)s
"""

# One line per operation that moved what the member can spend or awaits; `after` is what she could
# spend then. Operations of jobs (expiry, waking) have no wallet of their own: found by their lots.
HISTORY = """
WITH moved AS (
    SELECT p.journal_id,
           sum(p.amount) FILTER (WHERE p.dst = 'available')::bigint AS plus,
           sum(p.amount) FILTER (WHERE p.src = 'available')::bigint AS minus
    FROM loyalty_posting p JOIN loyalty_lot l ON l.id = p.lot_id
    WHERE l.wallet_id = %(member)s
    GROUP BY p.journal_id
), lines AS (
    SELECT j.id, j.kind, j.business_id, j.occurred_at, j.posted_at, j.paid,
           coalesce(m.plus, 0) - coalesce(m.minus, 0) AS delta,
           sum(coalesce(m.plus, 0) - coalesce(m.minus, 0))
               OVER (ORDER BY j.posted_at, j.id) AS after
    FROM moved m JOIN loyalty_journal j ON j.id = m.journal_id
)
SELECT lines.id, lines.kind, lines.business_id, b.name, lines.occurred_at, lines.posted_at,
       lines.delta, lines.after::bigint
FROM lines LEFT JOIN businesses_business b ON b.id = lines.business_id
WHERE (%(kind)s::text IS NULL OR lines.kind = %(kind)s)
  AND (%(business)s::uuid IS NULL OR lines.business_id = %(business)s)
  AND (%(since)s::timestamptz IS NULL OR lines.posted_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR lines.posted_at < %(until)s)
  AND (%(cursor_at)s::timestamptz IS NULL OR (lines.posted_at, lines.id) < (%(cursor_at)s, %(cursor_id)s::uuid))
ORDER BY lines.posted_at DESC, lines.id DESC
LIMIT %(limit)s
"""

# A hold with what became of it; deposits of events are nobody's redemption.
HOLD = """
SELECT h.code, h.expires_at, j.amount, j.business_id, r.kind, r.amount, r.rule ->> 'because'
FROM loyalty_hold h JOIN loyalty_journal j ON j.id = h.journal_id
LEFT JOIN loyalty_journal r ON r.ref_id = j.id AND r.kind IN ('capture', 'release')
WHERE j.id = %(hold)s AND j.wallet_id = %(member)s AND j.scope <> %(deposit)s
"""

EXPIRING = """
SELECT expires_at, sum(available)::bigint FROM loyalty_lot
WHERE wallet_id = %(member)s AND available > 0 AND expires_at > %(at)s
GROUP BY expires_at ORDER BY expires_at
"""

PAID_FOR = """
SELECT count(*), coalesce(sum(paid), 0) FROM loyalty_journal
WHERE scope = 'earn' AND kind = 'earn' AND key = ANY(%(keys)s)
"""

# Each must be empty: run every night and shown in the admin.
AUDITS = {
    "lot boxes differ from the fold of their postings": """
        SELECT l.id::text FROM loyalty_lot l
        LEFT JOIN LATERAL (
            SELECT
                coalesce(sum(amount) FILTER (WHERE dst='pending'), 0)
                    - coalesce(sum(amount) FILTER (WHERE src='pending'), 0) AS pending,
                coalesce(sum(amount) FILTER (WHERE dst='available'), 0)
                    - coalesce(sum(amount) FILTER (WHERE src='available'), 0) AS available,
                coalesce(sum(amount) FILTER (WHERE dst='held'), 0)
                    - coalesce(sum(amount) FILTER (WHERE src='held'), 0) AS held,
                coalesce(sum(amount) FILTER (WHERE dst='spent'), 0)
                    - coalesce(sum(amount) FILTER (WHERE src='spent'), 0) AS spent,
                coalesce(sum(amount) FILTER (WHERE dst='expired'), 0) AS expired,
                coalesce(sum(amount) FILTER (WHERE dst='revoked'), 0) AS revoked
            FROM loyalty_posting WHERE lot_id = l.id
        ) p ON true
        WHERE (l.pending, l.available, l.held, l.spent, l.expired, l.revoked)
            IS DISTINCT FROM
            (l.amount + p.pending, p.available, p.held, p.spent, p.expired, p.revoked)
        ORDER BY l.id LIMIT 1
    """,
    "wallet differs from the sum of its lots": """
        SELECT w.member_id::text FROM loyalty_wallet w
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(pending), 0) AS pending, coalesce(sum(available), 0) AS available,
                   coalesce(sum(held), 0) AS held
            FROM loyalty_lot WHERE wallet_id = w.member_id
        ) l ON true
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount - repaid), 0) AS debt
            FROM loyalty_debt WHERE wallet_id = w.member_id
        ) d ON true
        WHERE (w.pending, w.available, w.held, w.debt)
            IS DISTINCT FROM (l.pending, l.available, l.held, d.debt)
        ORDER BY w.member_id LIMIT 1
    """,
    "lot boxes do not sum to its amount": """
        SELECT id::text FROM loyalty_lot
        WHERE amount <> pending + available + held + spent + expired + revoked
           OR least(pending, available, held, spent, expired, revoked) < 0
        ORDER BY id LIMIT 1
    """,
}
