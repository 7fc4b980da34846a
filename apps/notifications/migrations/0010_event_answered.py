"""Rows for the words of the kind `event_answered`."""

import importlib

from django.db import migrations

seed = importlib.import_module("apps.notifications.migrations.0003_words").seed


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_export_ready")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
