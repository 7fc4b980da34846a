from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made while others write
    dependencies = [("notifications", "0009_export_ready")]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(fields=["at"], name="attempts_by_time"),
        ),
    ]
