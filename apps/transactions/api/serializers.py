from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.http.serializers import In, MomentIn, MomentOut, MoneyIn, MoneyOut, Out
from apps.transactions import queries, rules
from apps.transactions.models import Transaction
from apps.transactions.services import coupons_of, new_coupons_of


class MemberIn(In):
    phone = serializers.CharField(max_length=40, required=False)
    card_token = serializers.CharField(max_length=40, required=False)
    id = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(
                _("Name the member by exactly one of: phone, cardToken, id.")
            )
        return attrs


class SpendIn(In):
    """`{redemptionCode}` spends her hold (with `amount`, a part of it); `{amount}` goes with a
    `cardToken`, with `proof` of a code by SMS, or with the owner's `reason`."""

    redemption_code = serializers.CharField(max_length=8, required=False)
    amount = MoneyIn(required=False)
    proof = serializers.CharField(max_length=600, required=False)
    reason = serializers.CharField(max_length=300, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "redemption_code" not in attrs and "amount" not in attrs:
            raise serializers.ValidationError(_("Send redemptionCode or amount."))
        return attrs


class ItemIn(In):
    name = serializers.CharField(max_length=120)
    category = serializers.CharField(max_length=60, required=False, default="")
    quantity = serializers.DecimalField(max_digits=10, decimal_places=3, min_value=0)
    price = MoneyIn()


class SaleIn(In):
    business_id = serializers.UUIDField()
    location_id = serializers.UUIDField(required=False)
    member = MemberIn()
    amount = MoneyIn()
    occurred_at = MomentIn(required=False)
    receipt_number = serializers.CharField(max_length=60, required=False, default="")
    items = ItemIn(many=True, required=False, max_length=rules.MOST_LINES)  # type: ignore[call-arg]
    spend = SpendIn(required=False)
    coupon_codes = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=rules.MOST_COUPONS
    )
    price_token = serializers.CharField(
        max_length=32, required=False, default="", help_text="Of a quote: refuse any other sums"
    )


class SpendCodeIn(In):
    business_id = serializers.UUIDField()
    member = MemberIn()
    amount = MoneyIn()


class SpendConfirmIn(SpendCodeIn):
    code_id = serializers.UUIDField()
    code = serializers.CharField(max_length=8)


class SpendCodeOut(Out):
    code_id = serializers.UUIDField()
    expires_in = serializers.IntegerField(help_text="seconds")
    resend_in = serializers.IntegerField(help_text="seconds")


class SpendProofOut(Out):
    proof = serializers.CharField(help_text="goes into spend.proof of one sale")
    expires_in = serializers.IntegerField(help_text="seconds")


class RefundIn(In):
    amount = MoneyIn(required=False, help_text="of the receipt's sum; absent: all that is left")
    reason = serializers.CharField(max_length=300)


class SaleMemberOut(Out):
    first_name = serializers.CharField()
    status = serializers.CharField()
    available = MoneyOut()


class SaleOut(Out):
    id = serializers.UUIDField()
    status = serializers.CharField()
    amount = MoneyOut()
    discount = MoneyOut()
    bonus_spent = MoneyOut()
    to_pay = MoneyOut()
    bonus_accrued = MoneyOut()
    pending_until = MomentOut(allow_null=True)
    new_coupons = serializers.ListField(child=serializers.DictField())
    member = SaleMemberOut()


class RefundOut(Out):
    id = serializers.UUIDField()
    amount = MoneyOut()
    money = MoneyOut(help_text="to hand back")
    bonus_taken = MoneyOut()
    bonus_returned = MoneyOut()
    bonus_owed = MoneyOut(help_text="of bonusTaken: spent meanwhile, taken from what comes next")
    reason = serializers.CharField()
    at = MomentOut()


class RefundAnswerOut(RefundOut):
    transaction_id = serializers.UUIDField()
    status = serializers.CharField(source="transaction.status")


class ItemOut(Out):
    name = serializers.CharField()
    category = serializers.CharField()
    quantity = serializers.DecimalField(max_digits=10, decimal_places=3)
    price = MoneyOut()


class SaleQuoteOut(Out):
    amount = MoneyOut()
    discount = MoneyOut()
    bonus_spent = MoneyOut()
    to_pay = MoneyOut()
    bonus_accrued = MoneyOut()
    rate = serializers.CharField(help_text='percent, as a string: "7.00"')
    most_spendable = MoneyOut(help_text="bonuses that this bill takes")
    pending_until = MomentOut(allow_null=True)
    price_token = serializers.CharField()
    member = SaleMemberOut()


class SaleLineOut(Out):
    id = serializers.UUIDField()
    business_id = serializers.UUIDField()
    business_name = serializers.CharField(source="business.name")
    status = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    amount = MoneyOut()
    discount = MoneyOut()
    bonus_spent = MoneyOut()
    to_pay = MoneyOut()
    bonus_accrued = MoneyOut()
    receipt_number = serializers.CharField()
    occurred_at = MomentOut()


class EntryOut(Out):
    """A line of the ledger: signed bonuses."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    amount = MoneyOut()
    at = MomentOut()


class SaleDetailOut(SaleLineOut):
    location_id = serializers.UUIDField(allow_null=True)
    returned = MoneyOut()
    money_returned = MoneyOut()
    pending_until = MomentOut(allow_null=True)
    spent_by = serializers.SerializerMethodField(help_text="hold, card, sms, owner or null")
    items = ItemOut(many=True)
    ledger = serializers.SerializerMethodField()
    coupons = serializers.SerializerMethodField()
    refunds = RefundOut(many=True)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_spent_by(self, sale: Transaction) -> str | None:
        spending = getattr(sale, "spending", None)
        return spending.way if spending else None

    @extend_schema_field(EntryOut(many=True))
    def get_ledger(self, sale: Transaction) -> Any:
        return EntryOut(queries.ledger_of(sale), many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_coupons(self, sale: Transaction) -> list[dict[str, Any]]:
        return coupons_of(sale)


class SumOut(Out):
    count = serializers.IntegerField()
    amount = MoneyOut()
    paid = MoneyOut(help_text="less what was handed back")
    bonus_accrued = MoneyOut()
    bonus_spent = MoneyOut()


class BusinessSumOut(SumOut):
    business_id = serializers.UUIDField()
    business_name = serializers.CharField()


class CategorySumOut(SumOut):
    category = serializers.CharField()


class MonthSumOut(SumOut):
    month = serializers.CharField(help_text="2026-01")


class SummaryOut(Out):
    total = SumOut()
    by_business = BusinessSumOut(many=True)
    by_category = CategorySumOut(many=True)
    by_month = MonthSumOut(many=True)


def sale_data(sale: Transaction, *, first_name: str, tier: str, available: Any) -> dict[str, Any]:
    """The answer at the till: the sale and what the member has now."""
    return {
        "id": str(sale.pk),
        "status": sale.status,
        "amount": sale.amount,
        "discount": sale.discount,
        "bonus_spent": sale.bonus_spent,
        "to_pay": sale.to_pay,
        "bonus_accrued": sale.bonus_accrued,
        "pending_until": sale.pending_until,
        "new_coupons": new_coupons_of(sale),
        "member": {"first_name": first_name, "status": tier, "available": available},
    }
