"""Suspicions: patterns of sales, and rings of voters. A person looks; nothing is undone by itself."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, page_of, reason_of, without_page
from apps.businesses.queries import partners
from apps.core.errors import NotFound
from apps.events import rings
from apps.transactions.models import FlagKind, FraudFlag
from apps.transactions.services import settle_flag


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def fraud(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        acted(request, lambda: _settle(request), _("The finding is noted."))
        return redirect(request.get_full_path())
    at = timezone.now()
    state, kind, slug = (request.GET.get(name, "") for name in ("state", "kind", "business"))
    flags = FraudFlag.objects.select_related(
        "business", "staff", "member", "transaction", "settled_by"
    )
    flags = flags.filter(settled_at__isnull=state != "settled")
    if kind in FlagKind.values:
        flags = flags.filter(kind=kind)
    if slug:
        flags = flags.filter(business__slug=slug)
    page = page_of(request, flags.order_by("at" if state != "settled" else "-settled_at", "id"))
    context = {
        "now": at,
        "page": page,
        "asked": without_page(request),
        "state": state,
        "kind": kind,
        "slug": slug,
        "kinds": FlagKind.choices,
        "businesses": partners().order_by("name"),
        "rings": rings.suspicions(at=at),
    }
    return render(request, "backoffice/control/fraud.html", context)


def _settle(request: HttpRequest) -> None:
    try:
        flag = FraudFlag.objects.filter(pk=UUID(request.POST.get("flag", ""))).first()
    except ValueError as wrong:
        raise NotFound from wrong
    if flag is None:
        raise NotFound
    settle_flag(flag=flag, verdict=reason_of(request), by=request.user, at=timezone.now())
