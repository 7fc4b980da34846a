"""The set-based statements of chains. Only `services` and `queries` use them."""

HAS_STEPS = "SELECT 1 FROM crosspromo_step WHERE from_business_id = %s LIMIT 1"

VISITS = """
SELECT count(*) FROM loyalty_journal
WHERE wallet_id = %(member)s AND business_id = %(business)s AND kind = 'earn' AND paid > 0
  AND occurred_at <= %(until)s
"""

# Exposures by runs: one per guest, direction and window. Hours whose runs were all undone stay as
# rows of zeros, so that they replace what was counted before.
CONVERSIONS = """
WITH ways AS (
    SELECT s.version_id, s.from_business_id, s.to_business_id, c.id AS campaign_id, s.id AS step_id,
           least(30, c.valid_days + (s.delay_hours + 23) / 24) AS days
    FROM crosspromo_step s JOIN coupons_campaign c ON c.id = s.campaign_id
), runs AS (
    SELECT r.id, r.member_id, r.at, r.arm, r.trigger_id, w.from_business_id, w.to_business_id,
           w.step_id, w.days,
           r.undone_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM crosspromo_run e JOIN ways x
                   ON x.version_id = e.version_id AND x.from_business_id = e.from_business_id
                  AND x.to_business_id = w.to_business_id
               WHERE e.member_id = r.member_id AND e.from_business_id = r.from_business_id
                 AND e.undone_at IS NULL AND e.at > r.at - w.days * interval '1 day'
                 AND (e.at, e.id) < (r.at, r.id)
           ) AS counts
    FROM crosspromo_run r
    JOIN ways w ON w.version_id = r.version_id AND w.from_business_id = r.from_business_id
    WHERE r.at >= %(since)s AND r.at < %(until)s
), outcomes AS (
    SELECT runs.*, bought.paid, again.came, cost.*
    FROM runs
    LEFT JOIN LATERAL (
        SELECT sum(j.paid)::numeric / 100 AS paid FROM loyalty_journal j
        WHERE j.wallet_id = runs.member_id AND j.kind = 'earn' AND j.paid > 0
          AND j.business_id = runs.to_business_id
          AND j.occurred_at > runs.at AND j.occurred_at <= runs.at + runs.days * interval '1 day'
    ) bought ON true
    LEFT JOIN LATERAL (
        SELECT true AS came FROM loyalty_journal j
        WHERE j.wallet_id = runs.member_id AND j.kind = 'earn' AND j.paid > 0
          AND j.business_id = runs.from_business_id AND j.key <> runs.trigger_id::text
          AND j.occurred_at > runs.at AND j.occurred_at <= runs.at + runs.days * interval '1 day'
        LIMIT 1
    ) again ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(d.discount), 0) AS discount, coalesce(sum(d.bonus), 0) AS bonus_cost,
               coalesce(sum(f_to.share * d.bonus / 100), 0) AS bonus_to,
               coalesce(sum(f_from.share * d.bonus / 100), 0) AS bonus_from,
               coalesce(sum(h.to_share), 0) AS share_to,
               coalesce(sum(h.from_share), 0) AS share_from, coalesce(sum(h.fee), 0) AS fee
        FROM crosspromo_mint m
        JOIN coupons_redemption d ON d.coupon_id = m.coupon_id AND d.returned_at IS NULL
        LEFT JOIN coupons_funder f_to
          ON f_to.campaign_id = d.campaign_id AND f_to.business_id = runs.to_business_id
        LEFT JOIN coupons_funder f_from
          ON f_from.campaign_id = d.campaign_id AND f_from.business_id = runs.from_business_id
        LEFT JOIN LATERAL (
            SELECT sum(amount) FILTER (WHERE kind = 'share' AND payer_id = runs.to_business_id)
                       AS to_share,
                   sum(amount) FILTER (WHERE kind = 'share' AND payer_id = runs.from_business_id)
                       AS from_share,
                   sum(amount) FILTER (WHERE kind = 'fee') AS fee
            FROM coupons_charge WHERE redemption_id = d.id
        ) h ON true
        WHERE m.run_id = runs.id AND m.step_id = runs.step_id
    ) cost ON true
)
SELECT days, date_trunc('hour', at) AS hour, from_business_id, to_business_id, arm,
       count(*) FILTER (WHERE counts),
       count(*) FILTER (WHERE counts AND paid IS NOT NULL),
       count(*) FILTER (WHERE counts AND came),
       coalesce(sum(paid) FILTER (WHERE counts), 0),
       coalesce(sum(paid * paid) FILTER (WHERE counts), 0),
       coalesce(sum(discount) FILTER (WHERE counts), 0),
       coalesce(sum(bonus_cost) FILTER (WHERE counts), 0),
       coalesce(sum(share_to + bonus_to) FILTER (WHERE counts), 0),
       coalesce(sum(share_from + bonus_from) FILTER (WHERE counts), 0),
       coalesce(sum(fee) FILTER (WHERE counts), 0)
FROM outcomes GROUP BY 1, 2, 3, 4, 5
"""

