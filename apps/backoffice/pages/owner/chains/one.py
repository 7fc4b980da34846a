"""One chain: its steps, who pays, who accepted, what it brought, and what may be done with it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.queries import audit_log
from apps.backoffice import drafts
from apps.backoffice.models import DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.chains.forms import KEPT
from apps.backoffice.pages.owner.chains.listing import (
    Shown,
    is_secret,
    of_business,
    picture_of,
    shown,
    words_of,
)
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.coupons.models import Funder
from apps.crosspromo import queries, rules, services
from apps.crosspromo.enums import Action, ChainState
from apps.crosspromo.models import Chain, Step, Version
from apps.crosspromo.queries import Funnel
from apps.crosspromo.words import pair_words, trigger_words
from apps.loyalty.offer_words import last_day_moment, number_of

SMALLEST = 10  # guests of a clinic are shown in groups of ten and more
SAID = {
    Action.ACCEPT: _("Accepted."),
    Action.DECLINE: _("Declined; the partners see it."),
    Action.PAUSE: _("Paused: no new coupons are given."),
    Action.RESUME: _("The chain goes on."),
    Action.LEAVE: _("You gave notice. Coupons are given for seven days more; all stay good."),
    Action.END: _("Ended. Coupons already given stay good."),
}


@dataclass(frozen=True)
class StepShown:
    step: Step
    is_secret: bool
    gives: str
    trigger: str
    funders: list[Funder]
    funnel: Funnel | None


@for_jobs("chains.own")
@require_http_methods(["GET", "POST"])
def chain(request: HttpRequest, slug: str, chain_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    found = _chain(request, business, chain_id)
    problem: dict[str, Any] = {}
    if request.method == "POST":
        problem = _act(request, found)
        if not problem:
            return redirect("backoffice:chain_page", slug=slug, chain_id=chain_id)
        found = _chain(request, business, chain_id)
    one = shown(found, business=business, by=request.user)
    context = frame(request, business) | problem
    context |= _page(request, business, one) | {"allowed": _allowed(request, business, one)}
    status = 422 if problem else 200
    return render(request, "backoffice/owner/chains/one.html", context, status=status)


def _chain(request: HttpRequest, business: Business, chain_id: UUID) -> Chain:
    found = of_business(request.user, business).filter(pk=chain_id).first()
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, found: Chain) -> dict[str, Any]:
    """Do it; nothing, or what went wrong with what was typed."""
    action, seen = request.POST.get("act", ""), request.POST.get("revision", "")
    reason = request.POST.get("reason", "").strip()[:300]
    if action not in Action.values:
        return {}
    try:
        services.act_on_chain(
            chain=found,
            action=action,
            by=request.user,
            revision=int(seen) if seen.isdecimal() and len(seen) < 10 else -1,
            at=timezone.now(),
            reason=reason,
        )
    except services.ChainStale:
        rows = audit_log().filter(object_type="chain", object_id=str(found.pk))
        return {"stale_by": rows.order_by("-id").first(), "stale": True, "reason": reason}
    except Refused as refused:
        return {"refused": str(refused), "reason": reason}
    messages.success(request, str(SAID[Action(action)]))
    return {}


def _allowed(request: HttpRequest, business: Business, one: Shown) -> set[str]:
    found = one.chain
    is_open = found.state in (ChainState.LIVE, ChainState.PAUSED)
    mine = found.owner_id == business.pk
    allowed = {
        Action.ACCEPT: one.waits_for_us,
        Action.DECLINE: one.waits_for_us,
        Action.PAUSE: found.state == ChainState.LIVE,
        Action.RESUME: found.state == ChainState.PAUSED,
        Action.LEAVE: is_open and not mine and found.stop_at is None,
        Action.END: mine and (is_open or found.state == ChainState.PROPOSED),
    }
    known = {str(action.value) for action, yes in allowed.items() if yes}
    over = found.state in (ChainState.ENDED, ChainState.DECLINED)
    may_change = not (one.is_secret or over) and _is_plain(one.proposed or one.version)
    return known | ({"change"} if may_change else set())


def _is_plain(version: Version) -> bool:
    """Whether the builder can say it: discounts are paid by sender and receiver alone."""
    return all(
        funder.business_id in (step.from_business_id, step.to_business_id)
        for step in version.steps.all()
        for funder in step.campaign.funders.all()
    )


def _page(request: HttpRequest, business: Business, one: Shown) -> dict[str, Any]:
    at, by = timezone.now(), request.user
    accepted = (
        {row.business_id for row in one.proposed.acceptances.all()} if one.proposed else set()
    )
    version = one.version
    return {
        "one": one,
        "steps": _steps(version, business, by, queries.funnels_of(version)),
        "new_steps": _steps(one.proposed, business, by, {})
        if one.proposed and one.proposed.pk != version.pk
        else [],
        "new_picture": picture_of(one.chain.topology, one.proposed, business=business, by=by)
        if one.proposed and one.proposed.pk != version.pk
        else None,
        "answers": _answers(one.proposed, business, by, accepted),
        "results": _results(request, version, at) if version.state != "proposed" else [],
        "last_day": last_day_moment(version.ends_at),
        "notice": rules.NOTICE_DAYS,
    }


def _steps(
    version: Version, business: Business, by: Any, funnels: dict[UUID, Funnel]
) -> list[StepShown]:
    made = []
    for step in version.steps.all():
        hidden = is_secret(step, business=business, by=by)
        trigger = trigger_words(
            min_amount=step.min_amount,
            category=step.category,
            every_nth=step.every_nth,
            first_visit=step.first_visit,
        )
        funders = list(step.campaign.funders.all())
        funnel = _open_funnel(funnels.get(step.pk), step)
        made.append(
            StepShown(step, hidden, words_of(step), "" if hidden else trigger, funders, funnel)
        )
    return made


def _open_funnel(funnel: Funnel | None, step: Step) -> Funnel | None:
    """Of a clinic's guests nothing is told in groups below ten."""
    if funnel is None or not step.from_business.is_clinic:
        return funnel
    small = min(funnel.exposed, funnel.issued) < SMALLEST or 0 < funnel.redeemed < SMALLEST
    return None if small else funnel


