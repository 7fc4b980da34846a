"""The chain builder: one page, one draft. The list of steps is the editor; buttons add, move and
remove steps, the picture beside it is drawn from the list."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.queries import audit_log
from apps.backoffice import drafts
from apps.backoffice.models import Draft, DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.chains import pictures
from apps.backoffice.pages.owner.chains.forms import (
    MOST_STEPS,
    NEW_STEP,
    Read,
    arranged,
    new_chain,
    posted,
    read,
    unjudged,
)
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business, State
from apps.businesses.queries import partners
from apps.core.errors import NotFound, Refused
from apps.coupons.enums import Benefit
from apps.crosspromo import services
from apps.crosspromo.models import Chain
from apps.crosspromo.services import ChainDraft, Tried
from apps.crosspromo.words import benefit_words

ACTS = ("add", "up", "down", "remove", "save", "try", "publish", "over", "theirs")
MOST_TYPED = Decimal(10**9)


@dataclass(frozen=True)
class Side:
    """What a partner would have paid and got in 90 days; `receives` coupons of others' guests."""

    place: Business
    pays: Decimal
    gets: Decimal
    receives: int

    @property
    def only_pays(self) -> bool:
        """Neither guests nor money come to it: why should it accept."""
        return self.pays > self.gets and not self.receives


@for_jobs("chains.own")
@require_POST
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """A new draft; `to` may come from a suggestion."""
    business, at = business_of(request, slug), timezone.now()
    data = new_chain(business, at=at, to=request.POST.get("to", "")[:36])
    draft = drafts.begin(business=business, kind=DraftKind.CHAIN, by=request.user, at=at, data=data)
    return redirect("backoffice:chain_build", slug=slug, draft_id=draft.pk)


