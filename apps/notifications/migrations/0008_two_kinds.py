"""Rows for the words of the kinds `offer_budget_low` and `gift_sent`."""

import importlib

from django.db import migrations

seed = importlib.import_module("apps.notifications.migrations.0003_words").seed


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_stop_codes")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
