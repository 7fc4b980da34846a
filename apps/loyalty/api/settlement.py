"""What admins read of mutual settlement and of unspent bonuses."""

import re
from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core.errors import Invalid
from apps.core.http.serializers import MomentOut, MoneyOut, Out
from apps.core.http.views import ApiViewSet
from apps.loyalty import liability_queries, rules, settlement_csv
from apps.loyalty import settlement_queries as queries
from apps.loyalty.models import LineKind

CSV = "text/csv; charset=utf-8"
FORMAT = OpenApiParameter("format", str, enum=["json", "csv"], description="csv for a spreadsheet")


class MonthInvalid(Invalid):
    field = "month"
    message = _("Write the month as 2026-10; it must have begun.")


class FormatInvalid(Invalid):
    field = "format"
    message = _("The format is json or csv.")


class PartnerOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()


class PairOut(Out):
    id = serializers.UUIDField(allow_null=True, help_text="null in a draft")
    debtor = PartnerOut(help_text="issued the bonuses, shares a discount or received a guest")
    creditor = PartnerOut(help_text="accepted them, gave the discount or sent the guest")
    kind = serializers.ChoiceField(LineKind.choices, help_text="for what")
    bonuses = MoneyOut()
    amount = MoneyOut(help_text="what the debtor owes, ₽; below zero it comes back")
    postings = serializers.IntegerField(help_text="movements of bonuses, or claims")
    state = serializers.ChoiceField(["draft", "open", "confirmed", "disputed"])
    debtor_confirmed_at = MomentOut(allow_null=True)
    creditor_confirmed_at = MomentOut(allow_null=True)
    dispute_reason = serializers.CharField()
    carried_from = serializers.DateField(
        allow_null=True, help_text="month of a disputed line whose postings are here"
    )


class NetOut(Out):
    business = PartnerOut()
    due = MoneyOut(help_text="is owed, ₽")
    owed = MoneyOut(help_text="owes, ₽")
    net = MoneyOut(help_text="above zero is received; all nets sum to 0.00")


class SettlementOut(Out):
    month = serializers.CharField()
    state = serializers.ChoiceField(["draft", "closed"])
    closed_at = MomentOut(allow_null=True)
    total = MoneyOut()
    pairs = PairOut(many=True)
    nets = NetOut(many=True)


class LiabilityRowOut(Out):
    issuer = PartnerOut()
    month = serializers.CharField(help_text="in which they lapse")
    pending = MoneyOut()
    available = MoneyOut()
    held = MoneyOut()
    total = MoneyOut()


class IssuerOut(Out):
    issuer = PartnerOut()
    total = MoneyOut()
    up_to_30 = MoneyOut(help_text="earned at most 30 days ago")
    up_to_90 = MoneyOut()
    older = MoneyOut()
    expected = MoneyOut(allow_null=True, help_text="will probably be spent, by the last year")


class LiabilityOut(Out):
    at = MomentOut()
    total = MoneyOut()
    rows = LiabilityRowOut(many=True)
    issuers = IssuerOut(many=True)


def _or_csv(shape: Any) -> dict[Any, Any]:
    return {(200, "application/json"): shape, (200, CSV): OpenApiTypes.BINARY}


class SettlementViewSet(ApiViewSet):
    permission_classes = [Can(settlement="settlement.read", liability="liability.read")]

    @extend_schema(
        responses=_or_csv(SettlementOut),
        tags=["admin"],
        parameters=[
            OpenApiParameter("month", str, description="YYYY-MM; the last whole month if absent"),
            FORMAT,
        ],
    )
    def settlement(self, request: Request) -> Any:
        matrix = queries.matrix_of(_month(request.query_params.get("month")), at=timezone.now())
        if _wants_csv(request):
            name = f"settlement-{matrix.month:%Y-%m}.csv"
            return csv_answer(settlement_csv.matrix_csv(matrix), name)
        shown = {
            "month": f"{matrix.month:%Y-%m}",
            "state": "closed" if matrix.statement else "draft",
            "closed_at": matrix.statement.closed_at if matrix.statement else None,
            "total": matrix.total,
            "pairs": [line for line in matrix.lines if not line.is_own],
            "nets": matrix.nets,
        }
        return Response(SettlementOut(shown).data)

    @extend_schema(responses=_or_csv(LiabilityOut), tags=["admin"], parameters=[FORMAT])
    def liability(self, request: Request) -> Any:
        report = liability_queries.liability(at=timezone.now())
        if _wants_csv(request):
            return csv_answer(settlement_csv.liability_csv(report), "liability.csv")
        rows = [
            vars(row) | {"issuer": _issuer(row), "month": f"{row.month:%Y-%m}", "total": row.total}
            for row in report.rows
        ]
        shown = {
            "at": report.at,
            "total": report.total,
            "rows": rows,
            "issuers": [_issuer_row(report, row) for row in _first_rows(report)],
        }
        return Response(LiabilityOut(shown).data)


def _issuer(row: liability_queries.LiabilityRow) -> dict[str, Any]:
    return {"id": row.issuer_id, "name": row.issuer}


def _first_rows(report: liability_queries.Liability) -> list[liability_queries.LiabilityRow]:
    """One row of each issuer, in the order of the report."""
    first: dict[UUID, liability_queries.LiabilityRow] = {}
    for row in report.rows:
        first.setdefault(row.issuer_id, row)
    return list(first.values())


def _issuer_row(
    report: liability_queries.Liability, row: liability_queries.LiabilityRow
) -> dict[str, Any]:
    return vars(report.ageing[row.issuer_id]) | {
        "issuer": _issuer(row),
        "total": report.total_of(row.issuer_id),
        "expected": report.expected(row.issuer_id),
    }


def _month(text: str | None) -> date:
    now = timezone.now()
    if text is None:
        return rules.month_before(now)
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise MonthInvalid
    month = date(int(text[:4]), int(text[5:]), 1)
    if rules.month_bounds(month)[0] > now:
        raise MonthInvalid
    return month


def _wants_csv(request: Request) -> bool:
    given = request.query_params.get("format", "json")
    if given not in ("json", "csv"):
        raise FormatInvalid
    return given == "csv"


def csv_answer(body: bytes, name: str) -> HttpResponse:
    """A file to be saved under `name`."""
    return HttpResponse(
        body,
        content_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
