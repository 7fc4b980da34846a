from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made while others write
    dependencies = [("core", "0006_delivery_dead")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "waiting"))
                & ~models.Q(("listener__endswith", "@batch")),
                fields=["due_at", "sequence"],
                name="delivery_due",
            ),
        ),
    ]
