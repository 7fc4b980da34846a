"""The network's own row: issuer of the bonuses that no partner pays for."""

from django.db import migrations


def seed(apps, schema_editor):
    apps.get_model("businesses", "Business").objects.get_or_create(
        is_network=True,
        defaults={"slug": "krug", "name": "Свой Круг", "category": "network"},
    )


class Migration(migrations.Migration):
    dependencies = [("businesses", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
