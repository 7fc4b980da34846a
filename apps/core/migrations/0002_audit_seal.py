"""The hash chain over audit rows."""

import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entry_id", models.BigIntegerField(unique=True)),
                ("last_id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("row", "row"), ("gap", "gap")], default="row", max_length=4
                    ),
                ),
                ("hash", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "audit seal",
                "verbose_name_plural": "audit seals",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "row"), ("last_id", models.F("entry_id"))),
                            models.Q(("kind", "gap"), ("last_id__gte", models.F("entry_id"))),
                            _connector="OR",
                        ),
                        name="seal_of_row_or_gap",
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3b70e42d7910ae78e584037e25d74d7c75e2b731",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_append_only_610f9",
                    table="core_auditseal",
                    when="BEFORE",
                ),
            ),
        ),
    ]
