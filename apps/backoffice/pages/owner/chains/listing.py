"""Chains that a business takes part in, and those worth trying."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts import rights
from apps.accounts.models import User
from apps.backoffice import drafts
from apps.backoffice.models import DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.chains import pictures
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.crosspromo import queries, services
from apps.crosspromo.enums import ChainState, VersionState
from apps.crosspromo.models import Chain, Step, Version
from apps.crosspromo.words import benefit_words

ROWS, IDEAS = 25, 4
TONES = {
    ChainState.PROPOSED: "warn",
    ChainState.LIVE: "good",
    ChainState.PAUSED: "warn",
    ChainState.DECLINED: "bad",
}


@dataclass(frozen=True)
class Shown:
    """A chain as this business may see it: a clinic that is not hers has no name, and with it goes
    the chain's own name."""

    chain: Chain
    version: Version
    proposed: Version | None
    is_secret: bool
    waits_for_us: bool
    picture: pictures.Diagram

    @property
    def name(self) -> str:
        return "" if self.is_secret else self.chain.name

    @property
    def tone(self) -> str:
        return TONES.get(ChainState(self.chain.state), "")


@for_jobs("chains.own")
@require_GET
def chains(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    rows = of_business(request.user, business).order_by("-created_at", "-id")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    context |= {
        "page": page,
        "rows": [shown(one, business=business, by=request.user) for one in page.object_list],
        "drafts": drafts.of_business(business=business, kind=DraftKind.CHAIN),
    }
    return render(request, "backoffice/owner/chains/list.html", context)


def of_business(by: User, business: Business) -> QuerySet[Chain]:
    """Chains with this business in any version."""
    steps = Step.objects.filter(
        Q(from_business=business)
        | Q(to_business=business)
        | Q(campaign__funders__business=business)
    )
    mine = Q(owner=business) | Q(pk__in=steps.values("version__chain"))
    return queries.chains_seen_by(by).filter(mine)


def is_secret(step: Step, *, business: Business, by: User) -> bool:
    place = step.from_business
    own = place.pk == business.pk or (place.is_clinic and by.has_perm(rights.MANAGE, place))
    return place.is_clinic and not own


def shown(chain: Chain, *, business: Business, by: User) -> Shown:
    """From what `chains_seen_by` has fetched: no statement of its own."""
    versions = list(chain.versions.all())
    version = next((one for one in versions if one.state == VersionState.LIVE), versions[0])
    proposed = next((one for one in versions if one.state == VersionState.PROPOSED), None)
    steps = [step for one in versions for step in one.steps.all()]
    accepted = {one.business_id for one in proposed.acceptances.all()} if proposed else set()
    is_open = chain.state in (ChainState.PROPOSED, ChainState.LIVE, ChainState.PAUSED)
    return Shown(
        chain=chain,
        version=version,
        proposed=proposed,
        is_secret=any(is_secret(step, business=business, by=by) for step in steps),
        waits_for_us=bool(proposed and is_open and business.pk not in accepted),
        picture=picture_of(chain.topology, version, business=business, by=by),
    )


def picture_of(
    topology: str, version: Version, *, business: Business, by: User
) -> pictures.Diagram:
    ways = []
    for number, step in enumerate(version.steps.all(), start=1):
        hidden = is_secret(step, business=business, by=by)
        start = "" if hidden else step.from_business.name
        way = pictures.Way(start, step.to_business.name, words_of(step), f"#step-{number}")
        ways.append(way)
    return pictures.draw(topology, ways)


def words_of(step: Step) -> str:
    coupon = step.campaign
    return benefit_words(
        coupon.benefit, coupon.value, gift=coupon.gift, max_discount=coupon.max_discount
    )


@for_jobs("chains.own")
@require_GET
def ideas(request: HttpRequest, slug: str) -> HttpResponse:
    """Chains worth trying with this business at either end: fetched after the page stands."""
    business = business_of(request, slug)
    found = [
        one
        for one in services.generate_recommendations()
        if business.pk in (one.sender.pk, one.receiver.pk)
    ]
    context: dict[str, Any] = {"business": business, "ideas": found[:IDEAS]}
    return render(request, "backoffice/owner/chains/_ideas.html", context)
