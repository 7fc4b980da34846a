"""Guests of a business: a list with filters, one of them in a drawer. Names in part, no phones."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.models import StatusTier
from apps.analytics.enums import Reason, Segment
from apps.analytics.rfm_queries import snapshot_of
from apps.backoffice import exports
from apps.backoffice import guest_queries as queries
from apps.backoffice.models import ExportKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.filed import file_of
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.core.clickhouse import Unavailable

ROWS = 25


@for_jobs("pages.owner", hidden=True)
@require_GET
def guests(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    wanted = queries.read_wanted(request.GET)
    kept = _kept(request.GET)
    newest = snapshot_of(business=business)
    context |= {
        "asked": wanted,
        "kept": kept,
        "filtered": any((wanted.q, wanted.tier, wanted.segment, wanted.last)),
        "tiers": StatusTier.objects.order_by("position"),
        "segments": Segment.choices[:-1] if newest else [],
        "lasts": queries.LAST_WORDS.items(),
        "sorts": [(name, _sorted_by(request.GET, name)) for name in queries.SORTS],
        "reckoned": newest.computed_at if newest else None,
        "exports": exports.live_exports(
            by=request.user, business=business, at=context["now"], kind=ExportKind.GUESTS
        ),
    }
    try:
        found = queries.guests_of(business, wanted, at=context["now"])
    except Unavailable:
        context |= {"failed": True, "page": None, "rows": []}
    else:
        if request.GET.get("format") == "csv":
            return file_of(
                request,
                business,
                kind=ExportKind.GUESTS,
                query=kept,
                rows=found.count(),
                at=context["now"],
            )
        page = Paginator(found, ROWS).get_page(request.GET.get("page"))
        rows = queries.with_people(business, list(page.object_list))
        context |= {"page": page, "rows": rows}
    return render(request, "backoffice/owner/guests/list.html", context)


@for_jobs("pages.owner", hidden=True)
@require_GET
def guest(request: HttpRequest, slug: str, member_id: UUID) -> HttpResponse:
    """One guest: in the drawer, or as a page of her own."""
    business = business_of(request, slug)
    found = queries.one_guest(business, member_id)
    if found is None:
        raise Http404
    reasons = [str(Reason(code).label) for code in found.risk.reasons] if found.risk else []
    context: dict[str, Any] = frame(request, business)
    context |= {"one": found, "guest": found.guest, "reasons": reasons}
    name = "_guest.html" if request.htmx else "guest.html"
    return render(request, f"backoffice/owner/guests/{name}", context)


def _kept(query: QueryDict) -> str:
    """The filters of an address, in one order, for the next address."""
    kept = QueryDict(mutable=True)
    for name in queries.FILTERS:
        if value := query.get(name, "").strip()[:40]:
            kept[name] = value
    return kept.urlencode()


def _sorted_by(query: QueryDict, name: str) -> str:
    """The same address in another order."""
    kept = QueryDict(_kept(query), mutable=True)
    kept["sort"] = name
    return kept.urlencode()
