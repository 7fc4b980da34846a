"""The set-based statements of chains. Only `services` and `queries` use them."""

VISITS = """
SELECT count(*) FROM loyalty_journal
WHERE wallet_id = %(member)s AND business_id = %(business)s AND kind = 'earn' AND paid > 0
  AND occurred_at <= %(until)s
"""
