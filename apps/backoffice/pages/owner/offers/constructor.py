"""The constructor: five steps over one draft. Every step is kept as it was typed before anything is
judged, so going back, reloading or another computer lose nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.backoffice import drafts
from apps.backoffice.models import Draft, DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.fields import raw_of
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.offers.forms import (
    FORMS,
    NAMES,
    STEP_OF,
    STEPS,
    data_of,
    faults_of,
    filled,
    preset,
    terms_of,
)
from apps.businesses.models import Business
from apps.core.errors import NotFound, Refused
from apps.loyalty import offer_queries, offer_words, services
from apps.loyalty.enums import OfferKind, OfferState
from apps.loyalty.models import OfferConstructor, OfferVersion

LEAST_AUDIENCE = 20


@dataclass(frozen=True)
class Step:
    name: str
    label: Any
    number: int
    current: bool
    wrong: bool


@for_jobs("offers.manage")
@require_POST
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """A new draft; `goal` may come from a page that suggests an offer."""
    business, at = business_of(request, slug), timezone.now()
    goal = request.POST.get("goal", "")
    data = preset(goal, {}, at=at, zone=business.zone) | {"goal": goal} if goal else {}
    draft = drafts.begin(business=business, kind=DraftKind.OFFER, by=request.user, at=at, data=data)
    return redirect("backoffice:offer_step", slug=slug, draft_id=draft.pk, step="goal")


@for_jobs("offers.manage")
@require_POST
def drop(request: HttpRequest, slug: str, draft_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    drafts.drop(draft=_draft(business, draft_id))
    messages.success(request, _("The draft is thrown away."))
    return redirect("backoffice:offers", slug=slug)


@for_jobs("offers.manage")
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, slug: str, draft_id: UUID, step: str) -> HttpResponse:
    business = business_of(request, slug)
    draft = _draft(business, draft_id)
    if step not in FORMS:
        raise Http404
    if request.method == "POST":
        draft = _keep(request, draft, step)
        go = request.POST.get("go", "next")
        if go in NAMES:
            return redirect("backoffice:offer_step", slug=slug, draft_id=draft.pk, step=go)
    context = _context(request, business, draft, step)
    form = filled(step, draft.data, segments=context["segments"])
    wrong = {name: said for name, said in context["faults"].items() if STEP_OF.get(name) == step}
    if request.method == "POST" and not wrong:
        following = NAMES[NAMES.index(step) + 1]
        return _to(slug, draft, following)
    if request.method == "POST":
        for name, said in wrong.items():
            if name in form.fields and not form.errors.get(name):
                form.add_error(name, said)
    else:
        form = _unjudged(step, draft, context["segments"])
    context |= {"form": form, "template": f"backoffice/owner/offers/_{step}.html"}
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/offers/step.html", context, status=status)


def _to(slug: str, draft: Draft, step: str) -> HttpResponse:
    if step == "check":
        return redirect("backoffice:offer_check", slug=slug, draft_id=draft.pk)
    return redirect("backoffice:offer_step", slug=slug, draft_id=draft.pk, step=step)


def _unjudged(step: str, draft: Draft, segments: list[str]) -> Any:
    """A step that is only looked at shows what was typed, without reproaches for what was not."""
    form = filled(step, draft.data, segments=segments)
    if not any(draft.get(name) for name in FORMS[step].base_fields):
        form = FORMS[step](**({"segments": segments} if step == "who" else {}))
    return form


@for_jobs("offers.manage")
@require_POST
def preview(request: HttpRequest, slug: str, draft_id: UUID, step: str) -> HttpResponse:
    """While she types: kept, and what the guest would see."""
    business = business_of(request, slug)
    draft = _draft(business, draft_id)
    if step not in FORMS:
        raise Http404
    draft = _keep(request, draft, step)
    context = _context(request, business, draft, step)
    return render(request, "backoffice/owner/offers/_preview.html", context)


def _draft(business: Business, draft_id: UUID) -> Draft:
    try:
        return drafts.find(business=business, kind=DraftKind.OFFER, draft_id=draft_id)
    except NotFound as gone:
        raise Http404 from gone


def _keep(request: HttpRequest, draft: Draft, step: str) -> Draft:
    at, changes = timezone.now(), raw_of(FORMS[step], request.POST)
    goal = changes.get("goal")
    if step == "goal" and goal and goal != draft.get("goal"):
        touched = {**draft.data, **changes}
        changes |= preset(goal, touched, at=at, zone=draft.business.zone)
    try:
        return drafts.keep(draft_id=draft.pk, changes=changes, by=request.user, at=at)
    except NotFound as gone:
        raise Http404 from gone


def _context(request: HttpRequest, business: Business, draft: Draft, step: str) -> dict[str, Any]:
    context = frame(request, business)
    segments = offer_queries.known_segments()
    terms = terms_of(draft.data, business=business, segments=segments)
    faults = faults_of(draft.data, business=business, segments=segments)
    begun = {name for name, form in FORMS.items() if any(draft.get(f) for f in form.base_fields)}
    wrong = {STEP_OF[field] for field in faults if field in STEP_OF} & begun
    found = offer_queries.audience_of(business, terms, at=context["now"])
    return context | {
        "draft": draft,
        "step": step,
        "segments": segments,
        "terms": terms,
        "faults": faults,
        "steps": [
            Step(name, label, number, name == step, name in wrong)
            for number, (name, label, _form) in enumerate(STEPS, start=1)
        ],
        "sentence": offer_words.sentence(terms, zone=business.zone, at=context["now"]),
        "gift": _gift(terms),
        "last_day": offer_words.last_day_moment(terms["ends_at"]) if "ends_at" in terms else None,
        "audience": found,
        "few": found < LEAST_AUDIENCE and not terms.get("first_purchase"),
        "preview_url": reverse("backoffice:offer_preview", args=[business.slug, draft.pk, step])
        if step in FORMS
        else "",
    }


def _gift(terms: Mapping[str, Any]) -> str:
    """The big words on the guest's card."""
    value = terms.get("value")
    if not value:
        return ""
    number = offer_words.number_of(value)
    if terms.get("kind") == OfferKind.MULTIPLIER:
        return f"×\u00a0{number}"
    if terms.get("kind") == OfferKind.PERCENT:
        return f"+\u00a0{number}\u00a0%"
    return f"+\u00a0{offer_words.bonuses(value)}"


