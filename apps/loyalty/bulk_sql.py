"""The statements of bulk accrual: any number of rows each. Arrays are columns in the rows' order."""

JOURNALS = """
INSERT INTO loyalty_journal
    (id, wallet_id, kind, scope, key, body_hash, business_id, ref_id, amount, paid, rule,
     occurred_at, posted_at)
SELECT r.id, r.wallet, 'earn', 'earn', r.key, r.hash, r.business, NULL, r.amount, r.paid,
       r.rule::jsonb, r.occurred, r.posted
FROM unnest(%(id)b::uuid[], %(wallet)b::uuid[], %(key)b::text[], %(hash)b::text[],
            %(business)b::uuid[], %(amount)b::bigint[], %(paid)b::bigint[], %(rule)b::text[],
            %(occurred)b::timestamptz[], %(posted)b::timestamptz[])
     AS r(id, wallet, key, hash, business, amount, paid, rule, occurred, posted)
"""

# Lots in the order of their purchases, since their number decides between equal expiries; those
# whose time has come wake in the same statement.
BIRTHS = """
WITH born AS (
    INSERT INTO loyalty_lot
        (wallet_id, issuer_id, journal_id, amount, pending, available, held, spent, expired,
         revoked, clawed, scope_id, rate_bp, activates_at, expires_at)
    SELECT r.wallet, %(issuer)s::uuid, r.journal, r.amount, r.amount, 0, 0, 0, 0,
           0, 0, NULL, %(rate_bp)s, r.wakes, r.lapses
    FROM unnest(%(wallet)b::uuid[], %(journal)b::uuid[], %(amount)b::bigint[],
                %(wakes)b::timestamptz[], %(lapses)b::timestamptz[])
         WITH ORDINALITY AS r(wallet, journal, amount, wakes, lapses, number)
    ORDER BY r.number
    RETURNING id, journal_id, amount, activates_at
), moments AS (
    SELECT * FROM unnest(%(journal)b::uuid[], %(posted)b::timestamptz[]) AS m(journal, posted)
)
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
SELECT b.journal_id, b.id, 'pending', 'available', b.amount
FROM born b JOIN moments m ON m.journal = b.journal_id
WHERE b.activates_at <= m.posted ORDER BY b.id
"""
