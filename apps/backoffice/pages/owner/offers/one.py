"""One offer: what it does and has given, its versions, its moves."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.offers.constructor import begin_edit
from apps.backoffice.pages.owner.offers.listing import shown
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.core.models import AuditEntry
from apps.loyalty import offer_queries, offer_words, services
from apps.loyalty.enums import OfferState
from apps.loyalty.models import OfferConstructor, OfferVersion

MOVES: dict[str, tuple[Callable[..., OfferConstructor], Any]] = {
    "submit": (services.submit_offer, _("Done.")),
    "pause": (services.pause_offer, _("Paused: it gives nothing until you resume it.")),
    "resume": (services.resume_offer, _("The offer goes on.")),
    "end": (services.end_offer, _("Ended for good.")),
}
VERSIONS = 10


@dataclass(frozen=True)
class Edit:
    """A version and what it changed of the one before."""

    version: OfferVersion
    changes: list[tuple[str, str, str]]


@for_jobs("offers.manage")
@require_http_methods(["GET", "POST"])
def offer(request: HttpRequest, slug: str, offer_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    found = _offer(business, offer_id)
    refused = ""
    if request.method == "POST":
        refused = _move(request, found)
        if not refused:
            return redirect("backoffice:offer", slug=slug, offer_id=offer_id)
        found = _offer(business, offer_id)
    context = frame(request, business)
    [one] = shown([found], zone=business.zone, at=context["now"])
    context |= {
        "one": one,
        "refused": refused,
        "edits": _edits(found, business),
        "returned": _returned(found),
        "limit": settings.OFFER_REVIEW_LIMIT,
        "last_day": offer_words.last_day_moment(one.version.ends_at),
    }
    status = 422 if refused else 200
    return render(request, "backoffice/owner/offers/one.html", context, status=status)


def _offer(business: Business, offer_id: UUID) -> OfferConstructor:
    found = offer_queries.offers_of(business).filter(pk=offer_id).first()
    if found is None:
        raise Http404
    return found


def _move(request: HttpRequest, found: OfferConstructor) -> str:
    """Make the move; what was refused, or an empty string."""
    move = MOVES.get(request.POST.get("act", ""))
    if move is None:
        return ""
    try:
        moved = move[0](offer_id=found.pk, by=request.user, at=timezone.now())
    except Refused as refused:
        return str(refused)
    said = move[1]
    if moved.state == OfferState.REVIEW:
        said = _("Sent for approval. You will see the answer here.")
    messages.success(request, str(said))
    return ""


def _edits(found: OfferConstructor, business: Business) -> list[Edit]:
    rows = OfferVersion.objects.filter(offer=found).select_related("edited_by")
    versions = list(rows.order_by("-number")[: VERSIONS + 1])
    told = [
        Edit(after, offer_words.changes_between(before, after, zone=business.zone))
        for after, before in pairwise(versions)
    ]
    return told + ([Edit(versions[-1], [])] if len(versions) <= VERSIONS else [])


def _returned(found: OfferConstructor) -> str:
    """Why an admin sent it back; empty when nobody did since it was last submitted."""
    if found.state != OfferState.DRAFT:
        return ""
    rows = AuditEntry.objects.filter(object_type="offerconstructor", object_id=str(found.pk))
    last = rows.filter(action="loyalty.offer_return").order_by("-id").first()
    return last.reason if last else ""


@for_jobs("offers.manage")
@require_POST
def edit(request: HttpRequest, slug: str, offer_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    draft = begin_edit(request=request, business=business, offer=_offer(business, offer_id))
    return redirect("backoffice:offer_check", slug=slug, draft_id=draft.pk)
