from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made while others write
    dependencies = [("core", "0005_jobrun")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(state="dead"), fields=["listener"], name="delivery_dead"
            ),
        ),
    ]
