"""The set-based statements of coupons. Only `services` and `queries` use them."""

# On conflict skip and top up: asking for every code whether it exists would cost a look-up each.
INSERT_CODES = """
INSERT INTO coupons_coupon
    (id, campaign_id, code, member_id, state, valid_from, valid_to, issued_at, reserved)
SELECT id, %(campaign)s, code, NULL, 'active', %(valid_from)s, %(valid_to)s, %(at)s, 0
FROM unnest(%(ids)s::uuid[], %(codes)s::text[]) AS new (id, code)
ON CONFLICT (code) DO NOTHING
"""

# Guests of a business: whoever paid there since a moment, the latest first.
GUESTS = """
SELECT wallet_id FROM loyalty_journal
WHERE business_id = %(business)s AND kind = 'earn' AND paid > 0 AND posted_at >= %(since)s
  AND occurred_at >= %(since)s AND occurred_at <= %(at)s AND wallet_id IS NOT NULL
GROUP BY wallet_id ORDER BY max(occurred_at) DESC, wallet_id LIMIT %(limit)s
"""

SALE = """
SELECT wallet_id, paid FROM loyalty_journal
WHERE scope = 'earn' AND key = %(key)s AND business_id = %(business)s AND wallet_id IS NOT NULL
"""

# What each of some people paid at the business in a window, 0 for those who did not come:
# people, Σ, Σ of squares (kopecks).
_PAID = """
SELECT count(*), coalesce(sum(paid), 0), coalesce(sum(paid * paid), 0) FROM (
    SELECT people.id, coalesce(sum(j.paid), 0)::numeric AS paid
    FROM ({people}) people (id)
    LEFT JOIN loyalty_journal j
      ON j.wallet_id = people.id AND j.business_id = %(business)s AND j.kind = 'earn'
     AND j.occurred_at >= %(since)s AND j.occurred_at < %(until)s
    GROUP BY people.id
) each
"""
PAID_BY_REDEEMERS = _PAID.format(
    people="""SELECT DISTINCT member_id FROM coupons_redemption
    WHERE campaign_id = %(campaign)s AND returned_at IS NULL AND member_id IS NOT NULL"""
)
PAID_BY_HOLDERS = _PAID.format(
    people="""SELECT DISTINCT member_id FROM coupons_coupon
    WHERE campaign_id = %(campaign)s AND member_id IS NOT NULL"""
)
PAID_BY_HELD_OUT = _PAID.format(
    people="SELECT member_id FROM coupons_heldout WHERE campaign_id = %(campaign)s"
)

# One conditional statement each; no row back means that the budget does not hold it.
RESERVE = """
UPDATE coupons_budget SET reserved = reserved + %(amount)s
WHERE id = %(budget)s AND reserved + charged + %(amount)s <= cap
"""
CHARGE = """
UPDATE coupons_budget SET reserved = reserved - %(reserved)s, charged = charged + %(amount)s
WHERE id = %(budget)s AND reserved - %(reserved)s + charged + %(amount)s <= cap
"""
RELEASE = """
UPDATE coupons_budget SET reserved = reserved - %(reserved)s, charged = charged - %(charged)s
WHERE id = %(budget)s
"""
# The first use of a coupon whose charges are not what partners were told to owe for it.
NOT_CLAIMED = """
SELECT coalesce(c.ref, l.ref)::text FROM (
    SELECT r.id AS ref, c.payer_id, c.payee_id,
           CASE c.kind WHEN 'share' THEN 'discount' ELSE 'fee' END AS kind,
           sum(c.amount * 100)::bigint AS kopecks
    FROM coupons_charge c JOIN coupons_redemption r ON r.id = c.redemption_id
    WHERE r.returned_at IS NULL AND c.payer_id <> c.payee_id GROUP BY 1, 2, 3, 4
) c
FULL JOIN (
    SELECT ref, debtor_id, creditor_id, kind, sum(amount)::bigint AS kopecks
    FROM loyalty_claim GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
) l ON (l.ref, l.debtor_id, l.creditor_id, l.kind) = (c.ref, c.payer_id, c.payee_id, c.kind)
WHERE c.kopecks IS DISTINCT FROM l.kopecks ORDER BY 1 LIMIT 1
"""
COUNT_ONE = """
UPDATE coupons_campaign SET issued = issued + 1
WHERE id = %(campaign)s AND state = 'active' AND issued < quantity
"""
