"""What a dashboard takes of the partners' own books: how much of the revenue comes from members."""

from datetime import date
from typing import Any

from django.db import connection

from apps.businesses.models import Business
from apps.crm.enums import BY_PHONE

# Documents of nobody, by business; a business whose system sent none in these days is not told of.
# Cancelled, ignored and unbelievable ones are no revenue.
SHARE = """
WITH told AS (
    SELECT i.business_id,
           coalesce(sum(CASE WHEN r.kind = 'refund' THEN -r.amount ELSE r.amount END) FILTER (
               WHERE r.state = 'unclaimed' OR r.state = 'quarantine' AND r.reason = ANY(%(nobody)s)
           ), 0) AS others
    FROM crm_externalrecord r
    JOIN crm_crmintegration i ON i.id = r.integration_id
    JOIN businesses_business b ON b.id = i.business_id
    WHERE NOT r.gone AND (%(business)s::uuid IS NULL OR i.business_id = %(business)s)
      AND r.occurred_at >= %(first)s::date - 2 AND r.occurred_at < %(last)s::date + 2
      AND (r.occurred_at AT TIME ZONE b.zone)::date BETWEEN %(first)s AND %(last)s
    GROUP BY i.business_id
), sold AS (
    SELECT t.business_id, sum(t.amount - t.returned) AS members
    FROM transactions_transaction t
    JOIN told USING (business_id)
    JOIN businesses_business b ON b.id = t.business_id
    WHERE t.occurred_at >= %(first)s::date - 2 AND t.occurred_at < %(last)s::date + 2
      AND (t.occurred_at AT TIME ZONE b.zone)::date BETWEEN %(first)s AND %(last)s
    GROUP BY t.business_id
)
SELECT count(*), coalesce(sum(sold.members), 0), coalesce(sum(greatest(told.others, 0)), 0)
FROM told LEFT JOIN sold USING (business_id)
"""


def members_share(business: Business | None, since: date, until: date) -> dict[str, Any] | None:
    """Share of revenue from members = bills of members ÷ (bills of members + bills of guests who
    are none), in %, bills net of returns, ₽. Guests who are no members are known from the partner's
    own system only: None while none is connected or it sent nothing in these days. Of the network:
    the partners whose systems sent something, `partners` of them."""
    values = {
        "business": business.pk if business else None,
        "first": since,
        "last": until,
        "nobody": [reason.value for reason in BY_PHONE],
    }
    with connection.cursor() as cursor:
        cursor.execute(SHARE, values)
        partners, members, others = cursor.fetchone()
    total = members + others
    if not partners or total <= 0:
        return None
    return {
        "partners": partners,
        "members": f"{members:.2f}",
        "others": f"{others:.2f}",
        "share": round(float(100 * members / total), 1),
    }
