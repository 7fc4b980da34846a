from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.http.serializers import In, MomentIn, MoneyIn
from apps.coupons.api.serializers import BenefitIn
from apps.coupons.queries import benefit_of
from apps.crosspromo import queries
from apps.crosspromo.enums import Action, Bearer, Fork, Topology, Words
from apps.crosspromo.models import Chain, Step, Version
from apps.crosspromo.queries import Funnel
from apps.crosspromo.services import ChainDraft, ChainSuggestion, PairFigures, StepDraft
from apps.crosspromo.services.replaying import Replayed
from apps.crosspromo.services.simulating import Payment, Played
from apps.crosspromo.winwin import Counters, Uplift

LEAST_GROUP = 10  # guests of a clinic are shown in groups of ten and more
ZERO = Decimal("0.00")


# --- in ------------------------------------------------------------------------------------------
class TriggerIn(In):
    min_amount = MoneyIn(required=False)
    category = serializers.CharField(max_length=60, required=False, default="")
    every_nth = serializers.IntegerField(min_value=2, max_value=100, required=False)
    first_visit = serializers.BooleanField(required=False, default=False)


class ChainFunderIn(In):
    business_id = serializers.UUIDField()
    share = serializers.IntegerField(min_value=1, max_value=100, help_text="percent")


# `from` is no name that Python lets a field have.
class StepIn(In):
    to = serializers.UUIDField()
    trigger = TriggerIn(required=False)
    benefit = BenefitIn()
    valid_days = serializers.IntegerField(min_value=1, max_value=90)
    min_bill = MoneyIn(required=False)
    delay_hours = serializers.IntegerField(min_value=0, max_value=1440, required=False, default=0)
    funders = ChainFunderIn(many=True, required=False)
    fee = MoneyIn(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.UUIDField(), **super().get_fields()}


class ChainIn(In):
    name = serializers.CharField(max_length=120)
    topology = serializers.ChoiceField(Topology.choices)
    steps = StepIn(many=True, allow_empty=False)
    budget = MoneyIn(required=False)
    holdout_percent = serializers.IntegerField(
        min_value=0, max_value=50, required=False, default=10
    )
    fork = serializers.ChoiceField(Fork.choices, required=False, default=Fork.ALL)
    bearer = serializers.ChoiceField(Bearer.choices, required=False, default=Bearer.SENDER)
    cooldown_days = serializers.IntegerField(min_value=0, max_value=365, required=False, default=30)
    depth_limit = serializers.IntegerField(min_value=1, max_value=10, required=False, default=2)
    return_days = serializers.IntegerField(min_value=0, max_value=60, required=False, default=14)
    starts_at = MomentIn()
    ends_at = MomentIn()


class ActionIn(In):
    action = serializers.ChoiceField(Action.choices)
    reason = serializers.CharField(max_length=300, required=False, default="")


class SimulateIn(In):
    member_id = serializers.UUIDField(required=False)
    amount = MoneyIn(required=False)
    days = serializers.IntegerField(min_value=1, max_value=90, required=False, default=90)


def draft_of(asked: dict[str, Any]) -> ChainDraft:
    """A checked body as a draft."""
    terms = {name: value for name, value in asked.items() if name != "steps"}
    return ChainDraft(**terms, steps=tuple(_step_of(step) for step in asked["steps"]))


def _step_of(asked: dict[str, Any]) -> StepDraft:
    given, trigger = asked["benefit"], asked.get("trigger", {})
    return StepDraft(
        from_id=asked["from"],
        to_id=asked["to"],
        benefit=given["type"],
        value=given["value"],
        gift=given["gift"],
        max_discount=given.get("max_discount"),
        valid_days=asked["valid_days"],
        min_bill=asked.get("min_bill", ZERO),
        delay_hours=asked["delay_hours"],
        funders=tuple((one["business_id"], one["share"]) for one in asked.get("funders", [])),
        fee=asked.get("fee", ZERO),
        **{"min_amount": ZERO, "category": "", "every_nth": None, **trigger},
    )


# --- out -----------------------------------------------------------------------------------------
def _moment(at: datetime | None) -> datetime | None:
    return at


