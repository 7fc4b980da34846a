"""What the widgets of a dashboard look like on the wire, but for those of `shapes`."""

from typing import Any

from rest_framework import serializers

from apps.businesses.models import Category
from apps.core.http.serializers import MomentOut, MoneyOut, Out

EFFECT = ["holdout", "before_after"]


class FromTo(Out):  # `from` is a word of Python
    OF: Any = serializers.DateField

    def get_fields(self) -> dict[str, Any]:
        return {"from": self.OF(), "to": self.OF(), **super().get_fields()}


# --- sums of a range -----------------------------------------------------------------------------
class MoneyKpiOut(Out):
    value = MoneyOut()
    before = MoneyOut(help_text="the equal stretch before")
    change = serializers.IntegerField(allow_null=True, help_text="%")
    year_ago = MoneyOut(help_text="the same weekdays, 364 days ago")
    change_in_year = serializers.IntegerField(allow_null=True, help_text="%")


class CountKpiOut(Out):
    value = serializers.IntegerField()
    before = serializers.IntegerField()
    change = serializers.IntegerField(allow_null=True, help_text="%")
    year_ago = serializers.IntegerField()
    change_in_year = serializers.IntegerField(allow_null=True, help_text="%")


class KpisOut(Out):
    revenue = MoneyKpiOut()
    receipts = CountKpiOut()
    average_receipt = MoneyKpiOut()
    buyers = CountKpiOut()
    bonus_accrued = MoneyKpiOut()
    bonus_spent = MoneyKpiOut()


class SeriesPointOut(Out):
    bucket = serializers.DateField(help_text="first day of it")
    category = serializers.ChoiceField(Category.choices)
    revenue = MoneyOut()
    receipts = serializers.IntegerField()
    buyers = serializers.IntegerField()


class BuyersDayOut(Out):
    day = serializers.DateField()
    new = serializers.IntegerField()
    returning = serializers.IntegerField()


class RepeatOut(Out):
    repeated = serializers.IntegerField()
    buyers = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="%")


class MembersShareOut(Out):
    partners = serializers.IntegerField(help_text="whose systems told of their other guests")
    members = MoneyOut()
    others = MoneyOut()
    share = serializers.FloatField(help_text="%")


class CohortOut(Out):
    month = serializers.DateField()
    size = serializers.IntegerField()
    kept = serializers.ListField(
        child=serializers.IntegerField(allow_null=True),
        help_text="guests n months later; null: not yet",
    )
    percent = serializers.ListField(child=serializers.FloatField(allow_null=True))
    bought_again_in_90_days = serializers.IntegerField(allow_null=True)


class HourOut(Out):
    weekday = serializers.IntegerField(help_text="1 is Monday")
    hour = serializers.IntegerField()
    receipts = serializers.IntegerField()
    revenue = MoneyOut()


class BasketOut(Out):
    p10 = MoneyOut()
    p50 = MoneyOut()
    p90 = MoneyOut()


class ItemsOut(Out):
    receipts = serializers.IntegerField()
    per_receipt = serializers.CharField()


class CouponFunnelOut(Out):
    campaign_id = serializers.UUIDField(allow_null=True)
    issued = serializers.IntegerField()
    shown = serializers.IntegerField()
    activated = serializers.IntegerField(help_text="opened by itself, or used")
    redeemed = serializers.IntegerField()
    guests = serializers.IntegerField()
    returned_in_30_days = serializers.IntegerField()
    discount = MoneyOut()
    cost = MoneyOut(help_text="discounts and bonuses")
    incremental = MoneyOut(help_text="revenue beyond what would have come anyway")
    low = MoneyOut(allow_null=True, help_text="95 %, with a hold-out only")
    high = MoneyOut(allow_null=True)
    method = serializers.ChoiceField(EFFECT)


# --- bonuses and tiers ---------------------------------------------------------------------------
class AgeingOut(Out):
    def get_fields(self) -> dict[str, Any]:
        return {days: MoneyOut() for days in ("0-30", "31-90", "90+")}


class BonusCohortOut(Out):
    month = serializers.DateField()
    issued = MoneyOut()
    spent = MoneyOut()
    lapsed = MoneyOut()


class LiabilityWidgetOut(Out):
    open = MoneyOut()
    cost = MoneyOut()
    breakage = serializers.FloatField(allow_null=True)
    expected_cost = MoneyOut()
    ageing = AgeingOut()
    earned = MoneyOut()
    burned = MoneyOut()
    lapsed = MoneyOut()
    revoked = MoneyOut()
    burn_ratio = serializers.FloatField(allow_null=True)
    cohorts = BonusCohortOut(many=True)


