"""What figures look like on the wire: the shapes of `serializers` and of the widgets.

They describe, they do not convert: widgets are plain JSON already. `tests/contract/test_shapes.py`
holds answers against them.
"""

from rest_framework import serializers

from apps.analytics.api.widget_shapes import (
    BasketOut,
    BuyersDayOut,
    ChainsWidgetOut,
    ClearingOut,
    CohortOut,
    CouponFunnelOut,
    FreshnessOut,
    FromTo,
    HourOut,
    IdeaOut,
    ItemsOut,
    KpisOut,
    LiabilityWidgetOut,
    MembersShareOut,
    PairWidgetOut,
    PlatformOut,
    RepeatOut,
    SeriesPointOut,
    SharedGainOut,
    TiersWidgetOut,
)
from apps.analytics.enums import Band, Method, Reason, Segment
from apps.core.http.serializers import MomentOut, MoneyOut, Out


# --- segments ------------------------------------------------------------------------------------
class RfmCellOut(Out):
    segment = serializers.ChoiceField(Segment.choices)
    r = serializers.IntegerField()
    f = serializers.IntegerField()
    count = serializers.IntegerField()
    money = MoneyOut()


class RfmMoveOut(Out):
    before = serializers.ChoiceField(Segment.choices)
    now = serializers.ChoiceField(Segment.choices)
    count = serializers.IntegerField()


class RfmWidgetOut(Out):
    day = serializers.DateField()
    population = serializers.IntegerField()
    method = serializers.ChoiceField(Method.choices, allow_null=True)
    horizon = serializers.IntegerField(help_text="days")
    cells = RfmCellOut(many=True)
    moves = RfmMoveOut(many=True)


class SegmentOut(Out):
    segment = serializers.ChoiceField(Segment.choices)
    words = serializers.CharField()
    count = serializers.IntegerField()
    money = MoneyOut()


class RfmOut(Out):
    as_of = MomentOut(allow_null=True)
    day = serializers.DateField(allow_null=True, help_text="null before the first night")
    population = serializers.IntegerField()
    method = serializers.ChoiceField(Method.choices, allow_null=True)
    method_words = serializers.CharField()
    horizon_days = serializers.IntegerField(allow_null=True)
    segments = SegmentOut(many=True)
    grid = RfmCellOut(many=True)
    moves = RfmMoveOut(many=True, allow_null=True, help_text="in 30 days")


# --- leaving -------------------------------------------------------------------------------------
class ForecastMetricsOut(Out):
    cut = serializers.DateField()
    rows = serializers.IntegerField()
    churned = serializers.IntegerField()
    rate = serializers.FloatField()
    mean_probability = serializers.FloatField()
    auc = serializers.FloatField()
    auc_recency = serializers.FloatField()
    brier = serializers.FloatField()
    brier_base = serializers.FloatField()
    ece = serializers.FloatField()


class WinBackOut(Out):
    asked = serializers.IntegerField()
    asked_came = serializers.IntegerField()
    held_out = serializers.IntegerField()
    held_out_came = serializers.IntegerField()


class ChurnCheckOut(Out):
    """How the forecast of one horizon ago came true."""

    of = serializers.DateField()
    horizon = serializers.IntegerField(help_text="days")
    metrics = ForecastMetricsOut(allow_null=True)
    high_risk = WinBackOut()
    share_scored = serializers.FloatField(allow_null=True)
    model = serializers.UUIDField(allow_null=True)
    model_age_days = serializers.IntegerField(allow_null=True)
    drift = serializers.DictField(child=serializers.FloatField(), help_text="PSI by feature")


class ChurnCheckedOut(ChurnCheckOut):
    as_of = MomentOut()


COUNTS = serializers.IntegerField


class ChurnWidgetOut(Out):
    day = serializers.DateField()
    scored = serializers.IntegerField()
    bands = serializers.DictField(child=COUNTS(), help_text="low, medium, high")
    reasons = serializers.DictField(child=COUNTS(), help_text="by the first reason")
    expected_loss = MoneyOut(help_text="a month")
    horizon = serializers.IntegerField(required=False, help_text="days")
    guests = serializers.IntegerField(required=False)
    model = serializers.UUIDField(required=False)
    kind = serializers.CharField(required=False)
    forecast = ChurnCheckOut(allow_null=True)


class ChurnReasonOut(Out):
    reason = serializers.ChoiceField(Reason.choices)
    words = serializers.CharField()
    count = serializers.IntegerField(required=False)


