"""The one row of limits on SMS codes, with the defaults of the model."""

from django.db import migrations


def seed(apps, schema_editor):
    apps.get_model("accounts", "CodeLimits").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_codes_devices_cards")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
