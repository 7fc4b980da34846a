"""Members: found by something exact, shown in part, blocked with a reason."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness, queries, rights, services
from apps.accounts.enums import RequestKind, RequestState
from apps.accounts.models import PrivacyRequest, StatusTier, User
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, page_of, reason_of, without_page
from apps.core.errors import NotFound, Refused
from apps.events.services.waitlist import points_of
from apps.loyalty.queries import balance_of
from apps.loyalty.tier_queries import standing_of
from apps.transactions.queries import own_sales

LATEST = 10
NAMED = 50  # found by a name


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest) -> HttpResponse:
    """GET lists, masked. POST looks for somebody: what is typed stays out of addresses and logs."""
    tier, state = request.GET.get("tier", ""), request.GET.get("state", "")
    rows = queries.everybody().order_by("-joined_at", "-id")
    if tier:
        rows = rows.filter(tier__code=tier)
    if state in ("blocked", "active"):
        rows = rows.filter(blocked_at__isnull=state == "active")
    sought = ""
    if request.method == "POST":
        sought = request.POST.get("who", "").strip()[:100]
        found = queries.find_person(sought)
        if found:
            return redirect("backoffice:member", found.pk)
        looks_exact = "@" in sought or queries.is_phone_like(sought) or not sought
        named = (
            User.objects.none()
            if looks_exact
            else queries.everybody().filter(queries.named(sought))
        )
        rows = named.order_by("first_name", "last_name", "pk")[:NAMED]
    context = {
        "page": page_of(request, rows),
        "asked": without_page(request),
        "tiers": StatusTier.objects.order_by("position"),
        "tier": tier,
        "state": state,
        "sought": sought,
    }
    return render(request, "backoffice/control/members.html", context)


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def member(request: HttpRequest, pk: UUID) -> HttpResponse:
    person = queries.person_in_full(pk)
    if person is None:
        raise Http404
    if request.method == "POST":
        return _act(request, person)
    return _show(request, person)


def _show(request: HttpRequest, person: Any, *, phone: str = "") -> HttpResponse:
    at = timezone.now()
    by: Any = request.user
    context = {
        "now": at,
        "person": person,
        "phone": phone,
        "balance": balance_of(person.pk, at=at),
        "standing": standing_of(person, at=at),
        "points": points_of(person.pk, at=at),
        "sales": list(own_sales(person).order_by("-occurred_at", "-id")[:LATEST]),
        "sessions": list(queries.live_sessions(person.pk).order_by("-last_seen_at")[:LATEST]),
        "consents": queries.consents_of(person.pk, language=get_language() or "ru"),
        "requests": list(
            PrivacyRequest.objects.filter(member=person, state=RequestState.OPEN).order_by("due_at")
        ),
        "kinds": RequestKind.choices,
        "trail": list(
            queries.audit_log().filter(object_id=str(person.pk)).order_by("-id")[:LATEST]
        ),
        "may_block": _may_block(by, person),
    }
    return render(request, "backoffice/control/member.html", context)


def _may_block(by: User, person: User) -> bool:
    """The service asks the same; here so that nobody sees a button that she can never use."""
    if by.pk == person.pk:
        return False
    outranked = rights.may("admin.enter", job=person.job) and not rights.may(
        "users.role", job=by.job
    )
    return not outranked


def _act(request: HttpRequest, person: User) -> HttpResponse:
    act = request.POST.get("act", "")
    back = reverse("backoffice:member", args=[person.pk])
    if act == "reveal":
        away = freshness.stale(request, "users.unmask", back=back)
        return away or _reveal(request, person)
    deed = ACTS.get(act)
    if deed is None:
        raise Http404
    wants, decide, done = deed
    away = freshness.stale(request, wants, back=back)
    if away:
        return away
    acted(request, lambda: decide(request, person), done)
    return redirect(back)


def _reveal(request: HttpRequest, person: User) -> HttpResponse:
    """Shown once, in the answer to this POST."""
    try:
        phone = services.reveal_phone(
            user=person, by=request.user, reason=reason_of(request), at=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("backoffice:member", person.pk)
    return _show(request, person, phone=phone)


def _block(request: HttpRequest, person: User) -> None:
    at = timezone.now()
    services.block_user(user=person, by=request.user, reason=reason_of(request), at=at)


def _unblock(request: HttpRequest, person: User) -> None:
    services.unblock_user(user=person, by=request.user, reason=reason_of(request))


def _end(request: HttpRequest, person: User) -> None:
    """One of her sessions, by its id."""
    try:
        wanted = UUID(request.POST.get("session", ""))
    except ValueError as wrong:
        raise NotFound from wrong
    session = queries.live_sessions(person.pk).filter(pk=wanted).first()
    if session is None:
        raise NotFound
    services.end_session_by_admin(
        session=session, by=request.user, reason=reason_of(request), at=timezone.now()
    )


def _note(request: HttpRequest, person: User) -> None:
    kind = request.POST.get("kind", "")
    if kind not in RequestKind.values:
        raise NotFound
    services.note_request(member=person, kind=RequestKind(kind), by=request.user, at=timezone.now())


ACTS = {
    "block": ("users.block", _block, _("Blocked: her sessions ended, codes no longer come.")),
    "unblock": ("users.unblock", _unblock, _("Let in again. She signs in anew.")),
    "end": ("sessions.end", _end, _("The session is over.")),
    "note": ("users.read", _note, _("The request stands in the queue with its day.")),
}
