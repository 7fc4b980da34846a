"""A chain as somebody proposes it, and whether it can be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business, State
from apps.core.errors import Invalid, NotFound
from apps.coupons import rules as coupon_rules
from apps.crosspromo import rules
from apps.crosspromo.enums import Bearer, Fork

ZERO = Decimal("0.00")


class StepsInvalid(Invalid):
    field = "steps"
    message = _("These steps do not make the chosen shape.")


class FundersInvalid(StepsInvalid):
    message = _("The shares of a step must sum to 100 % and belong to partners of the chain.")


class FeeInvalid(StepsInvalid):
    message = _("A clinic is never paid for a guest: her visit would show.")


class DelayInvalid(StepsInvalid):
    message = _("All delays together are 60 days at most.")


class ChainBudgetInvalid(Invalid):
    field = "budget"
    message = _("With a budget every percent needs its largest discount.")


class ChainPeriodInvalid(Invalid):
    field = "endsAt"
    message = _("The chain must end after it begins, and not in the past.")


@dataclass(frozen=True)
class StepDraft:
    """From whom to whom, what triggers it, what it gives. Sums in ₽, `funders` are (business id,
    percent), empty: the receiving partner pays."""

    from_id: UUID
    to_id: UUID
    benefit: str
    valid_days: int
    value: Decimal = ZERO
    gift: str = ""
    max_discount: Decimal | None = None
    min_bill: Decimal = ZERO
    min_amount: Decimal = ZERO
    category: str = ""
    every_nth: int | None = None
    first_visit: bool = False
    delay_hours: int = 0
    funders: tuple[tuple[UUID, int], ...] = ()
    fee: Decimal = ZERO

    @property
    def shares(self) -> tuple[tuple[UUID, int], ...]:
        return self.funders or ((self.to_id, 100),)


@dataclass(frozen=True)
class ChainDraft:
    """All of a version. `budget` is a cap in ₽ for its coupons together."""

    name: str
    topology: str
    steps: tuple[StepDraft, ...]
    starts_at: datetime
    ends_at: datetime
    budget: Decimal | None = None
    holdout_percent: int = 10
    fork: str = Fork.ALL
    bearer: str = Bearer.SENDER
    cooldown_days: int = 30
    depth_limit: int = 2
    return_days: int = 14


@dataclass
class Checked:
    """A draft that can be: its partners by id, and those whose yes it needs."""

    draft: ChainDraft
    places: dict[UUID, Business] = field(default_factory=dict)

    @property
    def partners(self) -> list[Business]:
        """Everybody named in it, but the network: it says yes by its admins."""
        return [place for place in self.places.values() if not place.is_network]


def check_draft(draft: ChainDraft, *, by: User | None, at: datetime) -> Checked:
    """Raises StepsInvalid and its kin, NotFound for a partner that she may not name."""
    if rules.shape_fault(draft.topology, [(step.from_id, step.to_id) for step in draft.steps]):
        raise StepsInvalid
    if draft.ends_at <= max(draft.starts_at, at):
        raise ChainPeriodInvalid
    if sum(step.delay_hours for step in draft.steps) > rules.MOST_DELAY_DAYS * 24:
        raise DelayInvalid
    places = _places(draft.steps, by=by)
    for step in draft.steps:
        _check_step(step, draft, places)
    return Checked(draft, places)


def _places(steps: Sequence[StepDraft], *, by: User | None) -> dict[UUID, Business]:
    ids = {one for step in steps for one in (step.from_id, step.to_id)}
    ids |= {funder for step in steps for funder, _share in step.shares}
    found = {place.pk: place for place in Business.objects.filter(pk__in=ids, state=State.ACTIVE)}
    senders = {step.from_id for step in steps}
    for one in ids:
        if one not in found:
            raise NotFound
        # Only a clinic itself, or the network, offers its guests anything: nobody else may even
        # learn that they are guests.
        own = by is None or by.has_perm(rights.MANAGE, found[one])
        if found[one].is_clinic and one in senders and not own:
            raise NotFound
    return found


def _check_step(step: StepDraft, draft: ChainDraft, places: dict[UUID, Business]) -> None:
    named = {one for way in draft.steps for one in (way.from_id, way.to_id)}
    known = all(one in named or places[one].is_network for one, _share in step.shares)
    ids = [one for one, _share in step.shares]
    total = sum(share for _one, share in step.shares)
    if total != 100 or not known or len(set(ids)) != len(ids) or places[step.to_id].is_network:
        raise FundersInvalid
    if places[step.from_id].is_clinic:
        if step.fee:
            raise FeeInvalid
        if step.from_id in ids:
            raise FundersInvalid
    unbounded = coupon_rules.largest_cost(step.benefit, step.value, step.max_discount) is None
    if draft.budget is not None and unbounded:
        raise ChainBudgetInvalid
