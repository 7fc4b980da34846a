"""What people asked about their data, by the day until which the law wants an answer."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness, services
from apps.accounts.enums import RequestKind, RequestState
from apps.accounts.models import PrivacyRequest
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, page_of, reason_of, without_page
from apps.core.errors import NotFound

SERVE = "privacy.serve"


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def privacy(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _serve(request)
    at = timezone.now()
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    rows = PrivacyRequest.objects.select_related("member", "closed_by")
    if state == "closed":
        rows = rows.exclude(state=RequestState.OPEN).order_by("-closed_at", "-id")
    else:
        rows = rows.filter(state=RequestState.OPEN).order_by("due_at", "id")
    if kind in RequestKind.values:
        rows = rows.filter(kind=kind)
    page = page_of(request, rows)
    context = {
        "now": at,
        "page": page,
        "rows": [
            (one, one.state == RequestState.OPEN and one.due_at <= at, (one.due_at - at).days)
            for one in page
        ],
        "asked": without_page(request),
        "state": state,
        "kind": kind,
        "kinds": RequestKind.choices,
    }
    return render(request, "backoffice/control/privacy.html", context)


def _serve(request: HttpRequest) -> HttpResponse:
    back = reverse("backoffice:privacy")
    away = freshness.stale(request, SERVE, back=back)
    if away:
        return away

    def serve() -> None:
        try:
            row_id = UUID(request.POST.get("request", ""))
        except ValueError as wrong:
            raise NotFound from wrong
        services.serve_request(
            request_id=row_id, answer=reason_of(request), by=request.user, at=timezone.now()
        )

    acted(request, serve, _("Done and closed."))
    return redirect(back)
