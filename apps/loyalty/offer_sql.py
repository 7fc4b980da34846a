"""The statements of offers. Every sale runs the first one; the counters move for capped offers."""

COLUMNS = """
       v.offer_id, v.id, v.number, v.name, o.business_id, b.is_network, v.kind, v.value, v.priority,
       v.exclusive_group, v.tiers, v.segment, v.categories, v.weekdays, v.hour_from, v.hour_to,
       v.first_purchase, v.birthday_days, v.min_amount, v.every_nth, v.cap_member, v.cap_day,
       v.budget,
       (SELECT json_agg(json_build_array(f.business_id, f.share_bp) ORDER BY f.position)
        FROM loyalty_offerfunder f WHERE f.version_id = v.id)
"""

# What is in force at a moment for a purchase at a business, with what the rules must know of her
# past: earlier purchases in the programme, and what she was already given once. By the moment of
# the purchase, not of its booking: a late receipt is judged as on its own day.
IN_FORCE = f"""
SELECT {COLUMNS},
       CASE WHEN v.first_purchase OR v.every_nth IS NOT NULL THEN (
           SELECT count(*) FROM loyalty_journal j
           WHERE j.wallet_id = %(member)s AND j.kind = 'earn' AND j.scope = 'earn' AND j.paid > 0
             AND j.occurred_at < %(at)s AND (b.is_network OR j.business_id = s.business_id)
       ) ELSE 0 END,
       CASE WHEN v.first_purchase OR v.birthday_days IS NOT NULL THEN ARRAY(
           SELECT u.once_key FROM loyalty_offeruse u
           WHERE u.wallet_id = %(member)s AND u.offer_id = o.id AND u.once_key IS NOT NULL
       ) ELSE '{{}}' END,
       v.away_days,
       CASE WHEN v.away_days IS NOT NULL THEN (
           SELECT max(j.occurred_at) FROM loyalty_journal j
           WHERE j.wallet_id = %(member)s AND j.kind = 'earn' AND j.scope = 'earn' AND j.paid > 0
             AND j.occurred_at < %(at)s AND (b.is_network OR j.business_id = s.business_id)
       ) END
FROM loyalty_offerspan s
JOIN loyalty_offerversion v ON v.id = s.version_id
JOIN loyalty_offerconstructor o ON o.id = s.offer_id
JOIN businesses_business b ON b.id = s.business_id
WHERE s.until > %(at)s AND s.since <= %(at)s
  AND (%(business)s::uuid IS NULL OR s.business_id = %(business)s OR b.is_network)
"""  # noqa: S608 - put together from constants of this module

# Locks the counters in one order, making those that are missing, and says how much is used.
TAKE_COUNTERS = """
INSERT INTO loyalty_counter (scope, period, used)
SELECT c.scope, c.period, 0 FROM unnest(%(scopes)s::text[], %(periods)s::text[]) c(scope, period)
ORDER BY c.scope, c.period
ON CONFLICT (scope, period) DO UPDATE SET used = loyalty_counter.used
RETURNING scope, period, used
"""
READ_COUNTERS = """
SELECT c.scope, c.period, c.used FROM loyalty_counter c
JOIN unnest(%(scopes)s::text[], %(periods)s::text[]) w(scope, period)
  ON c.scope = w.scope AND c.period = w.period
"""
# The one conditional update: as many rows as were asked, or a limit would be broken.
USE_COUNTERS = """
UPDATE loyalty_counter c SET used = c.used + w.amount
FROM unnest(%(scopes)s::text[], %(periods)s::text[], %(amounts)s::bigint[], %(limits)s::bigint[])
     w(scope, period, amount, most)
WHERE c.scope = w.scope AND c.period = w.period AND c.used + w.amount <= w.most
RETURNING c.scope, c.period, c.used
"""