def _money(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def place_data(place: Business | None) -> dict[str, Any] | None:
    return None if place is None else {"id": str(place.pk), "name": place.name}


def chain_data(
    chain: Chain, *, by: User, funnels: dict[UUID, Funnel] | None = None
) -> dict[str, Any]:
    """A chain as this person may see it: a clinic that is not hers has no name and no trigger."""
    versions = list(chain.versions.all())
    shown = next((one for one in versions if one.state == "live"), versions[0])
    proposed = next((one for one in versions if one.state == "proposed"), None)
    is_secret = any(_is_secret(step, by) for one in versions for step in one.steps.all())
    return {
        "id": str(chain.pk),
        "name": "" if is_secret else chain.name,
        "topology": chain.topology,
        "state": chain.state,
        "owner": None if chain.owner and is_secret else place_data(chain.owner),
        "stop_at": _moment(chain.stop_at),
        "created_at": chain.created_at,
        "version": _version(shown, by=by, funnels=funnels or {}),
        "proposed": _version(proposed, by=by, funnels={}) if proposed else None,
    }


def _is_secret(step: Step, by: User) -> bool:
    return step.from_business.is_clinic and not by.has_perm(rights.MANAGE, step.from_business)


def _version(version: Version, *, by: User, funnels: dict[UUID, Funnel]) -> dict[str, Any]:
    secret = {step.from_business_id for step in version.steps.all() if _is_secret(step, by)}
    accepted = {one.business_id for one in version.acceptances.all()}
    partners = {
        place.pk: place
        for step in version.steps.all()
        for place in (step.from_business, step.to_business)
        if place.pk not in secret
    }
    budget = version.budget
    return {
        "number": version.number,
        "state": version.state,
        "fork": version.fork,
        "bearer": version.bearer,
        "holdout_percent": version.holdout_percent,
        "cooldown_days": version.cooldown_days,
        "depth_limit": version.depth_limit,
        "return_days": version.return_days,
        "starts_at": version.starts_at,
        "ends_at": version.ends_at,
        "budget": budget
        and {
            "cap": _money(budget.cap),
            "reserved": _money(budget.reserved),
            "charged": _money(budget.charged),
        },
        "partners": [
            {"id": str(one.pk), "name": one.name, "accepted": one.pk in accepted}
            for one in sorted(partners.values(), key=lambda place: place.name)
        ],
        "steps": [_step(step, by=by, funnel=funnels.get(step.pk)) for step in version.steps.all()],
    }


def _step(step: Step, *, by: User, funnel: Funnel | None) -> dict[str, Any]:
    secret = _is_secret(step, by)
    campaign = step.campaign
    trigger = {
        "min_amount": _money(step.min_amount),
        "category": step.category,
        "every_nth": step.every_nth,
        "first_visit": step.first_visit,
    }
    return {
        "number": step.number,
        "from": None if secret else place_data(step.from_business),
        "to": place_data(step.to_business),
        "trigger": None if secret else trigger,
        "benefit": benefit_of(campaign),
        "min_bill": _money(campaign.min_amount),
        "valid_days": campaign.valid_days,
        "delay_hours": step.delay_hours,
        "funders": [
            {"business_id": str(one.business_id), "name": one.business.name, "share": one.share}
            for one in campaign.funders.all()
        ],
        "fee": _money(campaign.fee),
        "funnel": _funnel(funnel, secret=secret or step.from_business.is_clinic),
    }


def _funnel(funnel: Funnel | None, *, secret: bool) -> dict[str, Any] | None:
    if funnel is None or (secret and min(funnel.exposed, funnel.issued) < LEAST_GROUP):
        return None
    redeemed = funnel.redeemed
    if secret and 0 < redeemed < LEAST_GROUP:
        return None
    return {
        "exposed": funnel.exposed,
        "held_out": funnel.control,
        "issued": funnel.issued,
        "seen": funnel.seen,
        "redeemed": redeemed,
        "discount": _money(funnel.discount),
        "bonus": _money(funnel.bonus),
        "revenue": _money(funnel.revenue),
    }


def _share(value: float) -> float:
    return round(value, 4)


def pair_data(pair: PairFigures) -> dict[str, Any]:
    """A cell of the matrix. «few» has no number: it would be read as one."""
    index, few = pair.index, pair.index.words == Words.FEW
    return {
        "a": place_data(pair.a),
        "b": place_data(pair.b),
        "index": None if few else round(index.value, 1),
        "interval": None if few else {"low": round(index.low, 1), "high": round(index.high, 1)},
        "balance": None if few else round(index.balance, 2),
        "probability": None if few else round(index.probability, 3),
        "verdict": index.words,
        "words": str(Words(index.words).label),
        "sample": index.sample,
        "a_to_b": _direction(pair.ab, index.ab),
        "b_to_a": _direction(pair.ba, index.ba),
    }


def _direction(one: Counters, up: Uplift) -> dict[str, Any]:
    return {
        "exposed": one.exposed,
        "converted": one.came,
        "held_out": one.held,
        "held_out_converted": one.held_came,
        "uplift": _share(up.value) if one.exposed else None,
        "interval": {"low": _share(up.low), "high": _share(up.high)} if one.held else None,
    }


def suggestion_data(one: ChainSuggestion) -> dict[str, Any]:
    return {
        "from": place_data(one.sender),
        "to": place_data(one.receiver),
        "topology": Topology.PAIR,
        "score": round(one.score, 4),
        "reasons": one.reasons,
        "expected_effect": {
            "per_hundred_guests": {"low": one.low, "high": one.high},
            "guests_a_month": {
                "low": int(one.guests * one.low / 100),
                "high": int(one.guests * one.high / 100) + 1,
            },
            "basis": "measured" if one.measured else "forecast",
        },
    }


def _payments(payments: list[Payment]) -> list[dict[str, Any]]:
    return [
        {
            "from": one.payer.name,
            "to": one.payee.name,
            "kind": one.kind,
            "amount": _money(one.amount),
        }
        for one in payments
    ]


def played_data(one: Played) -> dict[str, Any]:
    return {
        "from": place_data(one.sender),
        "to": place_data(one.receiver),
        "outcome": one.outcome,
        "reason": one.reason,
        "discount": _money(one.discount),
        "bonus": _money(one.bonus),
        "payments": _payments(one.payments),
    }


def replayed_data(one: Replayed) -> dict[str, Any]:
    return {
        "step": one.step.number,
        "from": place_data(one.step.from_business),
        "to": place_data(one.step.to_business),
        "triggered": one.triggered,
        "held_out": one.held_out,
        "coupons": one.coupons,
        "used": one.used,
        "discount": _money(one.discount),
        "bonus": _money(one.bonus),
        "most": _money(one.most),
        "payments": _payments(one.payments),
    }


def funnels(chain: Chain) -> dict[UUID, Funnel]:
    """Funnels of all versions' steps that are shown."""
    versions = list(chain.versions.all())
    shown = next((one for one in versions if one.state == "live"), versions[0])
    return queries.funnels_of(shown)
