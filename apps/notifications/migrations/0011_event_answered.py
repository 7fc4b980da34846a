"""Rows for the words of the kind `event_answered`."""

import importlib

from django.db import migrations

seed = importlib.import_module("apps.notifications.migrations.0003_words").seed


class Migration(migrations.Migration):
    dependencies = [("notifications", "0010_attempts_by_time")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
