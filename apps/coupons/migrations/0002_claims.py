"""Charges that stand become claims, so that the next close of a month settles them."""

from django.db import migrations

CLAIMS = """
INSERT INTO loyalty_claim (debtor_id, creditor_id, kind, amount, ref, recorded_at)
SELECT c.payer_id, c.payee_id, CASE c.kind WHEN 'share' THEN 'discount' ELSE 'fee' END,
       (c.amount * 100)::bigint, r.id, r.at
FROM coupons_charge c JOIN coupons_redemption r ON r.id = c.redemption_id
WHERE r.returned_at IS NULL AND c.payer_id <> c.payee_id ORDER BY c.id
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0001_initial"), ("loyalty", "0012_claims")]
    operations = [migrations.RunSQL(CLAIMS, migrations.RunSQL.noop)]
