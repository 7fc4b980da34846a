"""Consents, privacy requests, erasures; what an erased person may not hold; surrogates by a salt."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.core.ids
import apps.core.sealing


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_tiers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("personal_data", "personal data"),
                            ("special_data", "data about health"),
                            ("marketing_push", "advertising by push"),
                            ("marketing_sms", "advertising by SMS"),
                            ("marketing_email", "advertising by e-mail"),
                        ],
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                ("given", models.BooleanField(verbose_name="given")),
                ("version", models.PositiveIntegerField(verbose_name="version of the text")),
                ("text_sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField(verbose_name="time")),
                (
                    "proof",
                    models.CharField(
                        blank=True,
                        help_text="How it is known to be her: session:<id> or code:<id>",
                        max_length=80,
                    ),
                ),
                ("address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("language", models.CharField(max_length=2, verbose_name="language")),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "purpose__in",
                                [
                                    "personal_data",
                                    "special_data",
                                    "marketing_push",
                                    "marketing_sms",
                                    "marketing_email",
                                ],
                            )
                        ),
                        name="consent_purpose_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("personal_data", "personal data"),
                            ("special_data", "data about health"),
                            ("marketing_push", "advertising by push"),
                            ("marketing_sms", "advertising by SMS"),
                            ("marketing_email", "advertising by e-mail"),
                        ],
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("text_ru", models.TextField(verbose_name="text in Russian")),
                ("text_en", models.TextField(verbose_name="text in English")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "published_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="published"
                    ),
                ),
            ],
            options={
                "verbose_name": "consent text",
                "verbose_name_plural": "consent texts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("purpose", "version"), name="one_text_per_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "purpose__in",
                                [
                                    "personal_data",
                                    "special_data",
                                    "marketing_push",
                                    "marketing_sms",
                                    "marketing_email",
                                ],
                            )
                        ),
                        name="consent_text_purpose_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person_id", models.UUIDField(unique=True)),
                ("at", models.DateTimeField(verbose_name="time")),
                ("because", models.CharField(max_length=40, verbose_name="because")),
                ("by_id", models.UUIDField(help_text="Empty for jobs and commands", null=True)),
                (
                    "fields",
                    models.JSONField(
                        default=list, help_text="Names of what was destroyed, no values"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
            },
        ),
        migrations.CreateModel(
            name="PrivacyRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("erasure", "erasure")], max_length=12, verbose_name="kind"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("taken_back", "taken back")],
                        default="open",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
            ],
            options={
                "verbose_name": "privacy request",
                "verbose_name_plural": "privacy requests",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["due_at"],
                        name="privacy_request_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["erasure"])),
                        name="privacy_request_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(
                                ("closed_at__isnull", False), ("state__in", ["done", "taken_back"])
                            ),
                            _connector="OR",
                        ),
                        name="closed_privacy_request_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_at__gte", models.F("received_at"))),
                        name="privacy_request_due_later",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="erased_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="erased"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="surrogate_salt",
            field=models.CharField(
                default=apps.core.sealing.new_surrogate_salt, editable=False, max_length=32
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="data_key",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True),
                    models.Q(
                        ("birth_date_sealed", ""),
                        ("city", ""),
                        ("data_key", ""),
                        ("email_index__isnull", True),
                        ("email_sealed", ""),
                        ("first_name", ""),
                        ("job", ""),
                        ("last_name", ""),
                        ("phone_index__isnull", True),
                        ("phone_sealed", ""),
                    ),
                    _connector="OR",
                ),
                name="erased_person_has_no_data",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="member",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consenttext",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_text_written_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e8ba267f989f5ae34cd103629b5a059fe2e8665c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_consent_text_written_once_dd4f6",
                    table="accounts_consenttext",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="erasure",
            trigger=pgtrigger.compiler.Trigger(
                name="erasure_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b33999403142ea4c4441dddd09dc97328992769c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_erasure_append_only_647ad",
                    table="accounts_erasure",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="privacyrequest",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="member",
            ),
        ),
        migrations.AddIndex(
            model_name="consent",
            index=models.Index(fields=["member", "purpose", "-id"], name="consent_newest"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="ef6669c60c927c0ea12b7540e2547fd47d55a5db",
                    operation="DELETE",
                    pgid="pgtrigger_consent_not_deleted_e43ea",
                    table="accounts_consent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_not_changed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."given" IS DISTINCT FROM (NEW."given") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."member_id" IS DISTINCT FROM (NEW."member_id") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."text_sha256" IS DISTINCT FROM (NEW."text_sha256") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="01454559eaf98a651618e942aef1901f6168f8d3",
                    operation="UPDATE",
                    pgid="pgtrigger_consent_not_changed_ac1f4",
                    table="accounts_consent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_only_forgets",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."address" IS NOT NULL OR NOT (NEW."proof" = \'\'))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="66b46f4fdaa5bdfd6c47d618e363913e2d10810b",
                    operation="UPDATE",
                    pgid="pgtrigger_consent_only_forgets_359ad",
                    table="accounts_consent",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="privacyrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("member", "kind"),
                name="one_open_privacy_request",
            ),
        ),
    ]