# What a return takes back of an offer is free to be given again: on the very counters that the
# version of the purchase counted against, the day's by the purchase's own day. Locked in the order
# of TAKE_COUNTERS.
GIVE_BACK = """
WITH back AS (
    SELECT c.scope, c.period, sum(u.amount)::bigint AS amount
    FROM unnest(%(versions)s::uuid[], %(amounts)s::bigint[]) u(version, amount)
    JOIN loyalty_offerversion v ON v.id = u.version
    JOIN businesses_business b ON b.id = %(business)s
    CROSS JOIN LATERAL (VALUES
        ('offer:' || v.offer_id, '', v.budget),
        ('offer:' || v.offer_id || ':day',
         to_char(%(at)s::timestamptz AT TIME ZONE b.zone, 'YYYY-MM-DD'), v.cap_day),
        ('offer:' || v.offer_id || ':member:' || %(wallet)s::text, '', v.cap_member)
    ) c(scope, period, most)
    WHERE c.most IS NOT NULL GROUP BY c.scope, c.period
), ours AS (
    SELECT c.id, back.amount FROM loyalty_counter c JOIN back USING (scope, period)
    ORDER BY c.scope, c.period FOR UPDATE OF c
)
UPDATE loyalty_counter c SET used = c.used - ours.amount
FROM ours WHERE c.id = ours.id AND c.used >= ours.amount
"""

# Lots of one accrual, one a funder; born and woken in one statement.
BIRTHS = """
INSERT INTO loyalty_lot
    (wallet_id, issuer_id, journal_id, amount, pending, available, held, spent, expired, revoked,
     clawed, scope_id, rate_bp, activates_at, expires_at)
SELECT %(wallet)s::uuid, f.issuer, %(journal)s::uuid, f.amount, f.amount, 0, 0, 0, 0, 0,
       0, NULL, %(rate_bp)s, %(activates_at)s::timestamptz, %(expires_at)s::timestamptz
FROM unnest(%(issuers)s::uuid[], %(amounts)s::bigint[]) WITH ORDINALITY f(issuer, amount, place)
ORDER BY f.place
RETURNING id, amount
"""
BIRTHS_AND_WAKE = f"""
WITH born AS ({BIRTHS})
INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount)
SELECT %(journal)s::uuid, id, 'pending', 'available', amount FROM born
"""  # noqa: S608 - put together from constants of this module

USES = """
INSERT INTO loyalty_offeruse
    (id, offer_id, version_id, wallet_id, journal_id, wanted, granted, once_key, at)
SELECT u.id, u.offer, u.version, %(wallet)s::uuid, %(journal)s::uuid, u.wanted, u.granted,
       u.once_key, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(offers)s::uuid[], %(versions)s::uuid[], %(wanted)s::bigint[],
            %(granted)s::bigint[], %(once_keys)s::text[])
     u(id, offer, version, wanted, granted, once_key)
"""

# Guests of a business whom an offer speaks to: bought there since, have one of these tiers, stand
# in this list, and their last purchase is old enough. Empty and null ask for nothing.
AUDIENCE = """
SELECT count(*) FROM (
    SELECT j.wallet_id, max(j.occurred_at) AS last FROM loyalty_journal j
    WHERE j.business_id = %(business)s AND j.kind = 'earn' AND j.scope = 'earn' AND j.paid > 0
      AND j.occurred_at >= %(since)s AND j.occurred_at < %(at)s
    GROUP BY j.wallet_id
) g
JOIN accounts_user u ON u.id = g.wallet_id
JOIN accounts_statustier t ON t.id = u.tier_id
WHERE u.erased_at IS NULL
  AND (cardinality(%(tiers)s::text[]) = 0 OR t.code = ANY(%(tiers)s::text[]))
  AND (%(segment)s::text = '' OR EXISTS (
      SELECT 1 FROM loyalty_segmententry s WHERE s.member_id = u.id AND s.code = %(segment)s))
  AND (%(away)s::int IS NULL OR g.last < %(at)s::timestamptz - make_interval(days => %(away)s::int))
"""
