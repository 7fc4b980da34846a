"""Segments of 10 million rows against the plain query, and a partner's dashboard over a million
sales. `make bench` prints both."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from apps.analytics import door, rfm_queries, sql
from apps.analytics.services import generate_dashboard
from apps.core import clickhouse

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
DAY = date(2026, 10, 31)
ROUNDS = 5
FILL = """
INSERT INTO transaction_facts (transaction_id, sale_id, business_id, member, kind, category, source,
    amount, to_pay, bonus_accrued, bonus_spent, purchased_at, local_day, local_hour, local_weekday,
    closes, version)
SELECT reinterpretAsUUID(toUInt128(number) + 1) AS id, id,
       if({whole:UInt8}, {shop:UUID}, reinterpretAsUUID(toUInt128(cityHash64(number, 1) % 200))),
       reinterpretAsUUID(toUInt128(cityHash64(number, 2) % {guests:UInt64}) + 1),
       'purchase', 'salon', 'import', toDecimal64(100 + cityHash64(number, 3) % 9000, 2) AS paid,
       paid, 0, 0,
       toDateTime('2025-11-01 00:00:00', 'UTC') + (cityHash64(number, 4) % 365) * 86400
           + (cityHash64(number, 5) % 12 + 6) * 3600 AS moment,
       toDate(moment) AS day, toHour(moment), toDayOfWeek(day), 0, number
FROM numbers({rows:UInt64})
"""
# What the same figures cost without returns, thresholds and names: distinct days, three ranks.
PLAIN = """
SELECT count(), sum(r + f + m) FROM (
    SELECT 5 - intDiv(5 * (rank() OVER (ORDER BY recency) - 1), count() OVER ()) AS r,
           1 + intDiv(5 * (rank() OVER (ORDER BY frequency) - 1), count() OVER ()) AS f,
           1 + intDiv(5 * (rank() OVER (ORDER BY money) - 1), count() OVER ()) AS m
    FROM (
        SELECT member, dateDiff('day', max(local_day), {day:Date}) AS recency,
               uniqExact(local_day) AS frequency, sum(to_pay) AS money
        FROM transaction_facts WHERE :tenant AND local_day <= {day:Date} GROUP BY member
    )
)
"""
OURS = f"SELECT count(), sum(r + f + m) FROM ({sql.RFM})"


def fastest(*works: Callable[[], object]) -> list[float]:
    """The least of several rounds of each, in turn, so that a busy machine is busy for all."""
    best = [9e9] * len(works)
    for _ in range(ROUNDS):
        for number, work in enumerate(works):
            started = time.perf_counter()
            work()
            best[number] = min(best[number], time.perf_counter() - started)
    return best


def test_segments_of_ten_million_rows(facts, business, capsys):
    of = {"whole": 0, "shop": str(business.pk)}
    clickhouse.write("bench", FILL, rows=10_000_000, guests=500_000, **of)
    bound = rfm_queries.terms(business=None, day=DAY)

    plain, ours = fastest(
        lambda: door.read("plain", PLAIN, None, day=DAY),
        lambda: door.read("ours", OURS, None, **bound),
    )

    same = door.read("plain", PLAIN, None, day=DAY), door.read("ours", OURS, None, **bound)
    with capsys.disabled():
        print(f"\nRFM of 10,000,000 rows: plain {plain:.2f} s, ours {ours:.2f} s"
              f", {ours / plain:.2f}×")  # fmt: skip
    assert same[0] == same[1]
    assert ours < 1.5 * plain


def test_a_dashboard_over_a_million_sales(facts, business, capsys):
    of = {"whole": 1, "shop": str(business.pk)}
    clickhouse.write("bench", FILL, rows=1_000_000, guests=50_000, **of)

    [took] = fastest(lambda: generate_dashboard(business.pk, since=date(2026, 10, 2), until=DAY))

    shown = generate_dashboard(business.pk, since=date(2026, 10, 2), until=DAY).widgets
    with capsys.disabled():
        print(f"\nA dashboard over 1,000,000 sales: {took:.2f} s")
    assert Decimal(shown["kpis"]["revenue"]["value"]) > 0
    assert took < 1.5
