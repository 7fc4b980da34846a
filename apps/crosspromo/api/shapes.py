"""What the answers of chains look like; `serializers.chain_data` and its kin compose them."""

from typing import Any

from rest_framework import serializers

from apps.core.http.serializers import MomentOut, MoneyOut, Out
from apps.coupons.api.serializers import BenefitOut
from apps.crosspromo.enums import Bearer, ChainState, Fork, Topology, VersionState, Words


class PlaceOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()


class TriggerOut(Out):
    min_amount = MoneyOut(allow_null=True)
    category = serializers.CharField()
    every_nth = serializers.IntegerField(allow_null=True)
    first_visit = serializers.BooleanField()


class ChainFunderOut(Out):
    business_id = serializers.UUIDField()
    name = serializers.CharField()
    share = serializers.IntegerField(help_text="percent")


class FunnelOut(Out):
    exposed = serializers.IntegerField()
    held_out = serializers.IntegerField()
    issued = serializers.IntegerField()
    seen = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    discount = MoneyOut()
    bonus = MoneyOut()
    revenue = MoneyOut()


class FromTo(Out):
    """`from` is no name that Python lets a field have."""

    nullable_from = False

    def get_fields(self) -> dict[str, Any]:
        return {"from": PlaceOut(allow_null=self.nullable_from), **super().get_fields()}


class ChainStepOut(FromTo):
    nullable_from = True  # a clinic that is not hers

    number = serializers.IntegerField()
    to = PlaceOut()
    trigger = TriggerOut(allow_null=True)
    benefit = BenefitOut()
    min_bill = MoneyOut(allow_null=True)
    valid_days = serializers.IntegerField(allow_null=True)
    delay_hours = serializers.IntegerField()
    funders = ChainFunderOut(many=True)
    fee = MoneyOut(allow_null=True)
    funnel = FunnelOut(allow_null=True)


class ChainBudgetOut(Out):
    cap = MoneyOut()
    reserved = MoneyOut()
    charged = MoneyOut()


class ChainPartnerOut(PlaceOut):
    accepted = serializers.BooleanField()


class ChainVersionOut(Out):
    number = serializers.IntegerField()
    state = serializers.ChoiceField(VersionState.choices)
    fork = serializers.ChoiceField(Fork.choices)
    bearer = serializers.ChoiceField(Bearer.choices)
    holdout_percent = serializers.IntegerField()
    cooldown_days = serializers.IntegerField()
    depth_limit = serializers.IntegerField()
    return_days = serializers.IntegerField()
    starts_at = MomentOut()
    ends_at = MomentOut()
    budget = ChainBudgetOut(allow_null=True)
    partners = ChainPartnerOut(many=True)
    steps = ChainStepOut(many=True)


class ChainOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    topology = serializers.ChoiceField(Topology.choices)
    state = serializers.ChoiceField(ChainState.choices)
    owner = PlaceOut(allow_null=True)
    stop_at = MomentOut(allow_null=True)
    created_at = MomentOut()
    version = ChainVersionOut()
    proposed = ChainVersionOut(allow_null=True)


class RangeOut(Out):
    low = serializers.FloatField()
    high = serializers.FloatField()


class WayOut(Out):
    exposed = serializers.IntegerField()
    converted = serializers.IntegerField()
    held_out = serializers.IntegerField()
    held_out_converted = serializers.IntegerField()
    uplift = serializers.FloatField(allow_null=True)
    interval = RangeOut(allow_null=True)


class WinWinOut(Out):
    a = PlaceOut()
    b = PlaceOut()
    index = serializers.FloatField(allow_null=True, help_text="null while the sample is small")
    interval = RangeOut(allow_null=True)
    balance = serializers.FloatField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(Words.choices)
    words = serializers.CharField()
    sample = serializers.IntegerField()
    a_to_b = WayOut()
    b_to_a = WayOut()


class EffectOut(Out):
    per_hundred_guests = RangeOut()
    guests_a_month = RangeOut()
    basis = serializers.ChoiceField(["measured", "forecast"])


class SuggestionOut(FromTo):
    to = PlaceOut()
    topology = serializers.ChoiceField(Topology.choices)
    score = serializers.FloatField()
    reasons = serializers.ListField(child=serializers.CharField())
    expected_effect = EffectOut()


class PaymentOut(Out):
    to = serializers.CharField()
    kind = serializers.CharField()
    amount = MoneyOut()

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.CharField(), **super().get_fields()}


class PlayedOut(FromTo):
    to = PlaceOut()
    outcome = serializers.CharField()
    discount = MoneyOut()
    bonus = MoneyOut()
    payments = PaymentOut(many=True)


class ReplayedOut(FromTo):
    step = serializers.IntegerField()
    to = PlaceOut()
    triggered = serializers.IntegerField()
    held_out = serializers.IntegerField()
    coupons = serializers.IntegerField()
    used = serializers.IntegerField()
    discount = MoneyOut()
    bonus = MoneyOut()
    most = MoneyOut(allow_null=True)
    payments = PaymentOut(many=True)


class TrialOut(Out):
    path = PlayedOut(many=True)
    replay = ReplayedOut(many=True)
