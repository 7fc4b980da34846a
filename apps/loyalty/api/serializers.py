from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.core.http.serializers import MomentOut, MoneyOut, Out
from apps.loyalty.queries import Balance


class ExpiringSoonOut(Out):
    amount = MoneyOut()
    at = MomentOut()


class BalanceOut(Out):
    available = MoneyOut()
    pending = MoneyOut()
    held = MoneyOut()
    expiring_soon = ExpiringSoonOut(allow_null=True)
    earned = MoneyOut()
    spent = MoneyOut()
    currency = serializers.CharField()


class LineOut(Out):
    id = serializers.UUIDField()
    type = serializers.CharField()
    amount = MoneyOut(help_text="signed")
    balance_after = MoneyOut()
    business_id = serializers.UUIDField(allow_null=True)
    business_name = serializers.CharField(allow_null=True)
    occurred_at = MomentOut()
    posted_at = MomentOut()


class ExpiringOut(Out):
    at = MomentOut(help_text="the first moment it can no longer be spent")
    amount = MoneyOut()


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def balance_data(balance: Balance) -> dict[str, Any]:
    """The balance on the wire; a plain function, since this is the hottest read."""
    soon = None
    if balance.expiring_at:
        soon = {"amount": _money(balance.expiring_amount), "at": balance.expiring_at}
    return {
        "available": _money(balance.available),
        "pending": _money(balance.pending),
        "held": _money(balance.held),
        "expiring_soon": soon,
        "earned": _money(balance.earned),
        "spent": _money(balance.spent),
        "currency": "RUB",
    }
