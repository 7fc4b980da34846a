"""Claims: what partners owe each other beside bonuses; a line of a statement says for what.

Triggers: a claim is written once but for the statement that holds it, which it leaves only with a
line that was disputed.
"""

import django.db.models.deletion
from django.db import migrations, models

LINE_KEEPS_SUMS = """
CREATE OR REPLACE FUNCTION loyalty_line_keeps_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.statement_id, OLD.debtor_id, OLD.creditor_id, {kind_old} OLD.bonuses, OLD.amount,
            OLD.postings, OLD.digest, OLD.carried_id)
        IS DISTINCT FROM
        (NEW.statement_id, NEW.debtor_id, NEW.creditor_id, {kind_new} NEW.bonuses, NEW.amount,
            NEW.postings, NEW.digest, NEW.carried_id)
    THEN
        RAISE EXCEPTION 'the sums of a closed statement are written once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.disputed_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'a disputed line stays disputed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
SETTLED_LEAVES = """
CREATE OR REPLACE FUNCTION loyalty_settled_leaves_by_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM loyalty_posting p
        JOIN loyalty_lot l ON l.id = p.lot_id
        JOIN loyalty_statementline s ON s.statement_id = OLD.statement_id
            AND s.debtor_id = l.issuer_id AND s.creditor_id = p.acceptor_id {kind}
        WHERE p.id = OLD.posting_id AND s.disputed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a posting leaves its statement with a disputed line only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
"""
CLAIM_GUARDS = """
CREATE TRIGGER claim_never_deleted BEFORE DELETE ON loyalty_claim
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();

CREATE FUNCTION loyalty_claim_leaves_by_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.debtor_id, OLD.creditor_id, OLD.kind, OLD.amount, OLD.ref, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.debtor_id, NEW.creditor_id, NEW.kind, NEW.amount, NEW.ref, NEW.recorded_at)
    THEN
        RAISE EXCEPTION 'a claim is written once; meet it with a counter-claim'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.statement_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM loyalty_statementline s
        WHERE s.statement_id = OLD.statement_id AND s.debtor_id = OLD.debtor_id
          AND s.creditor_id = OLD.creditor_id AND s.kind = OLD.kind AND s.disputed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a claim leaves its statement with a disputed line only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_leaves_by_dispute BEFORE UPDATE ON loyalty_claim
FOR EACH ROW EXECUTE FUNCTION loyalty_claim_leaves_by_dispute();
"""
GUARDS = [
    LINE_KEEPS_SUMS.format(kind_old="OLD.kind,", kind_new="NEW.kind,"),
    SETTLED_LEAVES.format(kind="AND s.kind = 'bonus'"),
    CLAIM_GUARDS,
]
UNDO = [
    LINE_KEEPS_SUMS.format(kind_old="", kind_new=""),
    SETTLED_LEAVES.format(kind=""),
    "DROP FUNCTION IF EXISTS loyalty_claim_leaves_by_dispute CASCADE;"
    "DROP TRIGGER IF EXISTS claim_never_deleted ON loyalty_claim;",
]


class Migration(migrations.Migration):
    dependencies = [
        ("businesses", "0002_network"),
        ("loyalty", "0011_offer_away_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bonus", "bonuses accepted"),
                            ("discount", "discounts by coupons"),
                            ("fee", "guests sent"),
                        ],
                        max_length=8,
                        verbose_name="for what",
                    ),
                ),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="Below zero: a counter-claim", verbose_name="kopecks"
                    ),
                ),
                ("ref", models.UUIDField(verbose_name="use of a coupon")),
                ("recorded_at", models.DateTimeField(verbose_name="booked")),
            ],
            options={
                "verbose_name": "claim of a partner",
                "verbose_name_plural": "claims of partners",
            },
        ),
        migrations.RemoveConstraint(
            model_name="statementline",
            name="one_line_per_pair",
        ),
        migrations.AddField(
            model_name="statementline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("bonus", "bonuses accepted"),
                    ("discount", "discounts by coupons"),
                    ("fee", "guests sent"),
                ],
                default="bonus",
                max_length=8,
                verbose_name="for what",
            ),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="creditor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="businesses.business",
                verbose_name="to whom",
            ),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="creditor_confirmed_at",
            field=models.DateTimeField(null=True, verbose_name="confirmed by who is owed"),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="debtor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="businesses.business",
                verbose_name="who owes",
            ),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="debtor_confirmed_at",
            field=models.DateTimeField(null=True, verbose_name="confirmed by who owes"),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="digest",
            field=models.CharField(
                help_text="SHA-256 of its postings or claims: number, sum, price",
                max_length=64,
                verbose_name="digest",
            ),
        ),
        migrations.AlterField(
            model_name="statementline",
            name="postings",
            field=models.PositiveIntegerField(
                help_text="Or claims, in a line that is not of bonuses", verbose_name="postings"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(
                fields=("statement", "debtor", "creditor", "kind"), name="one_line_per_pair"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["bonus", "discount", "fee"])),
                name="line_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="creditor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="businesses.business",
                verbose_name="to whom",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="debtor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="businesses.business",
                verbose_name="who owes",
            ),
        ),
        migrations.AddField(
            model_name="claim",
            name="statement",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="claims",
                to="loyalty.statement",
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("statement", None)), fields=["debtor"], name="claim_open"
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                fields=["statement", "debtor", "creditor", "kind"], name="claim_of_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="claim_is_not_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("debtor", models.F("creditor")), _negated=True),
                name="claim_is_between_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["discount", "fee"])), name="claim_kind_known"
            ),
        ),
        migrations.RunSQL(GUARDS, reverse_sql=UNDO),
    ]