# --- the last step -------------------------------------------------------------------------------
@for_jobs("offers.manage")
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, slug: str, draft_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    draft = _draft(business, draft_id)
    context = _context(request, business, draft, "check") | _plan(business, draft)
    act = request.POST.get("act", "")
    if request.method == "POST" and act in NAMES:
        return _to(slug, draft, act)
    if act == "theirs":
        return _left(slug, draft)
    status = 200
    if request.method == "POST" and not context["faults"]:
        try:
            if act == "simulate":
                context["forecast"] = _simulate(request, business, draft, context["terms"])
            else:
                offer = _save(request, business, draft, context["terms"], act)
                return redirect("backoffice:offer", slug=slug, offer_id=offer.pk)
        except services.OfferStale as stale:
            context |= _theirs(stale.version, draft, business)
        except Refused as refused:
            context["refused"] = _said(refused)
        status = 200 if "forecast" in context else 422
    if request.htmx and act == "simulate":
        return render(request, "backoffice/owner/offers/_forecast.html", context, status=status)
    return render(request, "backoffice/owner/offers/check.html", context, status=status)


def _left(slug: str, draft: Draft) -> HttpResponse:
    """The other's words stand; a new offer has no other."""
    if draft.subject is None:
        raise Http404
    drafts.drop(draft=draft)
    return redirect("backoffice:offer", slug=slug, offer_id=draft.subject)


def _said(refused: Refused) -> str:
    """All that is wrong in one line: the rules' own words when there are several fields."""
    told = [
        words
        for several in refused.details.values()
        if isinstance(several, list)
        for words in several
    ]
    return " ".join(map(str, told)) or str(refused)


def _plan(business: Business, draft: Draft) -> dict[str, Any]:
    """What is already in force, and what the offer was that is being changed."""
    others = offer_queries.offers_of(business).filter(
        state__in=[OfferState.ACTIVE, OfferState.SCHEDULED]
    )
    subject = None
    if draft.subject:
        subject = offer_queries.offers_of(business).filter(pk=draft.subject).first()
        others = others.exclude(pk=draft.subject)
    return {"others": list(others.order_by("-priority")), "subject": subject}


def _simulate(
    request: HttpRequest, business: Business, draft: Draft, terms: dict[str, Any]
) -> services.Forecast:
    return services.simulate_terms(
        business=business,
        terms=terms,
        offer_id=draft.subject,
        by=request.user,
        at=timezone.now(),
    )


@transaction.atomic
def _save(
    request: HttpRequest, business: Business, draft: Draft, terms: dict[str, Any], act: str
) -> OfferConstructor:
    """Write the offer and let the draft go. `over`: her words over those of somebody else, whose
    version she was shown."""
    by, at = request.user, timezone.now()
    drafts.take(draft_id=draft.pk)
    if draft.subject is None:
        offer = services.create_offer(business=business, terms=terms, by=by, at=at)
    else:
        shown = request.POST.get("seen", "")
        seen = int(shown) if act == "over" and shown.isdecimal() else draft.seen
        offer = services.edit_offer(offer_id=draft.subject, changes=terms, by=by, at=at, seen=seen)
    if act == "submit" and offer.state == OfferState.DRAFT:
        offer = services.submit_offer(offer_id=offer.pk, by=by, at=at)
    drafts.drop(draft=draft)
    messages.success(request, str(SAVED[OfferState(offer.state)]))
    return offer


SAVED = {
    OfferState.DRAFT: gettext_lazy("Saved. It gives nothing until you start it."),
    OfferState.REVIEW: gettext_lazy("Sent for approval. You will see the answer here."),
    OfferState.SCHEDULED: gettext_lazy("Planned. It begins by itself on its first day."),
    OfferState.ACTIVE: gettext_lazy("The offer is in force."),
    OfferState.PAUSED: gettext_lazy("Saved. The offer stays paused."),
    OfferState.ENDED: gettext_lazy("Saved."),
}


def _theirs(version: OfferVersion, draft: Draft, business: Business) -> dict[str, Any]:
    """Who changed what since she began."""
    before = OfferVersion.objects.filter(offer=version.offer_id, number=draft.seen or 0).first()
    told = offer_words.changes_between(before, version, zone=business.zone) if before else []
    return {"stale": version, "stale_changes": told}


def begin_edit(*, request: HttpRequest, business: Business, offer: OfferConstructor) -> Draft:
    """A draft of changes to an offer, from its newest version."""
    version = offer.version
    return drafts.begin(
        business=business,
        kind=DraftKind.OFFER,
        by=request.user,
        at=timezone.now(),
        subject=offer.pk,
        seen=version.number,
        data=data_of(version, zone=business.zone),
    )
