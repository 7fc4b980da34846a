from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.http.serializers import In, MomentOut, MoneyIn, MoneyOut, Out
from apps.transactions.models import Transaction


class MemberIn(In):
    phone = serializers.CharField(max_length=40, required=False)
    id = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Name the member by exactly one of: phone, id."))
        return attrs


class ItemIn(In):
    name = serializers.CharField(max_length=120)
    category = serializers.CharField(max_length=60, required=False, default="")
    quantity = serializers.DecimalField(max_digits=10, decimal_places=3, min_value=0)
    price = MoneyIn()


class QuoteIn(In):
    business_id = serializers.UUIDField()
    location_id = serializers.UUIDField(required=False)
    member = MemberIn()
    amount = MoneyIn()
    occurred_at = serializers.DateTimeField(required=False)
    receipt_number = serializers.CharField(max_length=60, required=False, default="")
    items = ItemIn(many=True, required=False)


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


class QuoteOut(Out):
    amount = MoneyOut()
    discount = MoneyOut()
    bonus_spent = MoneyOut()
    to_pay = MoneyOut()
    bonus_accrued = MoneyOut()
    rate = serializers.CharField(help_text='percent, as a string: "7.00"')
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
        "new_coupons": [],
        "member": {"first_name": first_name, "status": tier, "available": available},
    }
