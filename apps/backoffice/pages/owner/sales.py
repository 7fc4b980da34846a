"""Sales: filters in the address, views of her own, one sale in a drawer, a file for Excel."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.backoffice import exports, services
from apps.backoffice.models import ExportKind, SavedView
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.filed import file_of
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.pages import page
from apps.backoffice.sales_queries import (
    FILTERS,
    read_wanted,
    sums_of,
    wanted_sales,
)
from apps.businesses.models import Business
from apps.businesses.queries import staff_at
from apps.core.errors import Refused
from apps.transactions.models import Source, Status
from apps.transactions.queries import ledger_of, sales_at


@for_jobs("pages.owner", hidden=True)
@require_GET
def sales(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    wanted, wrong = read_wanted(request.GET)
    found = wanted_sales(business, wanted)
    if request.GET.get("format") == "csv":
        return file_of(
            request,
            business,
            kind=ExportKind.SALES,
            query=_kept(request.GET),
            rows=found.count(),
            at=context["now"],
        )
    views = list(SavedView.objects.filter(user_id=str(request.user.pk), business=business))
    kept = _kept(request.GET)
    context |= {
        "found": page(found, moment="occurred_at", after=request.GET.get("after", "")),
        "sums": sums_of(found),
        "asked": request.GET,
        "wrong": wrong,
        "filtered": bool(kept),
        "kept": kept,
        "views": views,
        "current": next((one for one in views if one.query == kept), None),
        "statuses": Status.choices,
        "sources": Source.choices,
        "locations": business.locations.order_by("name"),
        "people": staff_at(business),
        "presets": _presets(business, context["now"]),
        "exports": exports.live_exports(
            by=request.user, business=business, at=context["now"], kind=ExportKind.SALES
        ),
    }
    return render(request, "backoffice/owner/sales/list.html", context)


@for_jobs("pages.owner", hidden=True)
@require_GET
def sale(request: HttpRequest, slug: str, sale_id: UUID) -> HttpResponse:
    """One sale with its history: in the drawer, or as a page of its own."""
    business = business_of(request, slug)
    found = (
        sales_at(business)
        .select_related("entered_by", "location")
        .prefetch_related("items", "refunds__entered_by")
        .filter(pk=sale_id)
        .first()
    )
    if found is None:
        raise Http404
    context = frame(request, business) | {"sale": found, "entries": ledger_of(found)}
    name = "_sale.html" if request.htmx else "sale.html"
    return render(request, f"backoffice/owner/sales/{name}", context)


@for_jobs("pages.owner", hidden=True)
@require_POST
def keep_view(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the filters under a name, or forget a kept one."""
    business = business_of(request, slug)
    query = _kept(QueryDict(request.POST.get("query", "")))
    try:
        if request.POST.get("forget"):
            services.forget_view(by=request.user, business=business, name=request.POST["forget"])
        else:
            name = request.POST.get("name", "")
            services.keep_view(by=request.user, business=business, name=name, query=query)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('backoffice:owner_sales', args=[slug])}?{query}")


@for_jobs("pages.owner", hidden=True)
@require_GET
def export(request: HttpRequest, slug: str, export_id: UUID) -> HttpResponse:
    """A file that was made in the background, for whoever asked for it."""
    business = business_of(request, slug)
    context = frame(request, business)
    live = exports.live_exports(by=request.user, business=business, at=context["now"])
    found = next((one for one in live if one.pk == export_id and one.is_ready), None)
    if found is None:
        raise Http404
    return HttpResponse(
        exports.opened(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{business.slug}-{found.kind}.csv"'},
    )


# --- what was asked ------------------------------------------------------------------------------
def _kept(query: QueryDict) -> str:
    """The filters of an address, in one order, for the next address."""
    kept = QueryDict(mutable=True)
    for name in FILTERS:
        if value := query.get(name, "").strip()[:60]:
            kept[name] = value
    return kept.urlencode()


def _presets(business: Business, now: Any) -> list[tuple[str, str]]:
    """Ranges of days that are asked for most, as queries."""
    today = now.astimezone(ZoneInfo(business.zone)).date()
    return [
        (_("today"), f"from={today}&to={today}"),
        (_("7 days"), f"from={today - timedelta(days=6)}&to={today}"),
        (_("this month"), f"from={today.replace(day=1)}&to={today}"),
        (_("all"), ""),
    ]
