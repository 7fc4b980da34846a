"""What members do beside buying reaches ClickHouse once, under surrogates, on the right day."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from apps.accounts.queries import surrogates_of
from apps.analytics import loader
from apps.core import clickhouse, outbox
from apps.core.facts import (
    CheckedIn,
    CouponIssued,
    CouponRedeemed,
    EventRegistered,
    EventVoted,
    MessageMoved,
)
from apps.core.ids import new_id
from tests.factories.coupons import personal
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
NIGHT = "2026-02-28T21:30:00+00:00"  # already 1 March in Moscow
NOBODY = UUID(int=0)


def told(*facts: Any) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        for fact in facts:
            outbox.publish(fact)
    loader.load_waiting()
    return clickhouse.read(
        "test",
        "SELECT kind, subject, business_id, detail, channel, weight, amount, local_day "
        "FROM engagement_facts ORDER BY kind, subject",
    )


def test_each_kind_is_a_row(facts, member, business):
    event, place, coupon, message = (str(new_id()) for _ in range(4))
    who: dict[str, Any] = {"member_id": str(member.pk), "at": NIGHT}
    issued = {"coupon_id": coupon, "campaign_id": None, "business_id": str(business.pk)}
    moved = {"message_id": message, "kind": "CouponIssued", "channel": "push"}

    rows = told(
        EventRegistered(
            event_id=event, registration_id=place, state="confirmed", starts_at=NIGHT, **who
        ),
        CheckedIn(event_id=event, registration_id=place, business_id=None, **who),
        EventVoted(event_id=event, value=1, weight=3, **who),
        CouponIssued(origin="chain", valid_to=NIGHT, **issued, **who),
        CouponRedeemed(transaction_id=None, discount="120.50", **issued, **who),
        MessageMoved(state="delivered", **moved, **who),
        MessageMoved(state="opened", **moved, **who),
    )

    day, zero = date(2026, 3, 1), Decimal("0.00")
    at_event = [UUID(place), NOBODY]
    at_coupon = [UUID(coupon), business.pk]
    of_message = [UUID(message), NOBODY, "CouponIssued", "push", 0, zero, day]
    assert [list(row) for row in rows] == [
        ["checked_in", *at_event, "", "", 0, zero, day],
        ["coupon_issued", *at_coupon, "chain", "", 0, zero, day],
        ["coupon_redeemed", *at_coupon, "", "", 0, Decimal("120.50"), day],
        ["message_delivered", *of_message],
        ["message_opened", *of_message],
        ["registered", *at_event, "confirmed", "", 0, zero, day],
        ["voted", UUID(event), NOBODY, "", "", 3, zero, day],
    ]


def test_told_twice_is_once(facts, member):
    vote = EventVoted(event_id=str(new_id()), member_id=str(member.pk), value=1, weight=1, at=NIGHT)

    assert len(told(vote)) == 1
    assert len(told(vote)) == 1


def test_a_coupon_at_the_till(facts, member, business):
    coupon = personal(member, business, word="SPRING1")
    sale(member=member, business=business, amount="1000.00", coupon_codes=[coupon.code])
    loader.load_waiting()

    rows = clickhouse.read(
        "test", "SELECT kind, member, subject FROM engagement_facts WHERE kind LIKE 'coupon%'"
    )

    surrogate = surrogates_of([str(member.pk)])[str(member.pk)]
    assert ("coupon_redeemed", surrogate, coupon.pk) in rows
    assert member.pk not in {row[1] for row in rows}
