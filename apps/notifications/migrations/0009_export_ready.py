"""Rows for the words of the kind `export_ready`."""

import importlib

from django.db import migrations

seed = importlib.import_module("apps.notifications.migrations.0003_words").seed


class Migration(migrations.Migration):
    dependencies = [("notifications", "0008_two_kinds")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
