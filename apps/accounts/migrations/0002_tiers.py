"""The four tiers with the numbers of product.md. Rows an admin may change afterwards."""

from django.db import migrations

TIERS = [
    # code, name, position, rate_bp, threshold, min_partners, vote_weight, by_invitation
    ("insider", "Insider", 1, 500, 0, 1, 1, False),
    ("vip", "VIP", 2, 700, 60_000, 1, 1, False),
    ("elite", "Elite", 3, 1000, 180_000, 2, 3, False),
    ("inner_circle", "Inner Circle", 4, 1000, None, 1, 3, True),
]


def seed(apps, schema_editor):
    tier = apps.get_model("accounts", "StatusTier")
    for code, name, position, rate_bp, threshold, partners, weight, invited in TIERS:
        tier.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "position": position,
                "rate_bp": rate_bp,
                "threshold": threshold,
                "min_partners": partners,
                "vote_weight": weight,
                "by_invitation": invited,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
