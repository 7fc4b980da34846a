"""Statements about bonuses. `:tenant` is put in by the door: a partner sees lots it pays for."""

_OPEN = "('pending', 'available', 'held')"

# Lots by what is left of them at the end of a day.
_LEFT = f"""
SELECT lot_id, any(born_on) AS born, any(expires_on) AS expires, any(rate_bp) AS rate,
       sumIf(amount, dst IN {_OPEN}) - sumIf(amount, src IN {_OPEN}) AS left
FROM bonus_facts WHERE :tenant AND local_day <= {{day:Date}}
GROUP BY lot_id HAVING left > 0
"""  # noqa: S608 - constants of this file
LIABILITY = f"""
SELECT sum(left), sum(left * rate / 10000),
       sumIf(left, {{day:Date}} - born <= 30),
       sumIf(left, {{day:Date}} - born > 30 AND {{day:Date}} - born <= 90),
       sumIf(left, {{day:Date}} - born > 90)
FROM ({_LEFT})
"""  # noqa: S608 - constants of this file
EARN_AND_BURN = """
SELECT sumIf(amount, stream = 'born'),
       sumIf(amount, dst = 'spent') - sumIf(amount, src = 'spent'),
       sumIf(amount, dst = 'expired'), sumIf(amount, dst = 'revoked')
FROM bonus_facts
WHERE :tenant AND local_day >= {since:Date} AND local_day <= {until:Date}
"""
# For each tenth day of a bonus's life: how much was spent, and how much left the risk otherwise
# (lapsed, taken back, or is younger than that today). What is spent and returned nets out.
LIVES = f"""
SELECT least(intDiv(age, 10), 9) AS step, sum(spent), sum(gone) FROM (
    SELECT toInt64(local_day - born_on) AS age,
           multiIf(dst = 'spent', amount, src = 'spent', -amount, toDecimal64(0, 2)) AS spent,
           if(src IN {_OPEN} AND dst IN ('expired', 'revoked'), amount, toDecimal64(0, 2)) AS gone
    FROM bonus_facts WHERE :tenant AND stream = 'moved' AND local_day <= {{day:Date}}
    UNION ALL
    SELECT toInt64({{day:Date}} - born), toDecimal64(0, 2), left FROM ({_LEFT})
)
GROUP BY step ORDER BY step
"""  # noqa: S608 - constants of this file
COHORTS = """
SELECT toStartOfMonth(born_on) AS month, sumIf(amount, stream = 'born'),
       sumIf(amount, dst = 'spent') - sumIf(amount, src = 'spent'), sumIf(amount, dst = 'expired')
FROM bonus_facts WHERE :tenant AND local_day <= {day:Date}
GROUP BY month HAVING max(expires_on) < {day:Date} ORDER BY month DESC LIMIT 12
"""
