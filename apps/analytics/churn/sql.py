"""Statements of churn. `:tenant` is put in by the door, as in `analytics.sql`."""

# One guest at one cut a row. Whatever is dated after the cut is not seen: not a return, not even
# that a receipt was later returned whole. The same statement makes rows to learn from and rows to
# score; `parts` and `part` take a share of the guests by hash.
HISTORIES = """
SELECT cut, member,
       toUInt32(dateDiff('day', maxIf(local_day, seen), cut)) AS recency,
       toUInt32(dateDiff('day', minIf(local_day, seen), cut)) AS tenure,
       uniqExactIf(local_day, seen) AS visits,
       uniqExactIf(local_day, seen AND local_day > cut - 90) AS visits_90,
       uniqExactIf(local_day, seen AND local_day > cut - 365) AS visits_year,
       toFloat64(sumIf(to_pay, local_day <= cut AND local_day > cut - 90)) AS money_90,
       toFloat64(sumIf(to_pay, local_day <= cut AND local_day > cut - 365)) AS money_year,
       uniqExactIf(local_weekday, seen AND local_day > cut - 365) AS weekdays,
       uniqExactIf(business_id, seen AND local_day > cut - 365) AS places,
       uniqExactIf(local_day, seen AND bonus_spent > 0 AND local_day > cut - 365) AS with_bonuses,
       argMaxIf(category, local_day, seen) AS last_category,
       toBool(countIf(after) = 0) AS gone
FROM (
    SELECT member, business_id, local_day, local_weekday, to_pay, bonus_spent, category, cut,
           kind = 'purchase' AND local_day <= cut
               AND (closed_on = toDate(0) OR closed_on > cut) AS seen,
           kind = 'purchase' AND local_day > cut
               AND (closed_on = toDate(0) OR closed_on > cut + {horizon:UInt16}) AS after
    FROM (
        SELECT member, business_id, local_day, local_weekday, to_pay, bonus_spent, category, kind,
               closed.day AS closed_on
        FROM transaction_facts
        LEFT JOIN (
            SELECT sale_id, min(local_day) AS day FROM transaction_facts
            WHERE :tenant AND closes = 1 AND local_day <= {until:Date} GROUP BY sale_id
        ) AS closed ON closed.sale_id = transaction_facts.sale_id
        WHERE :tenant AND local_day <= {until:Date}
          AND ({who:UUID} = toUUID('00000000-0000-0000-0000-000000000000') OR member = {who:UUID})
          AND cityHash64(member) % {parts:UInt32} = {part:UInt32}
    )
    ARRAY JOIN {cuts:Array(Date)} AS cut
    WHERE local_day <= cut + {horizon:UInt16}
)
GROUP BY cut, member HAVING countIf(seen) > 0 AND recency < {active:UInt32}
ORDER BY cut, member
"""

# All guests of a scope, lost ones too, as the models of `btyd` see them: repeat days, days from the
# first purchase to the last and to the day; and how many guests are alike in it.
ALIKE = """
SELECT visits - 1, span, age, count() FROM (
    SELECT uniqExact(local_day) AS visits,
           dateDiff('day', min(local_day), max(local_day)) AS span,
           dateDiff('day', min(local_day), {day:Date}) AS age
    FROM transaction_facts
    WHERE :tenant AND kind = 'purchase' AND local_day <= {day:Date}
      AND cityHash64(member) % {parts:UInt32} = 0
      AND sale_id NOT IN (
          SELECT sale_id FROM transaction_facts
          WHERE :tenant AND closes = 1 AND local_day <= {day:Date}
      )
    GROUP BY member
)
GROUP BY visits, span, age ORDER BY visits, span, age
"""

# The first purchase of a scope and how many guests it has.
EXTENT = """
SELECT min(local_day), uniqExact(member), count() FROM transaction_facts
WHERE :tenant AND kind = 'purchase' AND local_day <= {day:Date}
"""
# Repeat days, weeks to the last purchase and to the day, mean ₽ of a repeat day.
WORTHS = """
SELECT length(days) - 1, dateDiff('day', days[1], days[-1]) / 7,
       dateDiff('day', days[1], {day:Date}) / 7,
       if(length(days) > 1, toFloat64(money - first_money) / (length(days) - 1), 0)
FROM (
    SELECT arraySort(groupUniqArray(local_day)) AS days, sum(to_pay) AS money,
           sumIf(to_pay, local_day = first) AS first_money
    FROM (
        SELECT member, local_day, to_pay, min(local_day) OVER (PARTITION BY member) AS first
        FROM transaction_facts
        WHERE :tenant AND kind = 'purchase' AND local_day <= {day:Date}
    )
    GROUP BY member
)
WHERE money > 0
"""
BOUGHT = """
SELECT count() FROM transaction_facts
WHERE :tenant AND kind = 'purchase' AND local_day <= {day:Date} AND member = {member:UUID}
"""

OLDER_SCORES = """
DELETE FROM churn_scores
WHERE scope = {scope:String} AND business_id = {of:UUID} AND scored_on = {day:Date}
  AND computed_at < {at:DateTime64(6, 'UTC')}
"""
SCORES_OF_DAY = """
SELECT member, toFloat64(probability), band, held_out FROM churn_scores
WHERE scope = {scope:String} AND business_id = {of:UUID} AND scored_on = {day:Date}
"""
