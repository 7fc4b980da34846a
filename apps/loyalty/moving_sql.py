"""Statements of gifts, adjustments, closing and warnings."""

# Lots close at the sender and are born at the receiver: same issuer, dates and price. What is good
# at one business only is not given away. One statement, so nothing is ever in between.
GIFT = """
WITH spendable AS (
    SELECT id, issuer_id, rate_bp, activates_at, expires_at, available,
           sum(available) OVER (ORDER BY expires_at, id) - available AS before
    FROM loyalty_lot
    WHERE wallet_id = %(sender)s AND available > 0 AND expires_at > %(at)s AND scope_id IS NULL
), taken AS (
    SELECT id, issuer_id, rate_bp, activates_at, expires_at,
           least(available, %(amount)s::numeric - before)::bigint AS part
    FROM spendable WHERE before < %(amount)s
), born AS (
    INSERT INTO loyalty_lot
        (wallet_id, issuer_id, journal_id, amount, pending, available, held, spent, expired,
         revoked, clawed, scope_id, rate_bp, activates_at, expires_at)
    SELECT %(receiver)s::uuid, issuer_id, %(received)s::uuid, part, part, 0, 0, 0, 0,
           0, 0, NULL, rate_bp, activates_at, expires_at
    FROM taken ORDER BY expires_at, id
    RETURNING id, amount
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
    SELECT %(sent)s::uuid, id, 'available', 'revoked', part FROM taken
    UNION ALL
    SELECT %(received)s::uuid, id, 'pending', 'available', amount FROM born
    RETURNING src, amount
)
SELECT coalesce(sum(amount) FILTER (WHERE src = 'available'), 0) FROM moved
"""

# What decides about a gift, under both locks: the debts of both and what was given since midnight.
GIVING = """
SELECT sender.debt, receiver.debt,
       (SELECT coalesce(sum(amount), 0) FROM loyalty_gift
        WHERE sender_id = %(sender)s AND at >= %(midnight)s)
FROM loyalty_wallet sender, loyalty_wallet receiver
WHERE sender.member_id = %(sender)s AND receiver.member_id = %(receiver)s
"""

# Back to the issuers, nearest expiry first.
GIVE_UP = """
WITH live AS (
    SELECT id, available, sum(available) OVER (ORDER BY expires_at, id) - available AS before
    FROM loyalty_lot WHERE wallet_id = %(wallet)s AND available > 0 AND expires_at > %(at)s
), moved AS (
    INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
    SELECT %(journal)s::uuid, id, 'available', 'revoked',
           least(available, %(amount)s::numeric - before)::bigint
    FROM live WHERE before < %(amount)s
    RETURNING amount
)
SELECT coalesce(sum(amount), 0) FROM moved
"""

# Everything that is left goes back to the issuers; what had lapsed anyway expires.
CLOSE = """
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
SELECT %(journal)s::uuid, id, 'pending', 'revoked', pending
FROM loyalty_lot WHERE wallet_id = %(wallet)s AND pending > 0
UNION ALL
SELECT %(journal)s::uuid, id, 'available',
       CASE WHEN expires_at > %(at)s THEN 'revoked' ELSE 'expired' END, available
FROM loyalty_lot WHERE wallet_id = %(wallet)s AND available > 0
"""

# Bonuses that lapse soon and whose owner was not told yet: written down and answered at once.
WARN_OF_EXPIRY = """
WITH due AS (
    SELECT l.wallet_id, l.expires_at, sum(l.available)::bigint AS amount,
           CASE WHEN l.expires_at <= %(nearer)s THEN %(less)s ELSE %(more)s END AS days
    FROM loyalty_lot l JOIN accounts_user u ON u.id = l.wallet_id AND u.erased_at IS NULL
    WHERE l.available > 0 AND l.expires_at > %(at)s AND l.expires_at <= %(later)s
    GROUP BY l.wallet_id, l.expires_at
), fresh AS (
    SELECT * FROM due d WHERE NOT EXISTS (
        SELECT 1 FROM loyalty_notice n
        WHERE n.member_id = d.wallet_id AND n.kind = 'expiry'
          AND n.due_at = d.expires_at AND n.days = d.days
    ) ORDER BY d.wallet_id, d.expires_at LIMIT %(limit)s
), written AS (
    INSERT INTO loyalty_notice (member_id, kind, due_at, days, at)
    SELECT wallet_id, 'expiry', expires_at, days, %(at)s FROM fresh
    ON CONFLICT DO NOTHING RETURNING member_id, due_at
)
SELECT f.wallet_id, f.expires_at, f.amount, f.days
FROM fresh f JOIN written w ON w.member_id = f.wallet_id AND w.due_at = f.expires_at
"""

# The same stage again only when it is another fall: a small purchase moves the day a little.
WARN_OF_TIER = """
INSERT INTO loyalty_notice (member_id, kind, due_at, days, at)
SELECT %(member)s::uuid, 'tier', %(due_at)s, %(days)s, %(at)s
WHERE NOT EXISTS (
    SELECT 1 FROM loyalty_notice n
    WHERE n.member_id = %(member)s AND n.kind = 'tier' AND n.days <= %(days)s AND n.at > %(lately)s
)
ON CONFLICT DO NOTHING RETURNING member_id
"""
