"""Statements of the dashboards. `:tenant` is put in by the door, as in `sql`."""

# Without FINAL: copies of a row are alike, and a set holds each once.
_CLOSED = "SELECT sale_id FROM transaction_facts WHERE :tenant AND closes = 1 SETTINGS final = 0"

# Receipts of which nothing is left are no receipts; money is what stayed in the till.
FIGURES = f"""
SELECT period, sum(to_pay), uniqExactIf(sale_id, stands), uniqExactIf(member, stands),
       sum(bonus_accrued), sum(bonus_spent)
FROM (
    SELECT sale_id, member, to_pay, bonus_accrued, bonus_spent, local_day,
           kind = 'purchase' AND sale_id NOT IN ({_CLOSED}) AS stands
    FROM transaction_facts
    WHERE :tenant AND local_day >= arrayMin({{starts:Array(Date)}})
      AND local_day <= arrayMax({{ends:Array(Date)}})
)
ARRAY JOIN arrayFilter(
    one -> local_day >= {{starts:Array(Date)}}[one] AND local_day <= {{ends:Array(Date)}}[one],
    [1, 2, 3]
) AS period
GROUP BY period
"""  # noqa: S608 - constants of this file

_SERIES = """
SELECT {bucket} AS bucket, category, sum(to_pay), uniqExactIf(sale_id, kind = 'purchase'),
       uniqExactIf(member, kind = 'purchase')
FROM transaction_facts
WHERE :tenant AND local_day >= {{since:Date}} AND local_day <= {{until:Date}}
GROUP BY bucket, category ORDER BY bucket, category
"""
SERIES = {
    "day": _SERIES.format(bucket="local_day"),
    "week": _SERIES.format(bucket="toMonday(local_day)"),
    "month": _SERIES.format(bucket="toStartOfMonth(local_day)"),
}

NEW_AND_RETURNING = """
SELECT day, countIf(day = first), countIf(day > first)
FROM (
    SELECT min(local_day) AS first, groupUniqArrayIf(local_day, local_day >= {since:Date}) AS days
    FROM transaction_facts
    WHERE :tenant AND kind = 'purchase' AND local_day <= {until:Date}
    GROUP BY member
)
ARRAY JOIN days AS day GROUP BY day ORDER BY day
"""

REPEAT = """
SELECT countIf(days >= 2), count() FROM (
    SELECT member, uniqExact(local_day) AS days FROM transaction_facts
    WHERE :tenant AND kind = 'purchase'
      AND local_day >= {since:Date} AND local_day <= {until:Date}
    GROUP BY member
)
"""

# Months since the first purchase in which a guest bought; 999 when she bought on another day within
# 90 days of the first.
COHORTS = """
SELECT cohort, age, count()
FROM (
    SELECT min(local_day) AS first, groupUniqArray(local_day) AS days,
           toStartOfMonth(first) AS cohort,
           arrayDistinct(arrayMap(day -> dateDiff('month', cohort, day), days)) AS ages,
           arrayExists(day -> day > first AND day <= first + 90, days) AS again
    FROM transaction_facts
    WHERE :tenant AND kind = 'purchase' AND local_day <= {until:Date}
    GROUP BY member HAVING cohort >= {since:Date}
)
ARRAY JOIN if(again, arrayPushBack(ages, 999), ages) AS age GROUP BY cohort, age
ORDER BY cohort, age
"""

HOURS = """
SELECT local_weekday, local_hour, count(), sum(to_pay) FROM transaction_facts
WHERE :tenant AND kind = 'purchase' AND local_day >= {since:Date} AND local_day <= {until:Date}
GROUP BY local_weekday, local_hour ORDER BY local_weekday, local_hour
"""

BASKET = """
SELECT count(), quantileExact(0.1)(to_pay), quantileExact(0.5)(to_pay), quantileExact(0.9)(to_pay)
FROM transaction_facts
WHERE :tenant AND kind = 'purchase' AND local_day >= {since:Date} AND local_day <= {until:Date}
"""

