from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.errors import Invalid
from apps.core.http.serializers import In, MomentIn, MomentOut, MoneyIn, MoneyOut, Out
from apps.core.money import parse_amount
from apps.coupons import rules
from apps.coupons.enums import Audience, Base, Benefit
from apps.coupons.models import Campaign, Coupon
from apps.coupons.queries import Stats, benefit_of
from apps.coupons.services import Draft, Line

AUDIENCES = [Audience.ANYONE, Audience.PROMO, Audience.GUESTS]
AUDIENCE_CHOICES = [(code.value, code.label) for code in AUDIENCES]


class BenefitIn(In):
    type = serializers.ChoiceField(Benefit.choices)
    value = serializers.CharField(
        max_length=120, help_text="a percent, ₽, bonuses, or the name of the gift"
    )
    max_discount = MoneyIn(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["type"] == Benefit.GIFT:
            return attrs | {"gift": attrs["value"], "value": Decimal("0.00")}
        try:
            return attrs | {"gift": "", "value": parse_amount(attrs["value"])}
        except Invalid as wrong:
            raise serializers.ValidationError({"value": [str(wrong)]}) from wrong


class BenefitOut(Out):
    type = serializers.ChoiceField(Benefit.choices)
    value = serializers.CharField()
    max_discount = serializers.CharField(allow_null=True)


class CampaignIn(In):
    business_id = serializers.UUIDField()
    name = serializers.CharField(max_length=120)
    benefit = BenefitIn()
    audience = serializers.ChoiceField(AUDIENCE_CHOICES)
    promo_code = serializers.CharField(max_length=20, required=False, default="")
    quantity = serializers.IntegerField(min_value=1, max_value=100_000)
    per_member = serializers.IntegerField(min_value=1, max_value=1000, required=False, default=1)
    valid_from = MomentIn()
    valid_to = MomentIn()
    min_amount = MoneyIn(required=False)
    budget = MoneyIn(required=False)
    holdout_percent = serializers.IntegerField(min_value=0, max_value=50, required=False, default=0)
    group = serializers.CharField(
        max_length=20, required=False, default=rules.BILL, allow_blank=True
    )
    priority = serializers.IntegerField(min_value=1, max_value=1000, required=False, default=100)
    base = serializers.ChoiceField(Base.choices, required=False, default=Base.LIST)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["holdout_percent"] and attrs["audience"] != Audience.GUESTS:
            said = _("Only a campaign for own guests holds some of them out.")
            raise serializers.ValidationError({"holdout_percent": [said]})
        return attrs


def draft_of(asked: dict[str, Any]) -> Draft:
    """A checked body as the terms of a campaign."""
    terms = {name: value for name, value in asked.items() if name not in ("business_id", "benefit")}
    given = asked["benefit"]
    return Draft(
        **terms,
        benefit=given["type"],
        value=given["value"],
        gift=given["gift"],
        max_discount=given.get("max_discount"),
    )


class BudgetOut(Out):
    cap = MoneyOut()
    reserved = MoneyOut()
    charged = MoneyOut()


class CampaignOut(Out):
    id = serializers.UUIDField()
    business_id = serializers.UUIDField()
    business_name = serializers.CharField(source="business.name")
    name = serializers.CharField()
    audience = serializers.CharField()
    promo_code = serializers.CharField(allow_null=True)
    benefit = serializers.SerializerMethodField()
    min_amount = MoneyOut()
    quantity = serializers.IntegerField()
    issued = serializers.IntegerField()
    per_member = serializers.IntegerField()
    holdout_percent = serializers.IntegerField()
    group = serializers.CharField()
    priority = serializers.IntegerField()
    base = serializers.CharField()
    budget = BudgetOut(allow_null=True)
    valid_from = MomentOut()
    valid_to = MomentOut()
    state = serializers.CharField()
    created_at = MomentOut()

    def get_benefit(self, campaign: Campaign) -> dict[str, Any]:
        return benefit_of(campaign)


class StatsOut(Out):
    issued = serializers.IntegerField()
    seen = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    expired = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    discount = MoneyOut()
    bonus = MoneyOut()
    revenue_with = MoneyOut()
    revenue_without = MoneyOut()
    incremental = MoneyOut()
    interval = serializers.SerializerMethodField()
    method = serializers.ChoiceField(["holdout", "before_after"])

    def get_interval(self, stats: Stats) -> dict[str, str] | None:
        if stats.low is None or stats.high is None:
            return None
        return {"low": f"{stats.low:.2f}", "high": f"{stats.high:.2f}"}


class CodeOut(Out):
    id = serializers.UUIDField()
    code = serializers.SerializerMethodField()
    state = serializers.CharField()

    def get_code(self, coupon: Coupon) -> str:
        return rules.grouped(coupon.code)


class CouponOut(Out):
    """A coupon for the member who holds it: with its code."""

    id = serializers.UUIDField()
    code = serializers.SerializerMethodField()
    title = serializers.CharField(source="campaign.title")
    business_id = serializers.UUIDField(source="campaign.business_id")
    business_name = serializers.CharField(source="campaign.business.name")
    benefit = serializers.SerializerMethodField()
    min_amount = MoneyOut(source="campaign.min_amount")
    state = serializers.SerializerMethodField()
    valid_from = MomentOut()
    valid_to = MomentOut()
    issued_at = MomentOut()
    redeemed_at = MomentOut(allow_null=True)

    def get_code(self, coupon: Coupon) -> str:
        return rules.grouped(coupon.code)

    def get_benefit(self, coupon: Coupon) -> dict[str, Any]:
        return benefit_of(coupon.campaign)

    def get_state(self, coupon: Coupon) -> str:
        return coupon.state_at(self.context["at"])


class ClaimIn(In):
    code = serializers.CharField(max_length=40)


class ValidateIn(In):
    business_id = serializers.UUIDField()
    code = serializers.CharField(max_length=40)
    amount = MoneyIn(required=False)


class ValidateOut(Out):
    valid = serializers.BooleanField()
    reason = serializers.CharField(required=False, help_text="a word for machines")
    message = serializers.CharField(required=False, help_text="the same as a sentence")
    title = serializers.CharField(allow_null=True)
    benefit = BenefitOut(allow_null=True)
    discount = MoneyOut(help_text="off this bill; of roubles off in full when no sum was named")
    bonus = MoneyOut()
    valid_to = MomentOut(allow_null=True)


def line_data(line: Line) -> dict[str, Any]:
    """What a check says of one code. Of another partner's coupon nothing is told."""
    coupon = line.coupon if line.reason != "unknown" else None
    told = {} if line.ok else {"reason": line.reason, "message": line.message}
    return told | {
        "valid": line.ok,
        "title": coupon.campaign.title if coupon else None,
        "benefit": benefit_of(coupon.campaign) if coupon else None,
        "discount": f"{line.discount:.2f}",
        "bonus": f"{line.bonus:.2f}",
        "valid_to": coupon.valid_to if coupon else None,
    }


class RedeemIn(In):
    business_id = serializers.UUIDField()
    code = serializers.CharField(max_length=40)
    transaction_id = serializers.UUIDField(required=False)
    amount = MoneyIn(required=False, help_text="the bill, when the sale is not recorded here")


class CouponRedemptionOut(Out):
    id = serializers.UUIDField()
    coupon_id = serializers.UUIDField()
    title = serializers.CharField(source="campaign.title")
    benefit = serializers.SerializerMethodField()
    discount = MoneyOut()
    bonus = MoneyOut()
    transaction_id = serializers.UUIDField(source="sale_id", allow_null=True)
    redeemed_at = MomentOut(source="at")

    def get_benefit(self, redemption: Any) -> dict[str, Any]:
        return benefit_of(redemption.campaign)