class TierGuestsOut(Out):
    code = serializers.CharField()
    name = serializers.CharField()
    guests = serializers.IntegerField()
    median_to_next = MoneyOut(allow_null=True)
    nearly_there = serializers.IntegerField()


class TierFlowOut(Out):
    month = serializers.DateField()
    up = serializers.IntegerField()
    down = serializers.IntegerField()


class TiersWidgetOut(Out):
    tiers = TierGuestsOut(many=True)
    flows = TierFlowOut(many=True)


# --- partners of each other ----------------------------------------------------------------------
class FlowCountsOut(Out):
    exposed = serializers.IntegerField()
    came = serializers.IntegerField()
    held_out = serializers.IntegerField()
    held_out_came = serializers.IntegerField()


class PairWidgetOut(Out):
    a = serializers.CharField()
    b = serializers.CharField()
    index = serializers.FloatField(allow_null=True, help_text="null while the sample is small")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    verdict = serializers.CharField()
    words = serializers.CharField()
    sample = serializers.IntegerField()
    ab = FlowCountsOut()
    ba = FlowCountsOut()


class FlowOut(FromTo):
    OF = serializers.CharField
    from_id = serializers.UUIDField()
    to_id = serializers.UUIDField()
    exposed = serializers.IntegerField()
    came = serializers.IntegerField()
    held_out = serializers.IntegerField()
    held_out_came = serializers.IntegerField()


class TopChainOut(Out):
    chain_id = serializers.UUIDField()
    name = serializers.CharField()
    exposed = serializers.IntegerField()
    held_out = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    revenue = MoneyOut()
    cost = MoneyOut()


class ChainsWidgetOut(Out):
    inflow = serializers.IntegerField(allow_null=True, help_text="null of the network")
    outflow = serializers.IntegerField(allow_null=True)
    moved = serializers.IntegerField()
    flows = FlowOut(many=True)
    top = TopChainOut(many=True)


class IdeaOut(FromTo):
    OF = serializers.CharField
    reasons = serializers.ListField(child=serializers.CharField())
    low = serializers.FloatField(help_text="guests more of 100")
    high = serializers.FloatField()
    measured = serializers.BooleanField()


# --- the network ---------------------------------------------------------------------------------
class PartnerFiguresOut(Out):
    business_id = serializers.UUIDField()
    name = serializers.CharField()
    gmv = MoneyOut()
    revenue = MoneyOut()
    receipts = serializers.IntegerField()
    buyers = serializers.IntegerField()


class PartnerCohortOut(Out):
    month = serializers.DateField()
    size = serializers.IntegerField()
    kept = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class PlatformOut(Out):
    gmv = MoneyOut()
    open_partners = serializers.IntegerField()
    active_partners = serializers.IntegerField()
    gini = serializers.FloatField(allow_null=True, help_text="of GMV, 0…1")
    buyers_in_30_days = serializers.IntegerField()
    at_several_partners = serializers.IntegerField()
    cross_visit_share = serializers.FloatField(allow_null=True, help_text="%")
    partners = PartnerFiguresOut(many=True)
    cohorts = PartnerCohortOut(many=True)


class ClearingBalanceOut(Out):
    business_id = serializers.UUIDField()
    name = serializers.CharField()
    due = MoneyOut()
    owed = MoneyOut()
    net = MoneyOut()


class ClearingOut(Out):
    month = serializers.DateField()
    gross = MoneyOut()
    net = MoneyOut()
    offset = serializers.FloatField(allow_null=True, help_text="%")
    balances = ClearingBalanceOut(many=True)


class GainOut(Out):
    name = serializers.CharField()
    gain = serializers.FloatField()


class SharedGainOut(Out):
    partners = serializers.IntegerField()
    gini = serializers.FloatField(allow_null=True, help_text="of Win-Win, 0…1")
    gains = GainOut(many=True)


# --- freshness -----------------------------------------------------------------------------------
class ReconciledOut(Out):
    at = MomentOut()
    found = serializers.IntegerField()
    left = serializers.IntegerField()
    rebuilt = serializers.ListField(child=serializers.CharField())


class FreshnessOut(Out):
    loaded_at = MomentOut(allow_null=True)
    waiting = serializers.IntegerField()
    reconciled = ReconciledOut(allow_null=True)
