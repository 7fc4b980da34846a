"""Moderation of proposals: claim one, read it beside the checklist, decide. Never about her own."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, page_of
from apps.backoffice.queues import MODERATION
from apps.core.errors import Refused
from apps.events import queries, rules, services
from apps.events.enums import Decision, Kind, Reason, State
from apps.events.models import Case, Event

HISTORY = 10
CHECKS = [
    ("clear", _("It is clear what happens, where and for whom")),
    ("safe", _("It is lawful and safe for those who come")),
    ("no_people", _("It holds no personal data of other people")),
    ("no_advertising", _("It is no advertising of somebody's business")),
    ("new", _("There is no such proposal yet")),
]
DONE = {
    Decision.APPROVE: _("Approved: voting is open."),
    Decision.REJECT: _("Rejected. The author reads the reason."),
    Decision.REQUEST_CHANGES: _("Sent back. The author reads what to change."),
}


@dataclass(frozen=True)
class Author:
    """What the same author proposed before."""

    proposed: int = 0
    supported: int = 0
    rejected: int = 0


@for_jobs("pages.moderation")
@require_GET
def proposals(request: HttpRequest) -> HttpResponse:
    """The queue, oldest first, with who reads what; and what she decided lately."""
    at, by = timezone.now(), _reader(request)
    claims = Case.objects.filter(
        event=OuterRef("pk"), decided_at__isnull=True, claimed_until__gt=at
    )
    names = claims.values("claimed_by__first_name")
    rows = (
        queries.queue(by, at=at)
        .annotate(claimed_by=Subquery(claims.values("claimed_by")), claimed_name=Subquery(names))
        .select_related("creator__tier")
        .order_by("submitted_at", "id")
    )
    decided = Case.objects.filter(decided_by=by).select_related("event")
    page = page_of(request, rows)
    context = {
        "now": at,
        "page": page,
        "rows": [(one, one.submitted_at + MODERATION <= at) for one in page],
        "mine": list(decided.order_by("-decided_at")[:HISTORY]),
    }
    return render(request, "backoffice/control/proposals.html", context)


def _reader(request: HttpRequest) -> User:
    """Whoever the guard let in."""
    return cast(User, request.user)


@for_jobs("pages.moderation")
@require_http_methods(["GET", "POST"])
def proposal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET reads, POST claims or decides. A refusal keeps what was typed."""
    found = Event.objects.filter(pk=pk, kind=Kind.PROPOSAL, cases__isnull=False).distinct()
    event = found.select_related("creator__tier", "business").first()
    if event is None:
        raise Http404
    if request.method == "GET":
        return _show(request, event)
    if request.POST.get("act") == "claim":
        by, at = request.user, timezone.now()
        acted(
            request,
            lambda: services.claim_case(event=event, by=by, at=at),
            _("Yours for 30 minutes."),
        )
        return redirect("backoffice:proposal", pk)
    problem = _decide(request, event)
    if problem:
        return _show(request, event, problem=problem, status=422)
    return redirect("backoffice:proposals")


def _decide(request: HttpRequest, event: Event) -> str:
    """An empty string when it was decided, else what is wrong."""
    given = request.POST
    action = given.get("act", "")
    if action not in Decision.values:
        return str(_("Choose what is decided."))
    if action == Decision.APPROVE and not set(dict(CHECKS)) <= set(given.getlist("check")):
        return str(_("Tick the whole list before you approve."))
    try:
        after = services.moderate(
            event=event,
            action=action,
            by=request.user,
            at=timezone.now(),
            reason=given.get("reason", "") if given.get("reason") in Reason.values else "",
            comment=given.get("comment", ""),
        )
    except Refused as refusal:
        return str(refusal)
    waits = after.state == State.SUBMITTED
    told = (
        _("Noted. A second moderator must agree that it is unsafe.")
        if waits
        else DONE[Decision(action)]
    )
    acted(request, lambda: None, told)
    return ""


def _show(
    request: HttpRequest, event: Event, *, problem: str = "", status: int = 200
) -> HttpResponse:
    at = timezone.now()
    cases = list(
        event.cases.select_related("claimed_by", "decided_by", "first_by").order_by("-opened_at")
    )
    case = next((one for one in cases if one.decided_at is None), None)
    by = _reader(request)
    context = {
        "event": event,
        "now": at,
        "case": case,
        "past": [one for one in cases if one.decided_at],
        "due": event.submitted_at + MODERATION if event.submitted_at else None,
        "author": _author(event),
        "standing": _standing(event, case, by, at=at),
        "checks": CHECKS,
        "ticked": request.POST.getlist("check"),
        "given": request.POST,
        "reasons": Reason.choices,
        "may_recount": event.need_points is not None and services.is_admin(by),
        "rounds_left": max(0, rules.CHANGE_ROUNDS - event.rounds),
        "problem": problem,
    }
    return render(request, "backoffice/control/proposal.html", context, status=status)


def _author(event: Event) -> Author:
    """Her other proposals, without this one."""
    if event.creator_id is None:
        return Author()
    others = Event.objects.filter(creator=event.creator_id, kind=Kind.PROPOSAL).exclude(pk=event.pk)
    told = others.aggregate(
        proposed=Count("pk", filter=Q(submitted_at__isnull=False)),
        supported=Count("pk", filter=Q(supported_at__isnull=False)),
        rejected=Count("pk", filter=Q(state__in=[State.REJECTED, State.REMOVED])),
    )
    return Author(**told)


def _standing(event: Event, case: Case | None, by: User, *, at: datetime) -> str:
    """own, decided, appeal, taken, mine or free: what she may do with it now."""
    if event.creator_id == by.pk or event.co_authors.filter(pk=by.pk).exists():
        return "own"
    if case is None or event.state != State.SUBMITTED:
        return "decided"
    if event.appealed and not services.is_admin(by):
        return "appeal"
    if case.claimed_until and case.claimed_until > at:
        return "mine" if case.claimed_by_id == by.pk else "taken"
    return "free"
