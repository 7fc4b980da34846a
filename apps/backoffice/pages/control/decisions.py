"""What one admin asked for and another one decides: adjustments, offers, broadcasts."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, reason_of
from apps.core.money import from_kopecks
from apps.loyalty.enums import OfferState
from apps.loyalty.models import Adjustment, AdjustmentState, OfferConstructor
from apps.loyalty.services import approve_offer, decide_adjustment, return_offer
from apps.notifications.enums import BroadcastState
from apps.notifications.models import Broadcast
from apps.notifications.services.broadcasts import approve_broadcast, cancel_broadcast

MOST = 50


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def decisions(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _decide(request)
    adjustments = Adjustment.objects.filter(state=AdjustmentState.WAITING)
    offers = OfferConstructor.objects.filter(state=OfferState.REVIEW)
    broadcasts = Broadcast.objects.filter(state=BroadcastState.ASKED)
    mine = request.user.pk
    context = {
        "now": timezone.now(),
        "adjustments": [
            (one, from_kopecks(one.amount), mine in (one.asked_by_id, one.wallet_id))
            for one in adjustments.select_related("wallet__member", "asked_by").order_by(
                "asked_at"
            )[:MOST]
        ],
        "offers": [
            (one, one.current, one.current is not None and one.current.edited_by_id == mine)
            for one in offers.select_related("business", "current__edited_by").order_by(
                "created_at"
            )[:MOST]
        ],
        "broadcasts": [
            (one, one.asked_by_id == mine)
            for one in broadcasts.select_related("asked_by").order_by("created_at")[:MOST]
        ],
    }
    return render(request, "backoffice/control/decisions.html", context)


def _decide(request: HttpRequest) -> HttpResponse:
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    try:
        row_id = UUID(request.POST.get("row", ""))
    except ValueError as wrong:
        raise Http404 from wrong
    decide, done, wants = act
    back = redirect("backoffice:decisions")
    away = freshness.stale(request, wants, back=back["Location"])
    if away:
        return away
    acted(request, lambda: decide(request, row_id), done)
    return back


def _adjustment(is_confirmed: bool) -> Callable[[HttpRequest, UUID], Any]:
    def decide(request: HttpRequest, row_id: UUID) -> None:
        decide_adjustment(
            adjustment_id=row_id, is_confirmed=is_confirmed, by=request.user, at=timezone.now()
        )

    return decide


def _approve(request: HttpRequest, row_id: UUID) -> None:
    approve_offer(offer_id=row_id, by=request.user, at=timezone.now())


def _return(request: HttpRequest, row_id: UUID) -> None:
    return_offer(offer_id=row_id, by=request.user, reason=reason_of(request), at=timezone.now())


def _send(request: HttpRequest, row_id: UUID) -> None:
    approve_broadcast(broadcast_id=row_id, by=request.user, at=timezone.now())


def _stop(request: HttpRequest, row_id: UUID) -> None:
    cancel_broadcast(broadcast_id=row_id, by=request.user, at=timezone.now())


ACTS: dict[str, tuple[Callable[[HttpRequest, UUID], Any], Any, str]] = {
    "confirm": (_adjustment(True), _("The adjustment is carried out."), "users.adjust"),
    "decline": (_adjustment(False), _("Declined: the wallet stays as it was."), "users.adjust"),
    "approve": (_approve, _("Approved: it begins at its time."), "offers.review"),
    "return": (_return, _("Sent back. The owner reads why."), "offers.review"),
    "send": (_send, _("It is being sent."), "broadcasts.send"),
    "stop": (_stop, _("Stopped: nobody gets it."), "broadcasts.send"),
}
