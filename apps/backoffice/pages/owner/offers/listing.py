"""The list of a business's offers: state, how much of the budget is used, what each has given."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.backoffice import drafts
from apps.backoffice.models import DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.offers.forms import GOALS
from apps.loyalty import offer_queries, offer_words
from apps.loyalty.enums import OfferState
from apps.loyalty.models import OfferConstructor, OfferVersion
from apps.loyalty.offer_queries import Given
from apps.loyalty.offer_rules import nearly_used

ROWS = 25
TONES = {
    OfferState.REVIEW: "warn",
    OfferState.SCHEDULED: "good",
    OfferState.ACTIVE: "good",
    OfferState.PAUSED: "warn",
}


@dataclass(frozen=True)
class Shown:
    """An offer as the owner's pages show it."""

    offer: OfferConstructor
    sentence: str
    given: Given
    used: Decimal

    @property
    def version(self) -> OfferVersion:
        return self.offer.version

    @property
    def tone(self) -> str:
        return TONES.get(OfferState(self.offer.state), "")

    @property
    def percent(self) -> int | None:
        """How much of the budget is used; None without one."""
        budget = self.version.budget
        return min(100, int(self.used * 100 / budget)) if budget else None

    @property
    def level(self) -> str:
        if self.percent is not None and self.percent >= 100:
            return "bad"
        budget = self.version.budget or Decimal(1)
        return "warn" if nearly_used(int(self.used * 100), most=int(budget * 100)) else "good"


def shown(offers: list[OfferConstructor], *, zone: str, at: Any) -> list[Shown]:
    """With what each has given, in two statements for all."""
    ids = [offer.pk for offer in offers]
    given, used = offer_queries.given_by(ids), offer_queries.budget_used(ids)
    return [
        Shown(
            offer,
            offer_words.sentence(vars(offer.version), zone=zone, at=at),
            given.get(offer.pk, Given()),
            used.get(offer.pk, Decimal(0)),
        )
        for offer in offers
    ]


@for_jobs("offers.manage")
@require_GET
def offers(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    rows = offer_queries.offers_of(business).order_by("-created_at", "-id")
    state = request.GET.get("state", "")
    if state in OfferState.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    context |= {
        "page": page,
        "rows": shown(list(page.object_list), zone=business.zone, at=context["now"]),
        "state": state,
        "states": OfferState.choices,
        "drafts": drafts.of_business(business=business, kind=DraftKind.OFFER),
        "goals": [(code, label) for code, label in GOALS if code != "own"],
    }
    return render(request, "backoffice/owner/offers/list.html", context)
