"""The first steps of an owner, seen in the data and never ticked by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.businesses.models import Business, Location, Membership
from apps.coupons.models import Campaign
from apps.crm.enums import State as CrmState
from apps.crm.models import CRMIntegration
from apps.loyalty.enums import OfferState
from apps.loyalty.models import OfferConstructor
from apps.transactions.models import Transaction


@dataclass(frozen=True)
class FirstStep:
    """`why` says in one sentence what it is good for; `do` is the word on its button."""

    name: str | Promise
    why: str | Promise
    do: str | Promise
    url: str
    is_done: bool


@dataclass(frozen=True)
class FirstSteps:
    steps: Sequence[FirstStep]

    @property
    def done(self) -> int:
        return sum(one.is_done for one in self.steps)

    @property
    def percent(self) -> int:
        return round(100 * self.done / len(self.steps))

    @property
    def is_whole(self) -> bool:
        return self.done == len(self.steps)

    @property
    def next(self) -> FirstStep | None:
        return next((one for one in self.steps if not one.is_done), None)


def first_steps(business: Business) -> FirstSteps:
    """Five steps with what the books show of each, in one statement."""
    mine = {"business": OuterRef("pk")}
    owners_and_staff = Membership.objects.live().filter(**mine)
    offers = OfferConstructor.objects.filter(**mine).exclude(state=OfferState.DRAFT)
    row = Business.objects.annotate(
        has_location=Exists(Location.objects.filter(**mine).exclude(address="")),
        has_team=Exists(owners_and_staff.order_by("pk")[1:2]),
        has_sale=Exists(Transaction.objects.filter(**mine)),
        has_crm=Exists(CRMIntegration.objects.filter(state=CrmState.ACTIVE, **mine)),
        has_offer=Exists(offers),
        has_campaign=Exists(Campaign.objects.filter(**mine).exclude(audience="chain")),
    ).get(pk=business.pk)
    seen = (
        bool(row.description.strip() and row.hours),
        row.has_location,
        row.has_team,
        row.has_sale or row.has_crm,
        row.has_offer or row.has_campaign,
    )
    return FirstSteps(
        [
            FirstStep(name, why, do, reverse(f"backoffice:{view}", args=args(business)), done)
            for (name, why, do, view, args), done in zip(STEPS, seen, strict=True)
        ]
    )


def _here(business: Business) -> list[str]:
    return [business.slug]


def _nowhere(business: Business) -> list[str]:
    return []


STEPS = (
    (
        _("Tell guests about you"),
        _("A few sentences and your hours: they stand in the catalogue of the app."),
        _("Fill in"),
        "settings",
        _here,
    ),
    (
        _("Name your address"),
        _("Without one guests do not see where to come."),
        _("Add"),
        "settings",
        _here,
    ),
    (
        _("Invite a colleague"),
        _("She sells under her own name, and you see who recorded what."),
        _("Invite"),
        "staff",
        _here,
    ),
    (
        _("Record the first sale"),
        _("At the till or through your CRM: from then on guests collect bonuses."),
        _("Open the till"),
        "till",
        _nowhere,
    ),
    (
        _("Make the first offer"),
        _("Five short steps with a forecast; you see what the guest will see."),
        _("Make it"),
        "offers",
        _here,
    ),
)
