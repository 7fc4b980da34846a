"""Rows for the words that tell what became of a proposal."""

import importlib

from django.db import migrations

seed = importlib.import_module("apps.notifications.migrations.0003_words").seed


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_phone_changed")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