# The organic level: guests of A in the 90 days before the chain went live, once each, and whether
# they came to B within the window by themselves.
BEFORE = """
WITH ways AS (
    SELECT s.from_business_id, s.to_business_id, min(v.published_at) AS launched,
           max(least(30, c.valid_days + (s.delay_hours + 23) / 24)) AS days
    FROM crosspromo_step s
    JOIN crosspromo_version v ON v.id = s.version_id AND v.published_at IS NOT NULL
    JOIN coupons_campaign c ON c.id = s.campaign_id
    GROUP BY 1, 2
), guests AS (
    SELECT w.*, j.wallet_id, min(j.occurred_at) AS at
    FROM ways w JOIN loyalty_journal j
      ON j.business_id = w.from_business_id AND j.kind = 'earn' AND j.paid > 0
     AND j.occurred_at >= w.launched - interval '90 days'
     AND j.occurred_at < w.launched - w.days * interval '1 day'
    WHERE w.launched >= %(launched)s
    GROUP BY w.from_business_id, w.to_business_id, w.launched, w.days, j.wallet_id
)
SELECT g.days, date_trunc('hour', g.at) AS hour, g.from_business_id, g.to_business_id, 'before',
       count(*), count(b.paid), 0,
       coalesce(sum(b.paid), 0), coalesce(sum(b.paid * b.paid), 0), 0, 0, 0, 0, 0
FROM guests g
LEFT JOIN LATERAL (
    SELECT sum(j.paid)::numeric / 100 AS paid FROM loyalty_journal j
    WHERE j.wallet_id = g.wallet_id AND j.kind = 'earn' AND j.paid > 0
      AND j.business_id = g.to_business_id
      AND j.occurred_at > g.at AND j.occurred_at <= g.at + g.days * interval '1 day'
) b ON true
GROUP BY 1, 2, 3, 4
"""

RECEIPTS = """
SELECT business_id, sum(paid)::float8 / 100 / count(*) FROM loyalty_journal
WHERE kind = 'earn' AND paid > 0 AND occurred_at >= %(since)s AND posted_at >= %(since)s
GROUP BY business_id
"""

# Who buys where: guests of each partner and of each two of them, over half a year.
TOGETHER = """
WITH guests AS (
    SELECT DISTINCT wallet_id, business_id FROM loyalty_journal
    WHERE kind = 'earn' AND paid > 0 AND occurred_at >= %(since)s AND occurred_at <= %(at)s
)
SELECT a.business_id, b.business_id, count(*) FROM guests a
JOIN guests b ON b.wallet_id = a.wallet_id
GROUP BY 1, 2
"""
GUESTS = """
SELECT count(DISTINCT wallet_id) FROM loyalty_journal
WHERE kind = 'earn' AND paid > 0 AND occurred_at >= %(since)s AND occurred_at <= %(at)s
"""
MONTHLY = """
SELECT business_id, count(*), count(DISTINCT wallet_id) FROM loyalty_journal
WHERE kind = 'earn' AND paid > 0 AND occurred_at >= %(since)s AND occurred_at <= %(at)s
GROUP BY 1
"""
VISITED = """
SELECT DISTINCT business_id FROM loyalty_journal
WHERE wallet_id = %(member)s AND kind = 'earn' AND paid > 0 AND occurred_at >= %(since)s
"""