# Coupons issued in the range, whenever they were redeemed; guests who bought on another day within
# 30 days of the redemption.
FUNNEL = """
SELECT issued.campaign_id, count(), countIf(redeemed.subject = issued.subject),
       sum(redeemed.amount)
FROM (SELECT subject, campaign_id FROM engagement_facts
      WHERE :tenant AND kind = 'coupon_issued'
        AND local_day >= {since:Date} AND local_day <= {until:Date}) AS issued
LEFT JOIN (SELECT subject, amount FROM engagement_facts
           WHERE :tenant AND kind = 'coupon_redeemed') AS redeemed
  ON redeemed.subject = issued.subject
GROUP BY issued.campaign_id ORDER BY issued.campaign_id
"""
CAME_AGAIN = """
SELECT redeemed.campaign_id, uniqExact(redeemed.member), uniqExactIf(redeemed.member,
       bought.local_day > redeemed.local_day AND bought.local_day <= redeemed.local_day + 30)
FROM (SELECT campaign_id, member, local_day FROM engagement_facts
      WHERE :tenant AND kind = 'coupon_redeemed'
        AND local_day >= {since:Date} AND local_day <= {until:Date}) AS redeemed
LEFT JOIN (SELECT member, local_day FROM transaction_facts
           WHERE :tenant AND kind = 'purchase' AND local_day >= {since:Date}) AS bought
  ON bought.member = redeemed.member
GROUP BY redeemed.campaign_id
"""

# Guests, visit days and ₽ of the last 90 days; guests of the 30 days before the last 30, and how
# many of them came in the last 30.
WORTH = """
SELECT countIf(recent > 0), sum(recent), greatest(sum(money), toDecimal64(0, 2)),
       countIf(before > 0), countIf(before > 0 AND now > 0)
FROM (
    SELECT member,
           uniqExactIf(local_day, kind = 'purchase') AS recent,
           sum(to_pay) AS money,
           countIf(kind = 'purchase' AND local_day > {until:Date} - 30) AS now,
           countIf(kind = 'purchase' AND local_day > {until:Date} - 60
                   AND local_day <= {until:Date} - 30) AS before
    FROM transaction_facts
    WHERE :tenant AND local_day > {until:Date} - 90 AND local_day <= {until:Date}
    GROUP BY member
)
"""

# --- the network -----------------------------------------------------------------------------------
# Bills before discounts and bonuses, less what came back; money kept by the till; receipts of which
# something is left; buyers. A partner that sold nothing has no row.
BY_PARTNER = f"""
SELECT business_id, sum(amount), sum(to_pay), uniqExactIf(sale_id, stands),
       uniqExactIf(member, stands)
FROM (
    SELECT business_id, sale_id, member, amount, to_pay,
           kind = 'purchase' AND sale_id NOT IN ({_CLOSED}) AS stands
    FROM transaction_facts
    WHERE :tenant AND local_day >= {{since:Date}} AND local_day <= {{until:Date}}
)
GROUP BY business_id ORDER BY 2 DESC, business_id
"""  # noqa: S608 - constants of this file

# Buyers of 30 days, and those of them who bought at two partners and more.
CROSS_VISITS = """
SELECT count(), countIf(places >= 2) FROM (
    SELECT member, uniqExact(business_id) AS places FROM transaction_facts
    WHERE :tenant AND kind = 'purchase'
      AND local_day > {until:Date} - 30 AND local_day <= {until:Date}
    GROUP BY member
)
"""

# Partners by the month of their first sale, and in how many months since they sold something.
PARTNER_COHORTS = """
SELECT cohort, dateDiff('month', cohort, month) AS age, count()
FROM (
    SELECT business_id, toStartOfMonth(min(local_day)) AS cohort,
           groupUniqArray(toStartOfMonth(local_day)) AS months
    FROM transaction_facts
    WHERE :tenant AND kind = 'purchase' AND local_day <= {until:Date}
    GROUP BY business_id HAVING cohort >= {since:Date}
)
ARRAY JOIN months AS month GROUP BY cohort, age ORDER BY cohort, age
"""
