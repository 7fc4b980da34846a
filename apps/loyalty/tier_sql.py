"""Statements about tiers: what members paid in the window, net of what came back."""

# What she paid and where, beside her place and each tier's demands: one round trip of every sale.
# A return counts against the purchase it belongs to, so an old purchase takes its return along.
STANDING = """
SELECT w.spent, w.partners, u.tier_id, u.tier_since, u.tier_locked_until, u.joined_at, u.erased_at,
       t.id, t.position, t.threshold, t.min_partners, t.by_invitation
FROM accounts_user u CROSS JOIN accounts_statustier t CROSS JOIN (
    SELECT coalesce(sum(e.paid - coalesce(c.back, 0)), 0)::bigint AS spent,
           count(DISTINCT e.business_id) FILTER (WHERE e.paid > coalesce(c.back, 0)) AS partners
    FROM loyalty_journal e LEFT JOIN (
        SELECT ref_id, sum(paid) AS back FROM loyalty_journal
        WHERE wallet_id = %(member)s AND kind = 'clawback' GROUP BY ref_id
    ) c ON c.ref_id = e.id
    WHERE e.wallet_id = %(member)s AND e.kind = 'earn' AND e.paid > 0
      AND e.occurred_at >= %(since)s AND e.occurred_at <= %(at)s
) w
WHERE u.id = %(member)s
ORDER BY t.position
"""

PAYMENTS = """
SELECT e.wallet_id, e.id, e.occurred_at, e.business_id, e.paid, c.occurred_at, c.paid
FROM loyalty_journal e
LEFT JOIN loyalty_journal c ON c.ref_id = e.id AND c.kind = 'clawback' AND c.paid > 0
WHERE e.wallet_id = ANY(%(members)s::uuid[]) AND e.kind = 'earn' AND e.paid > 0
  AND e.occurred_at >= %(since)s AND e.occurred_at <= %(at)s
ORDER BY e.wallet_id, e.occurred_at, e.id
"""

# The same for many people in the order of their ids.
PLACES = """
WITH page AS (
    SELECT u.id, u.tier_id, u.tier_since, u.tier_locked_until, u.joined_at, u.erased_at
    FROM accounts_user u WHERE {whose}
), back AS (
    SELECT ref_id, sum(paid) AS back FROM loyalty_journal
    WHERE wallet_id IN (SELECT id FROM page) AND kind = 'clawback' GROUP BY ref_id
), paid AS (
    SELECT e.wallet_id, sum(e.paid - coalesce(c.back, 0)) AS spent,
           count(DISTINCT e.business_id) FILTER (WHERE e.paid > coalesce(c.back, 0)) AS partners
    FROM loyalty_journal e LEFT JOIN back c ON c.ref_id = e.id
    WHERE e.wallet_id IN (SELECT id FROM page) AND e.kind = 'earn' AND e.paid > 0
      AND e.occurred_at >= %(since)s AND e.occurred_at <= %(at)s
    GROUP BY e.wallet_id
)
SELECT page.id, coalesce(paid.spent, 0)::bigint, coalesce(paid.partners, 0), page.tier_id,
       page.tier_since, page.tier_locked_until, page.joined_at, page.erased_at
FROM page LEFT JOIN paid ON paid.wallet_id = page.id
ORDER BY page.id
"""
# A page of everybody, for the clock; and those of one batch of purchases.
CANDIDATES = PLACES.format(whose="u.id > %(after)s ORDER BY u.id LIMIT %(limit)s")
OF_BATCH = PLACES.format(whose="u.id = ANY(%(members)s::uuid[])")
