"""Reads of invitations."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum

from apps.core.money import from_kopecks
from apps.loyalty.enums import Kind
from apps.loyalty.models import Journal, Referral


def has_bought(member_id: UUID) -> bool:
    return Journal.objects.filter(wallet_id=member_id, kind=Kind.EARN, paid__gt=0).exists()


def kept_money(sale: str) -> Decimal:
    """₽ paid for a sale less what was returned of it."""
    earned = Journal.objects.filter(scope="earn", key=sale).values_list("pk", "paid").first()
    if earned is None:
        return Decimal("0.00")
    back = Journal.objects.filter(ref=earned[0], kind=Kind.CLAWBACK).aggregate(
        money=Sum("paid", default=0)
    )
    return from_kopecks(earned[1] - int(back["money"]))


def brought_by(member_id: UUID) -> dict[str, Any]:
    """What her code brought: how many by state, bonuses earned and not taken back."""
    mine = Referral.objects.filter(inviter_id=member_id)
    by_state = dict(mine.values_list("state").annotate(count=Count("pk")))
    paid = mine.filter(state="rewarded").aggregate(sum=Sum("inviter_journal__amount", default=0))
    return {
        "invited": sum(by_state.values()),
        "waiting": by_state.get("waiting", 0),
        "rewarded": by_state.get("rewarded", 0),
        "earned": from_kopecks(int(paid["sum"])),
    }