def _answers(
    proposed: Version | None, business: Business, by: Any, accepted: set[UUID]
) -> list[tuple[str, bool]]:
    """Partners of the proposed version and whether they said yes; an unnamed clinic is left out."""
    if proposed is None:
        return []
    places: dict[UUID, Business] = {}
    for step in proposed.steps.all():
        if not is_secret(step, business=business, by=by):
            places[step.from_business_id] = step.from_business
        places[step.to_business_id] = step.to_business
    named = sorted(places.values(), key=lambda place: place.name)
    return [(place.name, place.pk in accepted) for place in named]


def _results(request: HttpRequest, version: Version, at: Any) -> list[list[str]]:
    """What the Win-Win index says of the pairs of this chain, in words."""
    pairs = {
        frozenset((step.from_business_id, step.to_business_id)) for step in version.steps.all()
    }
    matrix = services.win_win_matrix(by=request.user, at=at)
    return [pair_words(one) for one in matrix if frozenset((one.a.pk, one.b.pk)) in pairs]


# --- new terms -----------------------------------------------------------------------------------
@for_jobs("chains.own")
@require_POST
def change(request: HttpRequest, slug: str, chain_id: UUID) -> HttpResponse:
    """A draft of new terms from the newest ones; the live ones count until all have accepted."""
    business = business_of(request, slug)
    one = shown(_chain(request, business, chain_id), business=business, by=request.user)
    if "change" not in _allowed(request, business, one):
        raise Http404
    draft = drafts.begin(
        business=business,
        kind=DraftKind.CHAIN,
        by=request.user,
        at=timezone.now(),
        subject=one.chain.pk,
        seen=one.chain.revision,
        data=_data_of(one.chain, one.proposed or one.version, zone=business.zone),
    )
    return redirect("backoffice:chain_build", slug=slug, draft_id=draft.pk)


def _data_of(found: Chain, version: Version, *, zone: str) -> dict[str, Any]:
    local = ZoneInfo(zone)
    return {
        "name": found.name,
        "topology": found.topology,
        "starts": version.starts_at.astimezone(local).date().isoformat(),
        "ends": last_day_moment(version.ends_at).astimezone(local).date().isoformat(),
        "budget": number_of(version.budget.cap) if version.budget else "",
        "holdout_percent": str(version.holdout_percent),
        "fork": version.fork,
        **{name: getattr(version, name) for name in KEPT},
        "steps": [_step_data(step) for step in version.steps.all()],
    }


def _step_data(step: Step) -> dict[str, Any]:
    coupon = step.campaign
    paid = {one.business_id: one.share for one in coupon.funders.all()}
    sums = {
        "value": coupon.value,
        "max_discount": coupon.max_discount,
        "min_bill": coupon.min_amount,
        "min_amount": step.min_amount,
        "fee": coupon.fee,
    }
    return {name: number_of(value) if value else "" for name, value in sums.items()} | {
        "sender": str(step.from_business_id),
        "to": str(step.to_business_id),
        "benefit": coupon.benefit,
        "gift": coupon.gift,
        "valid_days": str(coupon.valid_days or 30),
        "category": step.category,
        "every_nth": str(step.every_nth or ""),
        "first_visit": "on" if step.first_visit else "",
        "delay_hours": str(step.delay_hours or ""),
        "sender_share": str(paid.get(step.from_business_id, 0)),
    }
