"""Settlement as CSV for Russian spreadsheets: BOM, semicolons, decimal commas."""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.loyalty.enums import Box, Kind
from apps.loyalty.liability_queries import Liability
from apps.loyalty.models import LineKind
from apps.loyalty.settlement_queries import (
    ClaimLine,
    Line,
    Matrix,
    PostingLine,
    claims_of,
    postings_of,
)

# A cell that begins like a formula is run by a spreadsheet; an apostrophe makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def state_words(state: str) -> str:
    """The state of a line in words."""
    return {
        "draft": _("draft"),
        "open": _("waits for confirmation"),
        "confirmed": _("confirmed"),
        "disputed": _("disputed, moved to the next statement"),
    }[state]


def _written(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    sheet = csv.writer(out, delimiter=";", lineterminator="\r\n")
    for row in rows:
        sheet.writerow([_cell(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", ",")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "d.m.Y H:i:s")
    if isinstance(value, date):
        return f"{value:%m.%Y}"
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def matrix_csv(matrix: Matrix) -> bytes:
    """Pairs of a month, then where everybody stands."""
    rows: list[list[object]] = [
        [
            _("month"),
            _("who owes"),
            _("to whom"),
            _("for what"),
            _("bonuses"),
            _("owed, ₽"),
            _("movements"),
            pgettext("of a line", "state"),
        ]
    ]
    rows += [_pair_cells(matrix.month, line) for line in matrix.lines]
    rows += [[], [_("business"), _("is owed, ₽"), _("owes, ₽"), _("net, ₽")]]
    rows += [[net.business.name, net.due, net.owed, net.net] for net in matrix.nets]
    rows.append([_("total"), matrix.total, matrix.total, Decimal("0.00")])
    return _written(rows)


def _pair_cells(month: date, line: Line) -> list[object]:
    state = _("own bonuses, nobody owes") if line.is_own else state_words(line.state)
    return [
        month,
        line.debtor.name,
        line.creditor.name,
        line.kind_words,
        line.bonuses,
        line.amount,
        line.postings,
        state,
    ]


def postings_csv(line: Line, postings: Iterable[PostingLine]) -> bytes:
    """The movements behind one line, for checking against one's own books."""
    rows: list[list[object]] = [
        [
            _("movement"),
            _("occurred"),
            _("booked"),
            _("operation"),
            _("from"),
            _("to"),
            _("lot"),
            _("bonuses"),
            _("price, %"),
        ]
    ]
    rows += [
        [
            one.id,
            one.occurred_at,
            one.posted_at,
            Kind(one.kind).label,
            Box(one.src).label,
            Box(one.dst).label,
            one.lot_id,
            one.bonuses,
            Decimal(one.rate_bp) / 100,
        ]
        for one in postings
    ]
    rows.append([_("total"), "", "", "", "", "", "", line.bonuses, ""])
    return _written(rows)


def moves_csv(line: Line) -> bytes:
    """What is behind a line of a closed statement: movements of bonuses, or uses of coupons."""
    if line.id is None:
        return b""
    if line.kind == LineKind.BONUS:
        return postings_csv(line, postings_of(line.id))
    return claims_csv(line, claims_of(line.id))


def claims_csv(line: Line, claims: Iterable[ClaimLine]) -> bytes:
    """The uses of coupons behind one line; a sum below zero is a use that was taken back."""
    rows: list[list[object]] = [[_("claim"), _("booked"), _("use of a coupon"), _("owed, ₽")]]
    rows += [[one.id, one.recorded_at, one.ref, one.amount] for one in claims]
    rows.append([_("total"), "", "", line.amount])
    return _written(rows)


def liability_csv(report: Liability) -> bytes:
    """Unspent bonuses by issuer and month of expiry."""
    rows: list[list[object]] = [
        [
            _("issued"),
            _("lapses in"),
            _("pending, ₽"),
            _("available, ₽"),
            _("held, ₽"),
            _("total, ₽"),
        ]
    ]
    rows += [
        [row.issuer, row.month, row.pending, row.available, row.held, row.total]
        for row in report.rows
    ]
    rows.append([_("total"), "", "", "", "", report.total])
    return _written(rows)
