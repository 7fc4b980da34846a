"""Mutual settlement: terms, statements, lines, and which posting is in which statement.

Triggers: a closed statement and the sums of its lines are never changed; a posting leaves its
statement only with a line that was disputed.
"""

from decimal import Decimal

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.core.ids

GUARDS = """
CREATE TRIGGER statement_written_once BEFORE UPDATE OR DELETE ON loyalty_statement
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();
CREATE TRIGGER line_never_deleted BEFORE DELETE ON loyalty_statementline
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();

CREATE FUNCTION loyalty_line_keeps_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.statement_id, OLD.debtor_id, OLD.creditor_id, OLD.bonuses, OLD.amount, OLD.postings,
            OLD.digest, OLD.carried_id)
        IS DISTINCT FROM
        (NEW.statement_id, NEW.debtor_id, NEW.creditor_id, NEW.bonuses, NEW.amount, NEW.postings,
            NEW.digest, NEW.carried_id)
    THEN
        RAISE EXCEPTION 'the sums of a closed statement are written once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.disputed_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'a disputed line stays disputed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER line_keeps_sums BEFORE UPDATE ON loyalty_statementline
FOR EACH ROW EXECUTE FUNCTION loyalty_line_keeps_sums();

CREATE TRIGGER settled_written_once BEFORE UPDATE ON loyalty_settled
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();

CREATE FUNCTION loyalty_settled_leaves_by_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM loyalty_posting p
        JOIN loyalty_lot l ON l.id = p.lot_id
        JOIN loyalty_statementline s ON s.statement_id = OLD.statement_id
            AND s.debtor_id = l.issuer_id AND s.creditor_id = p.acceptor_id
        WHERE p.id = OLD.posting_id AND s.disputed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a posting leaves its statement with a disputed line only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER settled_leaves_by_dispute BEFORE DELETE ON loyalty_settled
FOR EACH ROW EXECUTE FUNCTION loyalty_settled_leaves_by_dispute();

CREATE FUNCTION loyalty_settled_touches_spent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN loyalty_posting p ON p.id = f.posting_id
        WHERE p.acceptor_id IS NULL
    ) THEN
        RAISE EXCEPTION 'only postings that touch spent are settled'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settled_touches_spent AFTER INSERT ON loyalty_settled
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION loyalty_settled_touches_spent();
"""
UNDO = """
DROP TRIGGER IF EXISTS statement_written_once ON loyalty_statement;
DROP TRIGGER IF EXISTS line_never_deleted ON loyalty_statementline;
DROP TRIGGER IF EXISTS settled_written_once ON loyalty_settled;
DROP FUNCTION IF EXISTS loyalty_line_keeps_sums, loyalty_settled_leaves_by_dispute,
    loyalty_settled_touches_spent CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("businesses", "0002_network"),
        ("loyalty", "0003_holds"),
    ]

    operations = [
        migrations.CreateModel(
            name="Statement",
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
                ("month", models.DateField(help_text="Its first day", verbose_name="month")),
                (
                    "closed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="closed"),
                ),
            ],
            options={
                "verbose_name": "statement of a month",
                "verbose_name_plural": "statements of months",
                "ordering": ["-month"],
                "constraints": [
                    models.UniqueConstraint(fields=("month",), name="one_statement_per_month"),
                    models.CheckConstraint(
                        condition=models.Q(("month__day", 1)),
                        name="statement_month_is_its_first_day",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Settled",
            fields=[
                (
                    "posting",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="settled",
                        serialize=False,
                        to="loyalty.posting",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settled",
                        to="loyalty.statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "settled posting",
                "verbose_name_plural": "settled postings",
            },
        ),
        migrations.CreateModel(
            name="Terms",
            fields=[
                (
                    "business",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="businesses.business",
                        verbose_name="business",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("postpaid", "postpaid"), ("prepaid", "prepaid")],
                        default="postpaid",
                        max_length=8,
                        verbose_name="pays",
                    ),
                ),
                (
                    "credit_limit",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="Postpaid: above it an alert is raised; empty is no limit",
                        max_digits=14,
                        null=True,
                        verbose_name="credit limit, ₽",
                    ),
                ),
                (
                    "deposit",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0.00"),
                        help_text="Prepaid: bonuses are issued while it covers what is owed and outstanding",
                        max_digits=14,
                        verbose_name="deposit, ₽",
                    ),
                ),
                (
                    "when_over",
                    models.CharField(
                        choices=[
                            ("refuse", "no bonuses are issued"),
                            ("reserve", "the network issues and pays for them"),
                        ],
                        default="refuse",
                        max_length=8,
                        verbose_name="when the deposit is used up",
                    ),
                ),
                (
                    "run_off_since",
                    models.DateTimeField(blank=True, null=True, verbose_name="leaves since"),
                ),
                (
                    "run_off_until",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="its last bonus lapses"
                    ),
                ),
                (
                    "outstanding",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0.00"),
                        max_digits=14,
                        verbose_name="outstanding bonuses, ₽",
                    ),
                ),
                (
                    "payable",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0.00"),
                        max_digits=14,
                        verbose_name="not settled yet, ₽",
                    ),
                ),
                (
                    "stop",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("refuse", "no bonuses are issued"),
                            ("reserve", "the network issues and pays for them"),
                        ],
                        help_text="Empty: it issues as usual",
                        max_length=8,
                    ),
                ),
                ("reckoned_at", models.DateTimeField(null=True, verbose_name="reckoned")),
            ],
            options={
                "verbose_name": "terms of settlement",
                "verbose_name_plural": "terms of settlement",
                "indexes": [
                    models.Index(
                        condition=models.Q(("stop", ""), _negated=True),
                        fields=["business"],
                        name="terms_stopped",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["postpaid", "prepaid"])),
                        name="terms_mode_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("when_over__in", ["refuse", "reserve"])),
                        name="terms_when_over_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stop__in", ["", "refuse", "reserve"])),
                        name="terms_stop_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deposit__gte", 0),
                            ("outstanding__gte", 0),
                            models.Q(
                                ("credit_limit__isnull", True),
                                ("credit_limit__gte", 0),
                                _connector="OR",
                            ),
                        ),
                        name="terms_sums_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("run_off_since__isnull", True), ("stop", "refuse"), _connector="OR"
                        ),
                        name="terms_leaving_partner_issues_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
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
                ("bonuses", models.BigIntegerField(verbose_name="bonuses, kopecks")),
                ("amount", models.BigIntegerField(verbose_name="owed, kopecks")),
                ("postings", models.PositiveIntegerField(verbose_name="postings")),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of its postings: number, sum, price",
                        max_length=64,
                        verbose_name="digest",
                    ),
                ),
                (
                    "debtor_confirmed_at",
                    models.DateTimeField(null=True, verbose_name="confirmed by the issuer"),
                ),
                (
                    "creditor_confirmed_at",
                    models.DateTimeField(null=True, verbose_name="confirmed by the acceptor"),
                ),
                ("disputed_at", models.DateTimeField(null=True, verbose_name="disputed")),
                (
                    "dispute_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="why it is disputed"),
                ),
                (
                    "carried",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="went_to",
                        to="loyalty.statementline",
                        verbose_name="with the disputed line",
                    ),
                ),
                (
                    "creditor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="businesses.business",
                        verbose_name="accepted",
                    ),
                ),
                (
                    "debtor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="businesses.business",
                        verbose_name="issued",
                    ),
                ),
                (
                    "disputed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="businesses.business",
                        verbose_name="disputed by",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="loyalty.statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a statement",
                "verbose_name_plural": "lines of statements",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("statement", "debtor", "creditor"), name="one_line_per_pair"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("dispute_reason", ""),
                                ("disputed_at__isnull", True),
                                ("disputed_by__isnull", True),
                            ),
                            models.Q(
                                ("disputed_at__isnull", False),
                                ("disputed_by__isnull", False),
                                models.Q(("dispute_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="disputed_line_says_who_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("disputed_by__isnull", True),
                            ("disputed_by", models.F("debtor")),
                            ("disputed_by", models.F("creditor")),
                            _connector="OR",
                        ),
                        name="dispute_comes_from_the_pair",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("disputed_at__isnull", True),
                            ("debtor_confirmed_at__isnull", True),
                            ("creditor_confirmed_at__isnull", True),
                            _connector="OR",
                        ),
                        name="agreed_line_is_not_disputed",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, reverse_sql=UNDO),
    ]