@for_jobs("chains.own")
@require_POST
def drop(request: HttpRequest, slug: str, draft_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    drafts.drop(draft=_draft(business, draft_id))
    messages.success(request, _("The draft is thrown away."))
    return redirect("backoffice:chains", slug=slug)


@for_jobs("chains.own")
@require_http_methods(["GET", "POST"])
def build(request: HttpRequest, slug: str, draft_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    draft = _draft(business, draft_id)
    act, at_step = _asked(request)
    if request.method == "POST":
        draft = _keep(request, draft, act, at_step)
        if act in ("add", "up", "down", "remove", "save"):
            return _back(slug, draft, act, at_step)
        if act == "theirs":
            if draft.subject is None:  # a new chain has no other's
                raise Http404
            drafts.drop(draft=draft)
            return redirect("backoffice:chain_page", slug=slug, chain_id=draft.subject)
    context = _context(request, business, draft)
    if request.method == "POST":
        context |= _judged(request, draft, context["read"], act)
        if "made" in context:
            return redirect("backoffice:chain_page", slug=slug, chain_id=context["made"].pk)
    if request.htmx and act == "try":
        return render(request, "backoffice/owner/chains/_tried.html", context)
    template = "backoffice/owner/chains/build.html"
    fine = request.method == "GET" or "tried" in context
    return render(request, template, context, status=200 if fine else 422)


def _judged(request: HttpRequest, draft: Draft, found: Read, act: str) -> dict[str, Any]:
    """Try it or send it: what came of it, `made` when it was sent. What was refused stands in
    `found`."""
    told: dict[str, Any] = {"judged": True}
    if found.draft is None:
        return told
    try:
        if act == "try":
            told |= _tried(request, found.draft)
        else:
            told["made"] = _publish(request, draft, found.draft, over=act == "over")
    except services.ChainStale:
        told |= _theirs(draft)
    except NotFound:
        found.refused = _("One of these partners cannot take part: choose another one.")
    except Refused as refused:
        found.refused = str(refused)
    return told


@for_jobs("chains.own")
@require_POST
def diagram(request: HttpRequest, slug: str, draft_id: UUID) -> HttpResponse:
    """While she types: kept, and the picture drawn anew."""
    business = business_of(request, slug)
    draft = _keep(request, _draft(business, draft_id), "save", 0)
    return render(request, "backoffice/owner/chains/_side.html", _context(request, business, draft))


def _asked(request: HttpRequest) -> tuple[str, int]:
    """`up-2` is to move the second step (from 0) up."""
    act, _dash, number = request.POST.get("act", "").partition("-")
    at_step = int(number) if number.isdecimal() and len(number) < 3 else 0
    return (act if act in ACTS else "save"), at_step


def _back(slug: str, draft: Draft, act: str, at_step: int) -> HttpResponse:
    """To the step that was touched: the page opens there and the focus follows."""
    shown = {"up": at_step - 1, "down": at_step + 1, "add": len(draft.get("steps")) - 1}
    number = max(0, min(shown.get(act, at_step), len(draft.get("steps", [])) - 1))
    url = reverse("backoffice:chain_build", args=[slug, draft.pk])
    return redirect(url if act == "save" else f"{url}#step-{number + 1}")


def _draft(business: Business, draft_id: UUID) -> Draft:
    try:
        return drafts.find(business=business, kind=DraftKind.CHAIN, draft_id=draft_id)
    except NotFound as gone:
        raise Http404 from gone


def _keep(request: HttpRequest, draft: Draft, act: str, at_step: int) -> Draft:
    changes = posted(request.POST, count=len(draft.get("steps", [])))
    changes["steps"] = _moved(arranged(changes), act, at_step)
    try:
        return drafts.keep(draft_id=draft.pk, changes=changes, by=request.user, at=timezone.now())
    except NotFound as gone:
        raise Http404 from gone


def _moved(steps: list[dict[str, Any]], act: str, number: int) -> list[dict[str, Any]]:
    if act == "add" and len(steps) < MOST_STEPS:
        last = steps[-1] if steps else {}
        steps.append(NEW_STEP | {"sender": last.get("sender", ""), "to": ""})
    if number >= len(steps):
        return steps
    other = {"up": number - 1, "down": number + 1}.get(act, -1)
    if 0 <= other < len(steps):
        # The first sender begins the chain whichever step stands first.
        steps[number], steps[other] = steps[other], steps[number]
        first, second = steps[min(number, other)], steps[max(number, other)]
        first["sender"], second["sender"] = second["sender"], first["sender"]
    if act == "remove" and len(steps) > 1:
        gone = steps.pop(number)
        if number == 0:
            steps[0]["sender"] = gone["sender"]
    return steps


def _context(request: HttpRequest, business: Business, draft: Draft) -> dict[str, Any]:
    context = frame(request, business)
    places = _places(business)
    found = read(draft.data, places=places, zone=business.zone)
    if request.method == "GET":  # only looked at: no reproaches for what is not filled in yet
        found.form, found.steps = unjudged(draft.data, places=places)
    return context | {
        "draft": draft,
        "read": found,
        "steps": list(enumerate(found.steps)),
        "picture": _picture(draft, places),
        "may_add": len(found.steps) < (2 if draft.get("topology") == "mutual" else MOST_STEPS),
        "wholly": found.is_whole,
    }


def _places(business: Business) -> list[Business]:
    """Herself first, then whoever may take part."""
    others = partners().filter(state=State.ACTIVE).exclude(pk=business.pk)
    return [business, *others.order_by("name")]


def _picture(draft: Draft, places: list[Business]) -> pictures.Diagram:
    names = {str(place.pk): place.name for place in places}
    ways = [
        pictures.Way(
            names.get(step.get("sender", ""), ""),
            names.get(step.get("to", ""), ""),
            _typed_benefit(step),
            f"#step-{number}",
        )
        for number, step in enumerate(arranged(draft.data), start=1)
    ]
    return pictures.draw(draft.get("topology"), ways)


def _typed_benefit(step: dict[str, Any]) -> str:
    """The coupon's words from what was typed; empty while it is no number or nothing."""
    benefit = step.get("benefit", "")
    try:
        value = Decimal(step.get("value", "").replace(" ", "").replace(",", ".") or "0")
    except ArithmeticError:
        return ""
    # `nan` and `1e99` are decimals too.
    if not (value.is_finite() and 0 <= value < MOST_TYPED) or (
        benefit != Benefit.GIFT and not value
    ):
        return ""
    return benefit_words(benefit, value, gift=step.get("gift", ""))


# --- who pays ------------------------------------------------------------------------------------
def _tried(request: HttpRequest, whole: ChainDraft) -> dict[str, Any]:
    tried = services.try_chain(draft=whole, by=request.user, at=timezone.now())
    return {"tried": tried, "sides": _sides(tried)}


def _sides(tried: Tried) -> list[Side]:
    pays: dict[Business, Decimal] = defaultdict(Decimal)
    gets: dict[Business, Decimal] = defaultdict(Decimal)
    receives: dict[Business, int] = defaultdict(int)
    for one in tried.replayed:
        receives[one.step.to_business] += one.coupons
        pays.setdefault(one.step.from_business, Decimal(0))
        for payment in one.payments:
            pays[payment.payer] += payment.amount
            if payment.kind == "fee":
                gets[payment.payee] += payment.amount
    places = sorted({*pays, *gets, *receives}, key=lambda place: place.name)
    return [Side(one, pays[one], gets[one], receives[one]) for one in places]


# --- to the partners -----------------------------------------------------------------------------
@transaction.atomic
def _publish(request: HttpRequest, draft: Draft, whole: ChainDraft, *, over: bool) -> Chain:
    """Propose it, or new terms of one; the draft goes."""
    by, at = request.user, timezone.now()
    drafts.take(draft_id=draft.pk)
    if draft.subject is None:
        made = services.create_chain(draft=whole, by=by, at=at)
    else:
        chain = services.find_chain(chain_id=draft.subject, by=by)
        seen = request.POST.get("seen", "")
        revision = int(seen) if over and seen.isdecimal() else draft.seen or 0
        made = services.change_chain(chain=chain, draft=whole, by=by, revision=revision, at=at)
    drafts.drop(draft=draft)
    messages.success(
        request, _("Sent to the partners. It begins as soon as everybody has accepted.")
    )
    return made


def _theirs(draft: Draft) -> dict[str, Any]:
    """Who touched the chain last, and its revision now."""
    chain = Chain.objects.filter(pk__in=[draft.subject]).first()
    rows = audit_log().filter(object_type="chain", object_id=str(draft.subject))
    last = rows.order_by("-id").first()
    return {"stale": chain, "stale_by": last}