class ChurnRiskOut(Out):
    member_id = serializers.UUIDField()
    name = serializers.CharField()
    probability = serializers.FloatField()
    band = serializers.ChoiceField(Band.choices)
    band_words = serializers.CharField()
    reasons = ChurnReasonOut(many=True)
    recency_days = serializers.IntegerField()
    visits_in_year = serializers.IntegerField()
    money_a_month = MoneyOut()
    no_offer = serializers.BooleanField(help_text="the hold-out: nobody asks her to come back")


class ChurnOut(Out):
    as_of = MomentOut(allow_null=True)
    day = serializers.DateField(allow_null=True, help_text="null before the first night")
    horizon_days = serializers.IntegerField(allow_null=True)
    model = serializers.CharField(allow_null=True, help_text="logistic or mbg")
    scored = serializers.IntegerField()
    bands = serializers.DictField(child=COUNTS())
    reasons = ChurnReasonOut(many=True)
    expected_loss_a_month = MoneyOut()
    members = ChurnRiskOut(many=True)
    forecast = ChurnCheckedOut(allow_null=True)


class WorthOut(Out):
    """A partner: visits a month × receipt × months that she stays; the network: BG/NBD ×
    Gamma-Gamma, with `day`."""

    day = serializers.DateField(allow_null=True)
    guests = serializers.IntegerField()
    visits_a_month = serializers.FloatField(allow_null=True)
    kept_a_month = serializers.FloatField(allow_null=True)
    visits_12_months = serializers.FloatField(allow_null=True)
    receipt = MoneyOut()
    worth_12_months = MoneyOut()


# --- answers -------------------------------------------------------------------------------------
class CoreFiguresOut(FromTo):
    """Live from PostgreSQL, for while ClickHouse is down."""

    kpis = KpisOut()
    series = SeriesPointOut(many=True)


class CouponWidgetsOut(Out):
    coupons = CouponFunnelOut(many=True, required=False)


class CohortWidgetsOut(Out):
    cohorts = CohortOut(many=True, required=False)


class SeriesWidgetsOut(Out):
    series = SeriesPointOut(many=True, required=False)


class WidgetsOut(Out):
    """None of them while ClickHouse is down and no picture was kept."""

    kpis = KpisOut(required=False)
    series = SeriesPointOut(many=True, required=False)
    members_share = MembersShareOut(required=False, allow_null=True)
    buyers = BuyersDayOut(many=True, required=False)
    repeat = RepeatOut(required=False)
    cohorts = CohortOut(many=True, required=False)
    rfm = RfmWidgetOut(required=False, allow_null=True)
    churn = ChurnWidgetOut(required=False, allow_null=True)
    worth = WorthOut(required=False, allow_null=True)
    basket = BasketOut(required=False, allow_null=True)
    items = ItemsOut(required=False, allow_null=True)
    hours = HourOut(many=True, required=False)
    tiers = TiersWidgetOut(required=False, allow_null=True)
    liability = LiabilityWidgetOut(required=False)
    coupons = CouponFunnelOut(many=True, required=False)
    chains = ChainsWidgetOut(required=False)
    win_win = PairWidgetOut(many=True, required=False)
    recommendations = IdeaOut(many=True, required=False)
    freshness = FreshnessOut(required=False)
    platform = PlatformOut(required=False, help_text="of the network only, as the next two")
    clearing = ClearingOut(required=False)
    shared_gain = SharedGainOut(required=False)


class ReportOut(FromTo):
    business_id = serializers.UUIDField(allow_null=True, help_text="null is the network")
    as_of = MomentOut(allow_null=True)
    is_stale = serializers.BooleanField(help_text="ClickHouse is down: the last picture taken")
    waiting = serializers.IntegerField(help_text="facts that have not arrived yet")
    core = CoreFiguresOut(allow_null=True)


class DashboardOut(ReportOut):
    widgets = WidgetsOut()


class CohortsOut(ReportOut):
    widgets = CohortWidgetsOut()


class RevenueOut(ReportOut):
    widgets = SeriesWidgetsOut()


class CouponFiguresOut(ReportOut):
    widgets = CouponWidgetsOut()


class ExportOut(Out):
    """A table that a worker writes."""

    export_id = serializers.UUIDField()
    state = serializers.ChoiceField(["waiting", "ready", "failed"])
    rows_done = serializers.IntegerField()
    rows_total = serializers.IntegerField()
