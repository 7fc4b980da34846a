"""The programme as a whole: members by tier, what is not spent yet, what partners owe each other."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.accounts.models import StatusTier, User
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.platform import platform
from apps.core.money import format_rub
from apps.loyalty.liability_queries import Liability, liability
from apps.loyalty.models import Statement
from apps.loyalty.settlement_queries import Matrix, matrix_of
from apps.transactions.models import Transaction

ACTIVE = timedelta(days=30)
MONTHS = 12


@dataclass(frozen=True)
class Month:
    """Unspent bonuses that lapse in a month, by whoever pays for them."""

    month: date
    sums: list[Decimal]

    @property
    def total(self) -> Decimal:
        return sum(self.sums, Decimal(0))


@for_jobs("pages.control")
@require_GET
def reports(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    tiers = _tiers()
    owed = liability(at=at)
    issuers = sorted({row.issuer for row in owed.rows})
    months = _months(owed, issuers)
    closed = list(Statement.objects.order_by("-month").values_list("month", flat=True)[:MONTHS])
    matrix = matrix_of(_asked_month(request, closed, at=at), at=at)
    members = sum(one.people for one in tiers)
    context: dict[str, Any] = {
        "now": at,
        "tiers": tiers,
        "members": members,
        "active": _active(at=at),
        "liability": owed,
        "issuers": issuers,
        "months": months,
        "matrix": matrix,
        "states": _states(matrix),
        "closed": closed,
        "charts": {
            "tiers": _chart(
                [one.name for one in tiers], [(_("People"), [one.people for one in tiers])]
            ),
            "liability": _chart(
                [date_format(one.month, "b Y") for one in months],
                [
                    (name, [str(one.sums[at_]) for one in months])
                    for at_, name in enumerate(issuers)
                ],
            ),
            "settlement": _chart(
                [one.business.name for one in matrix.nets],
                [(_("Net, ₽"), [str(one.net) for one in matrix.nets])],
            ),
        },
        "said": _said(tiers, members, owed, matrix),
    }
    context |= {"made": platform(), "as_table": request.GET.get("view") == "table"}
    return render(request, "backoffice/control/reports.html", context)


def _tiers() -> list[Any]:
    """Tiers with how many living members stand on each."""
    people = User.objects.filter(erased_at__isnull=True).values_list("tier")
    counts = dict(people.annotate(people=Count("pk")))
    found = list(StatusTier.objects.order_by("position"))
    for tier in found:
        tier.people = counts.get(tier.pk, 0)  # type: ignore[attr-defined]
    return found


def _active(*, at: datetime) -> int:
    """Members who bought something in 30 days."""
    bought = Transaction.objects.filter(occurred_at__gte=at - ACTIVE).order_by()
    return bought.aggregate(people=Count("member", distinct=True))["people"]


def _months(owed: Liability, issuers: list[str]) -> list[Month]:
    sums: dict[date, dict[str, Decimal]] = defaultdict(dict)
    for row in owed.rows:
        sums[row.month][row.issuer] = sums[row.month].get(row.issuer, Decimal(0)) + row.total
    return [
        Month(month, [sums[month].get(name, Decimal(0)) for name in issuers])
        for month in sorted(sums)
    ]


def _asked_month(request: HttpRequest, closed: list[date], *, at: datetime) -> date:
    """The asked one of the closed months; else the newest; before the first close, this month."""
    asked = request.GET.get("month", "")
    now = timezone.localtime(at).date().replace(day=1)
    if asked == f"{now:%Y-%m}":
        return now
    return next((one for one in closed if f"{one:%Y-%m}" == asked), closed[0] if closed else now)


def _states(matrix: Matrix) -> dict[str, int]:
    """How many lines are confirmed, disputed, waiting."""
    lines = [line for line in matrix.lines if not line.is_own]
    disputed = sum(line.state == "disputed" for line in lines)
    confirmed = sum(line.state == "confirmed" for line in lines)
    return {
        "lines": len(lines),
        "confirmed": confirmed,
        "disputed": disputed,
        "waiting": len(lines) - confirmed - disputed,
    }


def _chart(labels: list[str], series: list[tuple[str, list[Any]]]) -> dict[str, Any]:
    """For the script, in plain JSON: numbers as text, never as people read them."""
    return {"labels": labels, "series": [{"name": name, "values": v} for name, v in series]}


def _said(tiers: list[Any], members: int, owed: Liability, matrix: Matrix) -> dict[str, str]:
    """Each chart for those who do not see it."""
    by_tier = ", ".join(f"{one.name}: {one.people}" for one in tiers)
    return {
        "tiers": _("Members by tier, %(all)d in all. %(list)s.")
        % {"all": members, "list": by_tier},
        "liability": _("Unspent bonuses by the month in which they lapse, %(sum)s in all.")
        % {"sum": format_rub(owed.total, always_kopecks=False)},
        "settlement": _("What each partner receives or pays for %(month)s. %(list)s.")
        % {
            "month": date_format(matrix.month, "F Y"),
            "list": ", ".join(
                f"{one.business.name}: {format_rub(one.net, always_kopecks=False)}"
                for one in matrix.nets
            )
            or _("nothing"),
        },
    }
