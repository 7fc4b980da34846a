from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.accounts import rights
from apps.accounts.models import StatusTier
from apps.core.http.serializers import In, MomentOut, MoneyIn, MoneyOut, Out
from apps.loyalty.queries import Balance, Line
from apps.loyalty.tier_queries import Standing


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


class RedemptionIn(In):
    business_id = serializers.UUIDField()
    amount = MoneyIn()


class RedemptionOut(Out):
    id = serializers.UUIDField()
    code = serializers.CharField()
    amount = MoneyOut()
    captured = MoneyOut()
    business_id = serializers.UUIDField()
    expires_at = MomentOut()
    state = serializers.ChoiceField(["held", "captured", "released", "expired"])


class TierRowOut(Out):
    code = serializers.CharField()
    name = serializers.CharField()
    cashback_rate = serializers.CharField(help_text='percent, as a string: "7.00"')
    threshold = MoneyOut(allow_null=True, help_text="₽ paid in 12 months")
    min_partners = serializers.IntegerField()
    vote_weight = serializers.IntegerField()
    by_invitation = serializers.BooleanField()
    benefits = serializers.ListField(child=serializers.CharField())


class StatusOut(Out):
    tier = TierRowOut()
    spent_in_window = MoneyOut(help_text="paid in the last 12 months, returns taken off")
    partners = serializers.IntegerField()
    next_tier = TierRowOut(allow_null=True)
    to_next = MoneyOut(allow_null=True)
    keep_until = MomentOut(
        allow_null=True, help_text="the first moment of the tier below if nothing more is paid"
    )
    to_keep = MoneyOut(allow_null=True, help_text="to be paid before that moment")


def tier_data(tier: StatusTier | None) -> dict[str, Any] | None:
    """A tier with its rate as a percent."""
    if tier is None:
        return None
    return {
        "code": tier.code,
        "name": tier.name,
        "cashback_rate": f"{tier.rate_bp / 100:.2f}",
        "threshold": None if tier.threshold is None else _money(tier.threshold),
        "min_partners": tier.min_partners,
        "vote_weight": tier.vote_weight,
        "by_invitation": tier.by_invitation,
        "benefits": [str(words) for words in _benefits(tier)],
    }


def _benefits(tier: StatusTier) -> Iterator[str]:
    """What the tier brings, in words."""
    rate = number_format(f"{tier.rate_bp / 100:g}")
    yield _("%(rate)s %% back in bonuses") % {"rate": rate}
    groups = rights.held(job="", tier=tier.code)
    if rights.VIP in groups:
        yield _("Propose events")
    if tier.vote_weight > 1:
        yield _("Your vote counts as %(weight)d") % {"weight": tier.vote_weight}
    if rights.INNER in groups:
        yield _("Moderate what others propose")


def standing_data(standing: Standing) -> dict[str, Any]:
    """Her tier, the way to the next one, and how long this one lasts."""
    return {
        "tier": tier_data(standing.tier),
        "spent_in_window": standing.spent,
        "partners": standing.partners,
        "next_tier": tier_data(standing.next_tier),
        "to_next": standing.to_next,
        "keep_until": standing.keep_until,
        "to_keep": standing.to_keep,
    }


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def line_data(line: Line) -> dict[str, Any]:
    """A line of the history: the envelope writes moments, ids and sums by itself."""
    return {
        "id": line.id,
        "type": line.type,
        "amount": line.amount,
        "balance_after": line.balance_after,
        "business_id": line.business_id,
        "business_name": line.business_name,
        "occurred_at": line.occurred_at,
        "posted_at": line.posted_at,
    }


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
