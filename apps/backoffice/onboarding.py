"""Opening a partner: what is done already, read from the books and from marks of people."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.businesses.models import (
    BY_HAND,
    Business,
    Location,
    Membership,
    OnboardingMark,
    Role,
    Step,
)
from apps.businesses.models import State as BusinessState
from apps.businesses.services import update_business
from apps.core.errors import Refused
from apps.crm.enums import State as CrmState
from apps.crm.models import CRMIntegration
from apps.transactions.models import Transaction


class StepsMissing(Refused):
    code = "WRONG_STATE"
    message = _("Not everything is done yet: %(missing)s.")


@dataclass(frozen=True)
class StepState:
    """One step of one partner. `is_seen`: the books show it; else `mark` says who vouched."""

    step: Step
    is_seen: bool
    mark: OnboardingMark | None

    @property
    def is_done(self) -> bool:
        return self.is_seen or self.mark is not None

    @property
    def by_hand(self) -> bool:
        return self.step in BY_HAND


@dataclass(frozen=True)
class Opening:
    business: Business
    steps: Sequence[StepState]

    @property
    def done(self) -> int:
        return sum(one.is_done for one in self.steps)

    @property
    def missing(self) -> list[StepState]:
        return [one for one in self.steps if not one.is_done]


SEEN: dict[Step, Callable[..., bool]] = {
    Step.PROFILE: lambda one: bool(one.city.strip() and one.description.strip()),
    Step.LOCATION: lambda one: one.has_location,
    Step.OWNER: lambda one: one.has_owner,
    Step.TEST: lambda one: one.has_sale,
    Step.CRM: lambda one: one.has_crm,
}


def openings(businesses: Sequence[UUID]) -> list[Opening]:
    """These partners with their steps, by name, in two statements for any number of them."""
    mine = {"business": OuterRef("pk")}
    live = Membership.objects.live().filter(role=Role.OWNER, **mine)
    rows = Business.objects.filter(pk__in=businesses).annotate(
        has_location=Exists(Location.objects.filter(**mine)),
        has_owner=Exists(live),
        has_sale=Exists(Transaction.objects.filter(**mine)),
        has_crm=Exists(CRMIntegration.objects.filter(state=CrmState.ACTIVE, **mine)),
    )
    marks: dict[UUID, dict[str, OnboardingMark]] = defaultdict(dict)
    for mark in OnboardingMark.objects.filter(business__in=businesses).select_related("by"):
        marks[mark.business_id][mark.step] = mark
    return [
        Opening(
            row,
            [
                StepState(step, step in SEEN and SEEN[step](row), marks[row.pk].get(step))
                for step in Step
            ],
        )
        for row in rows.order_by("name")
    ]


@transaction.atomic
def activate(*, business: Business, reason: str, by: User, at: datetime) -> Business:
    """From now on it sells and its people get in. Raises StepsMissing, Forbidden, ReasonMissing."""
    [opening] = openings([business.pk])
    if opening.missing:
        missing = ", ".join(str(one.step.label) for one in opening.missing)
        raise StepsMissing(missing=missing)
    changes = {"state": BusinessState.ACTIVE}
    return update_business(business=business, changes=changes, by=by, reason=reason)
