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

# What each of some people paid in the window of their campaign at its business, 0 for those who did
# not come: campaign, people, Σ, Σ of squares (kopecks). One statement for any number of campaigns.
_PAID = """
SELECT campaign_id, count(*), coalesce(sum(paid), 0), coalesce(sum(paid * paid), 0) FROM (
    SELECT people.campaign_id, people.member_id, coalesce(sum(j.paid), 0)::numeric AS paid
    FROM ({people}) people
    JOIN unnest(
        %(campaigns)s::uuid[], %(businesses)s::uuid[],
        %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) AS span (campaign_id, business_id, since, until) ON span.campaign_id = people.campaign_id
    LEFT JOIN loyalty_journal j
      ON j.wallet_id = people.member_id AND j.business_id = span.business_id AND j.kind = 'earn'
     AND j.occurred_at >= span.since AND j.occurred_at < span.until
    GROUP BY people.campaign_id, people.member_id
) each GROUP BY campaign_id
"""
PAID_BY_REDEEMERS = _PAID.format(
    people="""SELECT DISTINCT campaign_id, member_id FROM coupons_redemption
    WHERE campaign_id = ANY(%(campaigns)s) AND returned_at IS NULL AND member_id IS NOT NULL"""
)
PAID_BY_HOLDERS = _PAID.format(
    people="""SELECT DISTINCT campaign_id, member_id FROM coupons_coupon
    WHERE campaign_id = ANY(%(campaigns)s) AND member_id IS NOT NULL"""
)
PAID_BY_HELD_OUT = _PAID.format(
    people="""SELECT campaign_id, member_id FROM coupons_heldout
    WHERE campaign_id = ANY(%(campaigns)s)"""
)

# Coupons of members issued in some days of the business's zone, how far each came (who redeemed has
# opened, who opened has seen), and what their redemptions cost; returned sales cost nothing.
STEPS = """
SELECT c.campaign_id,
       count(*) FILTER (
           WHERE coalesce(c.seen_at, c.opened_at) IS NOT NULL OR r.id IS NOT NULL),
       count(*) FILTER (WHERE c.opened_at IS NOT NULL OR r.id IS NOT NULL),
       coalesce(sum(r.discount), 0), coalesce(sum(r.bonus), 0)
FROM coupons_campaign k
JOIN businesses_business b ON b.id = k.business_id
JOIN coupons_coupon c ON c.campaign_id = k.id AND c.member_id IS NOT NULL
LEFT JOIN coupons_redemption r ON r.coupon_id = c.id AND r.returned_at IS NULL
WHERE (%(business)s::uuid IS NULL OR k.business_id = %(business)s)
  AND c.issued_at >= %(first)s::date - 2 AND c.issued_at < %(last)s::date + 2
  AND (c.issued_at AT TIME ZONE b.zone)::date BETWEEN %(first)s AND %(last)s
GROUP BY c.campaign_id
"""

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
