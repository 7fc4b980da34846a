"""What guests said of the events of a business, and the host's answers."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.backoffice import guest_reviews
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.events.models import Feedback
from apps.events.services import AnswerStale, answer_feedback

ROWS = 25
STARS = {"5", "4", "3", "2", "1"}


@for_jobs("pages.owner", hidden=True)
@require_http_methods(["GET", "POST"])
def reviews(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    typed: dict[str, Any] = {}
    if request.POST.get("review"):
        row = _review(business, request.POST.get("review", ""))
        try:
            answer_feedback(
                feedback_id=row.pk,
                answer=request.POST.get("answer", ""),
                seen=request.POST.get("seen", ""),
                by=request.user,
                at=timezone.now(),
            )
        except Refused as refused:
            row.refresh_from_db()
            typed = {"pk": row.pk, "answer": request.POST.get("answer", ""), "why": str(refused)}
            typed["stale"] = isinstance(refused, AnswerStale)
        else:
            messages.success(request, _("The answer is sent."))
            url = reverse("backoffice:reviews", args=[slug])
            return redirect(f"{url}?{_kept(request.GET)}#review-{row.pk}")
    context = frame(request, business) | _page(request, business) | {"typed": typed}
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/guests/reviews.html", context, status=status)


def _page(request: HttpRequest, business: Business) -> dict[str, Any]:
    stars, event = request.GET.get("stars", ""), request.GET.get("event", "")
    rows = guest_reviews.shown_reviews(business).select_related(
        "registration__event", "answered_by"
    )
    rated = guest_reviews.rated_events(business)
    if stars in STARS:
        rows = rows.filter(rating=int(stars))
    elif stars == "low":
        rows = rows.filter(rating__lte=guest_reviews.LOW)
    if any(str(one.event.pk) == event for one in rated):
        rows = rows.filter(registration__event=UUID(event))
    else:
        event = ""
    return {
        "opinion": guest_reviews.opinion_of(business),
        "rated": rated,
        "enough": guest_reviews.SHOWN_FROM,
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page")),
        "stars": stars if stars in (*STARS, "low") else "",
        "event": event,
        "kept": _kept(request.GET),
    }


def _review(business: Business, text: str) -> Feedback:
    """One of those that she is shown."""
    try:
        found = guest_reviews.shown_reviews(business).filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _kept(query: QueryDict) -> str:
    kept = QueryDict(mutable=True)
    for name in ("stars", "event"):
        if value := query.get(name, "").strip()[:40]:
            kept[name] = value
    return kept.urlencode()
