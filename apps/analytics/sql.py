"""Statements for ClickHouse. `:tenant` is put in by the door (`door.read`): every read of facts
has it, one for each table that it names."""

# Days between purchases of the same guest.
GAPS = """
SELECT quantileExact(0.9)(gap), count() FROM (
    SELECT arrayJoin(arrayPopFront(arrayDifference(
        arraySort(groupUniqArray(toInt32(local_day)))))) AS gap
    FROM transaction_facts
    WHERE :tenant AND kind = 'purchase' AND local_day <= {day:Date}
    GROUP BY member
)
"""

# Receipts of which nothing is left count neither as visits nor as money. Members who bought
# nothing else by that day are not in the population. The set of such receipts is read without
# FINAL: copies of a row are alike, and a set holds each once (a third of the statement's time).
_PEOPLE = """
SELECT member,
       dateDiff('day', maxIf(local_day, buys), {day:Date}) AS recency,
       dateDiff('day', minIf(local_day, buys), {day:Date}) AS tenure,
       groupUniqArrayIf(local_day, buys AND local_day > {day:Date} - 365) AS days,
       toUInt64(length(days)) AS frequency,
       toUInt64(arrayCount(one -> one > {day:Date} - 180, days)) AS half_year,
       greatest(sumIf(to_pay, local_day > {day:Date} - 365), toDecimal64(0, 2)) AS money
FROM (
    SELECT member, local_day, to_pay,
           kind = 'purchase' AND sale_id NOT IN (
               SELECT sale_id FROM transaction_facts
               WHERE :tenant AND closes = 1 AND local_day <= {day:Date} SETTINGS final = 0
           ) AS buys
    FROM transaction_facts WHERE :tenant AND local_day <= {day:Date}
)
GROUP BY member HAVING countIf(buys) > 0
"""

_RANKED = f"""
SELECT member, recency, tenure, frequency, half_year, money,
       count() OVER () AS population,
       uniqExact(frequency) OVER () AS levels,
       5 - intDiv(5 * (rank() OVER (ORDER BY recency) - 1), count() OVER ()) AS quantile_r,
       1 + intDiv(5 * (rank() OVER (ORDER BY frequency) - 1), count() OVER ()) AS quantile_f,
       1 + intDiv(5 * (rank() OVER (ORDER BY money) - 1), count() OVER ()) AS quantile_m
FROM ({_PEOPLE})
"""  # noqa: S608 - constants of this file

_SCORED = f"""
SELECT *,
       multiIf(population > 1 AND population < 50, 'fixed',
               population < 200 OR levels < 5, 'preliminary', 'quantile') AS method,
       if(method = 'fixed',
           toUInt8(5 - arrayCount(edge -> recency > edge, {{recency_edges:Array(UInt32)}})),
           toUInt8(quantile_r)) AS r,
       if(method = 'fixed',
           toUInt8(1 + arrayCount(edge -> half_year >= edge, {{visit_edges:Array(UInt32)}})),
           toUInt8(quantile_f)) AS f,
       toUInt8(quantile_m) AS m,
       arrayElement({{grid:Array(String)}}, (r - 1) * 5 + f) AS cell
FROM ({_RANKED})
"""  # noqa: S608 - constants of this file

# One guest a row: integers only, so neither the order of rows nor ties matter.
RFM = f"""
SELECT member, toUInt32(recency) AS recency, toUInt32(frequency) AS frequency, money, r, f, m,
       multiIf(cell = 'new' AND tenure > 30, 'promising',
               cell = 'hibernating' AND r = 1 AND recency > {{horizon:UInt16}}, 'lost',
               cell) AS segment,
       toUInt32(population) AS population, method
FROM ({_SCORED})
"""  # noqa: S608 - constants of this file

KEEP_RFM = f"""
INSERT INTO rfm_snapshots (scope, business_id, snapshot_date, member, recency, frequency, money,
    r, f, m, segment, population, method, horizon, rule_version, computed_at)
SELECT {{scope:String}}, {{of:UUID}}, {{day:Date}}, member, recency, frequency, money, r, f, m,
       segment, population, method, {{horizon:UInt16}}, {{rule:UInt8}},
       {{at:DateTime64(6, 'UTC')}}
FROM ({RFM})
"""  # noqa: S608 - constants of this file

OLDER_RFM = """
SELECT count() FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND computed_at < {at:DateTime64(6, 'UTC')}
"""
# A guest who is no longer in the population of that day is not replaced: she is taken out.
FORGET_OLDER_RFM = """
DELETE FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND computed_at < {at:DateTime64(6, 'UTC')}
"""

RFM_CELLS = """
SELECT segment, r, f, method, any(population), count(), sum(money)
FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
GROUP BY segment, r, f, method ORDER BY segment, r, f
"""
RFM_OF = """
SELECT segment, r, f, m, recency, frequency, money, population, method
FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND member = {member:UUID}
"""
RFM_PAGE = """
SELECT member, recency, frequency, money, r, f, m, segment
FROM rfm_snapshots
WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
  AND member > {after:UUID}
ORDER BY member LIMIT {limit:UInt32}
"""
RFM_MOVES = """
SELECT before.segment, now.segment, count()
FROM (SELECT member, segment FROM rfm_snapshots
      WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {since:Date}
     ) AS before
INNER JOIN (SELECT member, segment FROM rfm_snapshots
      WHERE scope = {scope:String} AND business_id = {of:UUID} AND snapshot_date = {day:Date}
     ) AS now ON now.member = before.member
GROUP BY before.segment, now.segment ORDER BY before.segment, now.segment
"""
