"""Registrations, check-ins, votes, coupons and messages as rows of `engagement_facts`."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.analytics.tables import FactTable
from apps.core.outbox import BATCH

NOBODY = UUID(int=0)
# Fact → kind of row, the field with what it is about, the field with its detail.
KINDS = {
    "EventRegistered": ("registered", "registration_id", "state"),
    "CheckedIn": ("checked_in", "registration_id", ""),
    "EventVoted": ("voted", "event_id", ""),
    "CouponIssued": ("coupon_issued", "coupon_id", "origin"),
    "CouponRedeemed": ("coupon_redeemed", "coupon_id", ""),
    "MessageMoved": ("message", "message_id", "kind"),
}


def _id(value: str | None) -> UUID | None:
    return UUID(value) if value else None


def _engagement_row(payload: dict[str, Any], sequence: int) -> list[Any]:
    kind, subject, detail = KINDS[payload["topic"]]
    if kind == "message":  # delivered and opened are two things that happened
        kind = f"message_{payload['state']}"
    moment = datetime.fromisoformat(payload["at"])
    return [
        _id(payload.get("business_id")) or NOBODY,
        kind,
        UUID(payload[subject]),
        payload["member"],
        payload[detail] if detail else "",
        payload.get("channel", ""),
        _id(payload.get("campaign_id")),
        _id(payload.get("transaction_id")),
        payload.get("weight", 0),
        Decimal(payload.get("discount", "0.00")),
        moment,
        moment.astimezone(ZoneInfo(payload["zone"])).date(),
        sequence,
    ]


ENGAGEMENT_FACTS = FactTable(
    name="engagement_facts",
    listener="apps.analytics.engagement.ENGAGEMENT_FACTS" + BATCH,
    columns=(
        "business_id",
        "kind",
        "subject",
        "member",
        "detail",
        "channel",
        "campaign_id",
        "transaction_id",
        "weight",
        "amount",
        "occurred_at",
        "local_day",
        "version",
    ),
    row=_engagement_row,
)
