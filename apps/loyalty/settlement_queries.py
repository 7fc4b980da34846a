"""Reads of mutual settlement: statements and what is not settled yet. Sums are Decimal ₽."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.businesses import requisites
from apps.businesses.models import Business
from apps.core.money import from_kopecks
from apps.loyalty import rules, settlement_sql
from apps.loyalty.models import Claim, LineKind, Statement, StatementLine, Terms

BP = 10_000  # basis points in a whole
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Pair:
    """What one partner owes another for one reason, in kopecks: as bonuses and as money."""

    debtor_id: UUID
    creditor_id: UUID
    bonuses: int
    amount: int
    postings: int
    digest: str
    kind: str = LineKind.BONUS


@dataclass(frozen=True)
class Line:
    """A pair of a statement as people see it. `amount` is what the debtor owes the creditor, ₽;
    below zero, what comes back. `kind` says for what: bonuses accepted, discounts, fees.
    `postings`: movements of bonuses, or claims. `state` is draft, open, confirmed or disputed."""

    id: UUID | None
    debtor: Business
    creditor: Business
    bonuses: Decimal
    amount: Decimal
    postings: int
    kind: str = LineKind.BONUS
    state: str = "draft"
    debtor_confirmed_at: datetime | None = None
    creditor_confirmed_at: datetime | None = None
    disputed_at: datetime | None = None
    disputed_by_id: UUID | None = None
    dispute_reason: str = ""
    carried_from: date | None = None
    digest: str = ""

    @property
    def is_own(self) -> bool:
        """A partner's own bonuses spent at the partner itself: nobody owes."""
        return self.debtor.pk == self.creditor.pk

    @property
    def kind_words(self) -> str:
        return str(LineKind(self.kind).label)

    @property
    def counts(self) -> bool:
        return not self.is_own and self.state != "disputed"


@dataclass(frozen=True)
class Net:
    """Where a business stands over all its pairs, ₽. `net` above zero is received."""

    business: Business
    due: Decimal
    owed: Decimal

    @property
    def net(self) -> Decimal:
        return self.due - self.owed


@dataclass(frozen=True)
class Matrix:
    """A month over the network. Not closed yet it is a draft: what a close now would say."""

    month: date
    statement: Statement | None
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """Money that changes hands before netting."""
        return sum((line.amount for line in self.lines if line.counts), ZERO)

    @property
    def nets(self) -> list[Net]:
        """By name; they sum to exactly 0."""
        due: dict[UUID, Decimal] = defaultdict(Decimal)
        owed: dict[UUID, Decimal] = defaultdict(Decimal)
        found: dict[UUID, Business] = {}
        for line in self.lines:
            if line.counts:
                due[line.creditor.pk] += line.amount
                owed[line.debtor.pk] += line.amount
                found |= {line.creditor.pk: line.creditor, line.debtor.pk: line.debtor}
        ordered = sorted(found.values(), key=lambda business: (business.name, str(business.pk)))
        return [Net(business, due[business.pk], owed[business.pk]) for business in ordered]


@dataclass(frozen=True)
class PostingLine:
    """One movement behind a line of a statement."""

    id: int
    occurred_at: datetime
    posted_at: datetime
    kind: str
    src: str
    dst: str
    lot_id: int
    bonuses: Decimal
    rate_bp: int


@dataclass(frozen=True)
class ClaimLine:
    """One claim behind a line of discounts or fees, ₽; `ref` is the use of a coupon."""

    id: int
    recorded_at: datetime
    ref: UUID
    amount: Decimal


