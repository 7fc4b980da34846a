"""Answers kept for repeats are sealed from now on; those in clear go. A key lives a day: at most a
repeat that crosses this deployment is answered as new by the till's own key of the sale."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit_lookups")]
    operations = [
        migrations.RunSQL("DELETE FROM core_idempotencykey", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="idempotencykey",
            name="answer",
            field=models.TextField(help_text="JSON of `data` as first answered, sealed"),
        ),
    ]
