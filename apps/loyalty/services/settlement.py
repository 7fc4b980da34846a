"""Closing months, answering lines, terms of partners."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import StatementClosed
from apps.loyalty import rules, settlement_sql
from apps.loyalty import settlement_queries as queries
from apps.loyalty.models import LineKind, Lot, Statement, StatementLine, Terms, WhenOver
from apps.loyalty.settlement_queries import Pair

LOCK = 7_206_151_304  # one close at a time; any number
EVER = datetime(9999, 12, 31, tzinfo=UTC)
TERMS_FIELDS = {"mode", "credit_limit", "deposit", "when_over"}


class MonthNotOver(Invalid):
    field = "month"
    message = _("This month is not over yet: it can be closed on its last midnight in Moscow.")


class LaterMonthClosed(Refused):
    code = "WRONG_STATE"
    message = _("A later month is closed already: what was left is in its statement.")


class LineAnswered(Refused):
    code = "WRONG_STATE"
    message = _("Both sides have confirmed this line, or it is disputed.")


class AlreadyLeaving(Refused):
    code = "WRONG_STATE"
    message = _("This partner is leaving already.")


@transaction.atomic
def close_month(*, month: date, by: User | None, at: datetime) -> Statement:
    """Close a month: every spending, return and claim that no statement holds goes into this one,
    pairs are reckoned and rounded once, partners are told. A closed month is answered as it is.

    `month` is its first day. Serialised by an advisory lock; what commits late with an early
    moment falls into the next statement. Raises Forbidden, MonthNotOver, LaterMonthClosed.
    """
    if by is not None:
        raise Forbidden  # the clock and the command close; a person's hand would need a second one
    _since, until = rules.month_bounds(month)
    if at < until:
        raise MonthNotOver
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    closed = Statement.objects.filter(month__gte=month).order_by("month").first()
    if closed:
        if closed.month != month:
            raise LaterMonthClosed
        return closed
    statement = Statement.objects.create(month=month, closed_at=at)
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"statement": statement.pk, "until": until}
        cursor.execute(settlement_sql.TAKE_IN, values)
        cursor.execute(settlement_sql.TAKE_IN_CLAIMS, values)
        claimed = queries.claimed_pairs(cursor.fetchall())
    _write_lines(statement, queries.reckon_held(statement.pk) + claimed)
    audit.record(None, "settlement.close", "statement", statement.pk, changed={"month": str(month)})
    _tell(statement, at=at)
    return statement


def _write_lines(statement: Statement, pairs: list[Pair]) -> None:
    disputed = StatementLine.objects.filter(disputed_at__isnull=False, went_to__isnull=True)
    waiting = {
        (one.debtor_id, one.creditor_id, one.kind): one for one in disputed.order_by("disputed_at")
    }
    StatementLine.objects.bulk_create(
        StatementLine(
            statement=statement,
            carried=waiting.get((p.debtor_id, p.creditor_id, p.kind)),
            **vars(p),
        )
        for p in pairs
    )


def _tell(statement: Statement, *, at: datetime) -> None:
    for net in queries.matrix_of(statement.month, at=at).nets:
        if not net.business.is_network:
            outbox.publish(
                StatementClosed(
                    statement_id=str(statement.pk),
                    business_id=str(net.business.pk),
                    month=statement.month.isoformat(),
                    net=f"{net.net:.2f}",
                    at=at.isoformat(),
                )
            )


@transaction.atomic
def confirm_line(
    *, line_id: UUID, business: Business, by: User | None, at: datetime
) -> StatementLine:
    """A side of the pair agrees with a line of a closed statement; twice is once.

    Raises NotFound (no such line of this business, or no right there), LineAnswered (disputed).
    """
    line = _line_of(line_id, business, by)
    if line.disputed_at:
        raise LineAnswered
    sides = {"debtor_confirmed_at": line.debtor_id, "creditor_confirmed_at": line.creditor_id}
    fresh = [
        name for name, side in sides.items() if side == business.pk and getattr(line, name) is None
    ]
    for name in fresh:
        setattr(line, name, at)
    if fresh:
        line.save(update_fields=fresh)
        audit.record(by, "settlement.confirm", "statement_line", line.pk, business_id=business.pk)
    return line


@transaction.atomic
def confirm_statement(
    *, statement: Statement, business: Business, by: User | None, at: datetime
) -> int:
    """A side agrees with all of its lines that it has neither confirmed nor disputed; how many.

    Raises NotFound (no right there).
    """
    mine = Q(debtor=business, debtor_confirmed_at=None)
    mine |= Q(creditor=business, creditor_confirmed_at=None)
    lines = StatementLine.objects.filter(mine, statement=statement, disputed_at=None)
    waiting = list(lines.order_by("pk").values_list("pk", flat=True))
    for line_id in waiting:
        confirm_line(line_id=line_id, business=business, by=by, at=at)
    return len(waiting)


@transaction.atomic
def dispute_line(
    *, line_id: UUID, business: Business, by: User | None, reason: str, at: datetime
) -> StatementLine:
    """A side of the pair refuses a line: it no longer counts in this statement, and what it is
    made of waits for the next one. Nets still sum to 0.

    Raises NotFound, ReasonMissing, LineAnswered (both confirmed it, or it is disputed).
    """
    line = _line_of(line_id, business, by)
    reason = written_reason("settlement.answer", reason, by=by)
    if line.state != "open":
        raise LineAnswered
    # In the line of closes: one that runs now sees these postings either here or let go.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    line.disputed_at, line.disputed_by, line.dispute_reason = at, business, reason[:500]
    line.save(update_fields=["disputed_at", "disputed_by", "dispute_reason"])
    with connection.cursor() as cursor:
        pair: dict[str, Any] = {
            "statement": line.statement_id,
            "debtor": line.debtor_id,
            "creditor": line.creditor_id,
            "kind": line.kind,
        }
        of_bonuses = line.kind == LineKind.BONUS
        cursor.execute(settlement_sql.LET_GO if of_bonuses else settlement_sql.LET_CLAIMS_GO, pair)
    audit.record(
        by,
        "settlement.dispute",
        "statement_line",
        line.pk,
        business_id=business.pk,
        reason=reason,
    )
    return line


def _line_of(line_id: UUID, business: Business, by: User | None) -> StatementLine:
    right = rights.TABLE["settlement.answer"].permission
    if by is not None and not by.has_perm(right, business):
        raise NotFound
    line = (
        StatementLine.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=line_id)
        .first()
    )
    if line is None or business.pk not in (line.debtor_id, line.creditor_id):
        raise NotFound
    return line


@transaction.atomic
def refresh_exposure(*, at: datetime, business: Business | None = None) -> int:
    """Reckon anew what every partner (or this one) may owe and whether it still issues; how many
    were reckoned. Makes the terms of new partners: postpaid, without a limit."""
    with connection.cursor() as cursor:
        cursor.execute(settlement_sql.MAKE_TERMS)
        cursor.execute(
            settlement_sql.REFRESH,
            {"at": at, "until": EVER, "business": business.pk if business else None},
        )
        return int(cursor.rowcount)


@transaction.atomic
def change_terms(
    *, business: Business, changes: dict[str, Any], by: User, reason: str, at: datetime
) -> Terms:
    """Change how a partner settles: mode, credit limit, deposit, what happens when it is used up.
    Felt by the next accrual. Raises Forbidden, ReasonMissing."""
    if not by.has_perm("loyalty.change_terms") or not changes.keys() <= TERMS_FIELDS:
        raise Forbidden
    reason = written_reason("terms.change", reason, by=by)
    terms = _own_terms(business, at=at)
    for name, value in changes.items():
        setattr(terms, name, value)
    terms.save(update_fields=[*changes])
    refresh_exposure(at=at, business=business)
    audit.record(
        by,
        "settlement.terms",
        "business",
        business.pk,
        business_id=business.pk,
        reason=reason,
        changed=changes,
    )
    terms.refresh_from_db()
    return terms


@transaction.atomic
def begin_run_off(*, business: Business, by: User | None, reason: str, at: datetime) -> Terms:
    """A partner leaves: it issues nothing from now on; its bonuses stay good until the last of
    them lapses, and its deposit pays for those that are accepted elsewhere.

    Raises Forbidden, ReasonMissing, AlreadyLeaving.
    """
    if by is not None and not by.has_perm("loyalty.change_terms"):
        raise Forbidden
    reason = written_reason("terms.change", reason, by=by)
    terms = _own_terms(business, at=at)
    if terms.run_off_since:
        raise AlreadyLeaving
    live = Lot.objects.filter(issuer=business, expires_at__gt=at).exclude(
        pending=0, available=0, held=0
    )
    last = live.aggregate(last=Max("expires_at"))["last"]
    terms.run_off_since, terms.run_off_until, terms.stop = at, last or at, WhenOver.REFUSE
    terms.save(update_fields=["run_off_since", "run_off_until", "stop"])
    audit.record(
        by, "settlement.run_off", "business", business.pk, business_id=business.pk, reason=reason
    )
    return terms


def _own_terms(business: Business, *, at: datetime) -> Terms:
    Terms.objects.get_or_create(business=business, defaults={"deposit": Decimal(0)})
    return Terms.objects.select_for_update(of=("self",)).get(business=business)