def rows_of(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def reckon_open(*, until: datetime) -> list[Pair]:
    """What a close of all postings and claims before `until` would say."""
    values = {"until": until}
    claimed = claimed_pairs(rows_of(settlement_sql.CLAIM_PAIRS_OPEN, values))
    return _priced(rows_of(settlement_sql.PAIRS_OPEN, values)) + claimed


def reckon_held(statement_id: UUID) -> list[Pair]:
    """What the postings of a statement say."""
    return _priced(rows_of(settlement_sql.PAIRS_HELD, {"statement": statement_id}))


def claimed_pairs(rows: list[tuple[Any, ...]]) -> list[Pair]:
    """Claims of a pair for one reason: money, no bonuses."""
    return [
        Pair(debtor, creditor, 0, amount, number, digest, kind)
        for debtor, creditor, kind, amount, number, digest in rows
    ]


def _priced(rows: list[tuple[Any, ...]]) -> list[Pair]:
    """Rounded once a pair, so that what partners owe each other adds up to the rounded total."""
    amounts: dict[tuple[UUID, UUID], int] = {}
    for own in (False, True):  # own pairs are nobody's debt and take no part in that total
        some = [row for row in rows if (row[0] == row[1]) is own]
        shares = rules.apportion([row[3] for row in some], unit=BP)
        amounts |= {row[:2]: share for row, share in zip(some, shares, strict=True)}
    return [
        Pair(debtor, creditor, bonuses, amounts[debtor, creditor], postings, digest)
        for debtor, creditor, bonuses, _exact, postings, digest in rows
    ]


def matrix_of(month: date, *, at: datetime) -> Matrix:
    """The statement of a month; a draft of it when it is not closed."""
    statement = Statement.objects.filter(month=month).first()
    if statement:
        return Matrix(
            month, statement, tuple(_lines(StatementLine.objects.filter(statement=statement)))
        )
    until = min(rules.month_bounds(month)[1], at)
    pairs = reckon_open(until=until)
    names = Business.objects.in_bulk({p.debtor_id for p in pairs} | {p.creditor_id for p in pairs})
    lines = [
        Line(
            id=None,
            debtor=names[pair.debtor_id],
            creditor=names[pair.creditor_id],
            bonuses=from_kopecks(pair.bonuses),
            amount=from_kopecks(pair.amount),
            postings=pair.postings,
            kind=pair.kind,
            digest=pair.digest,
        )
        for pair in pairs
    ]
    return Matrix(month, None, tuple(sorted(lines, key=_by_name)))


def _by_name(line: Line) -> tuple[str, str, str]:
    return line.debtor.name, line.creditor.name, line.kind


def _lines(found: Iterable[StatementLine]) -> list[Line]:
    rows = found.select_related("debtor", "creditor", "carried__statement")  # type: ignore[attr-defined]
    return sorted((line_of(row) for row in rows), key=_by_name)


def line_of(row: StatementLine) -> Line:
    return Line(
        id=row.pk,
        debtor=row.debtor,
        creditor=row.creditor,
        bonuses=from_kopecks(row.bonuses),
        amount=from_kopecks(row.amount),
        postings=row.postings,
        kind=row.kind,
        state=row.state,
        debtor_confirmed_at=row.debtor_confirmed_at,
        creditor_confirmed_at=row.creditor_confirmed_at,
        disputed_at=row.disputed_at,
        disputed_by_id=row.disputed_by_id,
        dispute_reason=row.dispute_reason,
        carried_from=row.carried.statement.month if row.carried else None,
        digest=row.digest,
    )


def lines_of(statement: Statement, business: Business) -> list[Line]:
    """A business's pairs of a statement: what it owes and what is owed to it."""
    mine = Q(debtor=business) | Q(creditor=business)
    return _lines(StatementLine.objects.filter(mine, statement=statement))


@dataclass(frozen=True)
class Period:
    """A month of one business in its list of statements, ₽."""

    statement: Statement
    due: Decimal
    owed: Decimal
    waits_for_us: int  # lines that she has neither confirmed nor disputed

    @property
    def net(self) -> Decimal:
        return self.due - self.owed


def periods_of(business: Business) -> list[Period]:
    """A business's statements, newest first, in one statement of SQL whatever their number."""
    lines = StatementLine.objects.filter(Q(debtor=business) | Q(creditor=business)).select_related(
        "statement"
    )
    by_statement: dict[Statement, list[StatementLine]] = defaultdict(list)
    for line in lines.order_by("-statement__month"):
        by_statement[line.statement].append(line)
    return [_period(statement, own, business.pk) for statement, own in by_statement.items()]


def _period(statement: Statement, lines: list[StatementLine], mine: UUID) -> Period:
    live = [one for one in lines if not one.disputed_at and one.debtor_id != one.creditor_id]
    due = sum(one.amount for one in live if one.creditor_id == mine)
    owed = sum(one.amount for one in live if one.debtor_id == mine)
    waiting = [
        one
        for one in live
        if not (one.debtor_confirmed_at if one.debtor_id == mine else one.creditor_confirmed_at)
    ]
    return Period(statement, from_kopecks(due), from_kopecks(owed), len(waiting))


def postings_of(line_id: UUID) -> list[PostingLine]:
    """The movements behind a line of bonuses; none once it was disputed: they wait for the next
    statement."""
    row = StatementLine.objects.get(pk=line_id)
    pair = {
        "statement": row.statement_id,
        "debtor": row.debtor_id,
        "creditor": row.creditor_id,
    }
    return [
        PostingLine(pk, happened, posted, kind, src, dst, lot, from_kopecks(bonuses), rate_bp)
        for pk, happened, posted, kind, src, dst, lot, bonuses, rate_bp in rows_of(
            settlement_sql.POSTINGS_OF_PAIR, pair
        )
    ]


def claims_of(line_id: UUID) -> list[ClaimLine]:
    """The claims behind a line of discounts or fees; none once it was disputed."""
    row = StatementLine.objects.get(pk=line_id)
    claims = Claim.objects.filter(
        statement=row.statement_id, debtor=row.debtor_id, creditor=row.creditor_id, kind=row.kind
    )
    return [
        ClaimLine(one.pk, one.recorded_at, one.ref, from_kopecks(one.amount))
        for one in claims.order_by("pk")
    ]


@dataclass(frozen=True)
class Paper:
    """What is printed: the whole month, one partner's part of it, or one pair."""

    matrix: Matrix
    chosen: tuple[Business, ...]
    lines: tuple[Line, ...]
    nets: tuple[Net, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines if line.counts), ZERO)

    @property
    def sides(self) -> list[tuple[Business, list[Any]]]:
        """Who signs, with the requisites in force: none where nothing was confirmed yet."""
        found = requisites.in_force(net.business for net in self.nets)
        return [(net.business, found.get(net.business.pk, [])) for net in self.nets]


def paper_of(matrix: Matrix, chosen: Sequence[Business]) -> Paper:
    """The lines that concern all of the chosen partners (none: everybody), and where they stand
    among these lines."""
    wanted = {business.pk for business in chosen}
    lines = tuple(
        line
        for line in matrix.lines
        if not line.is_own and wanted <= {line.debtor.pk, line.creditor.pk}
    )
    nets = Matrix(matrix.month, matrix.statement, lines).nets
    shown = tuple(net for net in nets if not wanted or net.business.pk in wanted)
    return Paper(matrix, tuple(chosen), lines, shown)


# --- terms ---------------------------------------------------------------------------------------
def terms_of(business: Business) -> Terms:
    """How a business settles; a new one is postpaid without a limit."""
    return Terms.objects.filter(business=business).first() or Terms(business=business)


def over_limit() -> list[Terms]:
    """Partners whose exposure of the last minute is above their limit or deposit."""
    return [terms for terms in Terms.objects.select_related("business") if terms.is_over]