# Purchases that a step would have looked at, each with what she then paid at the receiver first.
# Categories of a receipt's lines stand in the rule that its journal row keeps.
REPLAY = """
SELECT p.id, p.wallet_id, p.occurred_at, p.visit, later.occurred_at, later.paid FROM (
    SELECT id, wallet_id, occurred_at, paid, rule,
           row_number() OVER (PARTITION BY wallet_id ORDER BY occurred_at, id) AS visit
    FROM loyalty_journal
    WHERE business_id = %(sender)s AND kind = 'earn' AND paid > 0 AND wallet_id IS NOT NULL
) p
LEFT JOIN LATERAL (
    SELECT j.occurred_at, j.paid FROM loyalty_journal j
    WHERE j.wallet_id = p.wallet_id AND j.kind = 'earn' AND j.paid >= %(min_bill)s AND j.paid > 0
      AND j.business_id = %(receiver)s
      AND j.occurred_at > p.occurred_at + %(delay)s AND j.occurred_at <= %(at)s
      AND j.occurred_at <= p.occurred_at + %(delay)s + %(valid)s
    ORDER BY j.occurred_at LIMIT 1
) later ON true
WHERE p.occurred_at >= %(since)s AND p.occurred_at <= %(at)s AND p.paid >= %(min_paid)s
  AND (%(category)s = '' OR EXISTS (
      SELECT 1 FROM jsonb_array_elements_text(coalesce(p.rule -> 'categories', '[]')) said
      WHERE lower(said) = lower(%(category)s)
  ))
ORDER BY p.occurred_at, p.id
"""
# The first bill at the receiver after each of some moments.
REPLAY_NEXT = """
SELECT g.member, later.occurred_at, later.paid
FROM unnest(%(members)s::uuid[], %(due)s::timestamptz[]) AS g (member, due)
JOIN LATERAL (
    SELECT j.occurred_at, j.paid FROM loyalty_journal j
    WHERE j.wallet_id = g.member AND j.kind = 'earn' AND j.paid >= %(min_bill)s AND j.paid > 0
      AND j.business_id = %(receiver)s
      AND j.occurred_at > g.due + %(delay)s AND j.occurred_at <= %(at)s
      AND j.occurred_at <= g.due + %(delay)s + %(valid)s
    ORDER BY j.occurred_at LIMIT 1
) later ON true
"""
LATEST_GUEST = """
SELECT wallet_id FROM loyalty_journal
WHERE business_id = %(business)s AND kind = 'earn' AND paid > 0 AND wallet_id IS NOT NULL
ORDER BY posted_at DESC LIMIT 1
"""
IS_GUEST = """
SELECT 1 FROM loyalty_journal
WHERE wallet_id = %(member)s AND kind = 'earn' AND business_id = ANY(%(businesses)s) LIMIT 1
"""

FUNNEL = """
WITH runs AS (
    SELECT from_business_id, arm, count(*) AS number FROM crosspromo_run
    WHERE version_id = %(version)s AND undone_at IS NULL GROUP BY 1, 2
)
SELECT s.id,
       coalesce((SELECT sum(number)::int FROM runs
                 WHERE runs.from_business_id = s.from_business_id), 0),
       coalesce((SELECT sum(number)::int FROM runs
                 WHERE runs.from_business_id = s.from_business_id AND arm = 'control'), 0),
       count(m.id), count(c.seen_at), count(r.id),
       coalesce(sum(r.discount), 0), coalesce(sum(r.bonus), 0),
       coalesce(sum(r.amount - r.discount), 0)
FROM crosspromo_step s
LEFT JOIN crosspromo_mint m ON m.step_id = s.id
LEFT JOIN coupons_coupon c ON c.id = m.coupon_id
LEFT JOIN coupons_redemption r ON r.coupon_id = c.id AND r.returned_at IS NULL
WHERE s.version_id = %(version)s
GROUP BY s.id
"""

# Chains by what their steps brought since a moment; of a partner the steps that begin or end at it.
# Steps that touch a clinic are left out.
TOP = """
WITH shown AS (
    SELECT s.id, s.version_id, s.from_business_id, v.chain_id
    FROM crosspromo_step s
    JOIN crosspromo_version v ON v.id = s.version_id
    JOIN businesses_business a ON a.id = s.from_business_id
    JOIN businesses_business b ON b.id = s.to_business_id
    WHERE a.category NOT IN ('dental', 'medical') AND b.category NOT IN ('dental', 'medical')
      AND (%(business)s::uuid IS NULL
           OR %(business)s IN (s.from_business_id, s.to_business_id))
), exposed AS (
    SELECT w.chain_id, count(DISTINCT r.id) FILTER (WHERE r.arm = 'treated') AS exposed,
           count(DISTINCT r.id) FILTER (WHERE r.arm = 'control') AS held
    FROM shown w
    JOIN crosspromo_run r
      ON r.version_id = w.version_id AND r.from_business_id = w.from_business_id
    WHERE r.undone_at IS NULL AND r.at >= %(since)s
    GROUP BY w.chain_id
), used AS (
    SELECT w.chain_id, count(*) AS redeemed, sum(d.amount - d.discount) AS revenue,
           sum(d.discount + d.bonus) AS cost
    FROM shown w
    JOIN crosspromo_mint m ON m.step_id = w.id
    JOIN crosspromo_run r ON r.id = m.run_id AND r.undone_at IS NULL AND r.at >= %(since)s
    JOIN coupons_redemption d ON d.coupon_id = m.coupon_id AND d.returned_at IS NULL
    GROUP BY w.chain_id
)
SELECT c.id, c.name, e.exposed, e.held, coalesce(u.redeemed, 0), coalesce(u.revenue, 0),
       coalesce(u.cost, 0)
FROM exposed e
JOIN crosspromo_chain c ON c.id = e.chain_id
LEFT JOIN used u ON u.chain_id = e.chain_id
ORDER BY 5 DESC, 6 DESC, c.name LIMIT %(limit)s
"""
