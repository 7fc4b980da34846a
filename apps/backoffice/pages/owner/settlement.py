"""Mutual settlement of one partner: months, pairs, the paper, her yes or no to each line."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from apps.backoffice.pages.access import for_jobs, may_manage
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.typed import keeps_typed, typed
from apps.businesses.models import Business
from apps.core.errors import NotFound, Refused
from apps.core.money import format_rub
from apps.loyalty import services, settlement_csv
from apps.loyalty import settlement_queries as queries
from apps.loyalty.models import Statement, StatementLine, Terms
from apps.loyalty.settlement_queries import Line, Matrix, Net, Paper, Period

MONTHS_DRAWN = 12


@dataclass(frozen=True)
class Standing:
    """How much of what covers her debts is used; percents for the bar, 100 at the most."""

    terms: Terms

    @property
    def percent(self) -> int | None:
        limit = self.terms.limit
        if limit is None:
            return None
        return min(100, int(self.terms.exposure * 100 / limit)) if limit else 100

    @property
    def level(self) -> str:
        if self.terms.stop or self.terms.is_over:
            return "bad"
        return "warn" if (self.percent or 0) >= 80 else "good"


@dataclass(frozen=True)
class Row:
    """A line of a statement as one of its sides sees it. `amount` above zero comes to her."""

    line: Line
    other: Business
    amount: Decimal
    comes: bool
    answered: bool
    their_answer: bool
    ours_disputed: bool
    may_see_moves: bool
    reason: str = ""
    error: str = ""


@for_jobs("pages.settlement")
@require_GET
def months(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    periods = queries.periods_of(business)
    this_month = timezone.localtime(context["now"]).date().replace(day=1)
    context |= {
        "periods": periods,
        "running": _own(queries.matrix_of(this_month, at=context["now"]), business),
        "this_month": this_month,
        "standing": Standing(queries.terms_of(business)),
        "bars": _bars(periods) if len(periods) > 1 else None,
    }
    return render(request, "backoffice/owner/settlement/months.html", context)


def _own(matrix: Matrix, business: Business) -> Net | None:
    """Where she stands in a month; None when nobody owes her and she owes nobody."""
    return next((net for net in queries.paper_of(matrix, [business]).nets), None)


def _bars(periods: list[Period]) -> dict[str, Any]:
    """The nets of a year for the script, oldest first, and a sentence for who does not see them."""
    drawn = periods[:MONTHS_DRAWN][::-1]
    total = sum((one.net for one in drawn), Decimal(0))
    return {
        "labels": [date_format(one.statement.month, "M Y") for one in drawn],
        "series": [{"name": _("Net"), "values": [str(one.net) for one in drawn]}],
        "sentence": ngettext(
            "Net by month for %(count)d month, %(total)s in all.",
            "Net by month for %(count)d months, %(total)s in all.",
            len(drawn),
        )
        % {"count": len(drawn), "total": format_rub(total, always_kopecks=False)},
    }


# --- one month -----------------------------------------------------------------------------------
@keeps_typed
@for_jobs("pages.settlement")
@require_http_methods(["GET", "POST"])
def month(request: HttpRequest, slug: str, month: str) -> HttpResponse:
    business = business_of(request, slug)
    statement = _statement(month)
    said: dict[str, str] = typed(request)
    if request.method == "POST":
        said = request.POST.dict()
        try:
            _act(request, business, statement)
        except Refused as refused:
            said["error"] = str(refused)
        else:
            return redirect("backoffice:settlement_month", slug=slug, month=month)
    context = frame(request, business) | _page(request, business, statement, said)
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/settlement/month.html", context, status=status)


def _page(
    request: HttpRequest, business: Business, statement: Statement, said: dict[str, str]
) -> dict[str, Any]:
    lines = queries.lines_of(statement, business)
    rows = [_row(request, line, business, said) for line in lines if not line.is_own]
    rows.sort(key=lambda row: (row.other.name, not row.comes, row.line.kind))
    own = next((line for line in lines if line.is_own), None)
    paper = queries.paper_of(Matrix(statement.month, statement, tuple(lines)), [business])
    return {
        "statement": statement,
        "month": f"{statement.month:%Y-%m}",
        "rows": rows,
        "own": own,
        "net": paper.nets[0] if paper.nets else None,
        "waiting": [row for row in rows if row.line.state == "open" and not row.answered],
    }


def _row(request: HttpRequest, line: Line, business: Business, said: dict[str, str]) -> Row:
    owes = line.debtor.pk == business.pk
    ours, theirs = line.debtor_confirmed_at, line.creditor_confirmed_at
    if not owes:
        ours, theirs = theirs, ours
    other = line.creditor if owes else line.debtor
    this = said.get("line") == str(line.id)
    return Row(
        line=line,
        other=other,
        amount=-line.amount if owes else line.amount,
        comes=not owes,
        answered=ours is not None,
        their_answer=theirs is not None,
        ours_disputed=line.disputed_by_id == business.pk,
        may_see_moves=_may_see_moves(request, line),
        reason=said.get("reason", "") if this else "",
        error=said.get("error", "") if this else "",
    )


def _may_see_moves(request: HttpRequest, line: Line) -> bool:
    """Medical secrecy: single movements at a clinic would tell who was there and when."""
    sides = (line.debtor, line.creditor)
    return line.state != "disputed" and all(
        not side.is_clinic or may_manage(request.user, side) for side in sides
    )


def _act(request: HttpRequest, business: Business, statement: Statement) -> None:
    act, at = request.POST.get("act"), timezone.now()
    if act == "all":
        services.confirm_statement(statement=statement, business=business, by=request.user, at=at)
        messages.success(request, _("The statement is confirmed."))
    elif act == "confirm":
        line_id = _line_id(request)
        services.confirm_line(line_id=line_id, business=business, by=request.user, at=at)
        messages.success(request, _("The line is confirmed."))
    elif act == "dispute":
        services.dispute_line(
            line_id=_line_id(request),
            business=business,
            by=request.user,
            reason=request.POST.get("reason", ""),
            at=at,
        )
        messages.success(request, _("The line is disputed: it moves to the next statement."))


def _line_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("line", ""))
    except ValueError as wrong:
        raise NotFound from wrong


# --- papers --------------------------------------------------------------------------------------
@for_jobs("pages.settlement")
@require_GET
def paper(request: HttpRequest, slug: str, month: str) -> HttpResponse:
    """The statement on A4: her lines, of all pairs or of one (`?with=slug`)."""
    business, statement = business_of(request, slug), _statement(month)
    chosen = [business]
    if request.GET.get("with"):
        lines = queries.lines_of(statement, business)
        sides = {side.slug: side for line in lines for side in (line.debtor, line.creditor)}
        if request.GET["with"] not in sides:
            raise Http404
        chosen.append(sides[request.GET["with"]])
    context = {"paper": _paper(statement, business, chosen), "statement": statement}
    return render(request, "loyalty/statement.html", context)


@for_jobs("pages.settlement")
@require_GET
def csv_file(request: HttpRequest, slug: str, month: str) -> HttpResponse:
    business, statement = business_of(request, slug), _statement(month)
    told = _paper(statement, business, [business])
    body = settlement_csv.matrix_csv(Matrix(statement.month, statement, told.lines))
    return _file(body, f"settlement-{slug}-{month}.csv")


@for_jobs("pages.settlement")
@require_GET
def moves(request: HttpRequest, slug: str, line_id: UUID) -> HttpResponse:
    """The movements behind one of her lines, to be checked against her own books."""
    business = business_of(request, slug)
    mine = Q(debtor=business) | Q(creditor=business)
    found = StatementLine.objects.filter(mine, pk=line_id)
    row = found.select_related("statement", "debtor", "creditor", "carried__statement").first()
    if row is None or not _may_see_moves(request, queries.line_of(row)):
        raise Http404
    body = settlement_csv.moves_csv(queries.line_of(row))
    return _file(body, f"movements-{row.statement.month:%Y-%m}-{str(row.pk)[-6:]}.csv")


def _paper(statement: Statement, business: Business, chosen: list[Business]) -> Paper:
    lines = tuple(queries.lines_of(statement, business))
    return queries.paper_of(Matrix(statement.month, statement, lines), chosen)


def _statement(month: str) -> Statement:
    """A closed month by its `2026-10`."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", month, re.ASCII):
        raise Http404
    first = date(int(month[:4]), int(month[5:]), 1)
    statement = Statement.objects.filter(month=first).first()
    if statement is None:
        raise Http404
    return statement


def _file(body: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        body,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
