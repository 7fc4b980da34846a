"""Frauds that the till must notice (security.md, T3): each is played and leaves its flag."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.loyalty.services import hold_bonus
from apps.transactions import rules, services
from apps.transactions.models import FlagKind, FraudFlag
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db

Play = Callable[[Business, User, User], None]
REASON = "Гостья без телефона, карта не читается"


def by_the_clock(business: Business, hour: int) -> datetime:
    """The latest such hour of the business that is past."""
    now = timezone.now().astimezone(ZoneInfo(business.zone))
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def at_noon(business: Business, staff: User, member: User, amount: str = "700.00") -> None:
    sale(
        business=business,
        by=staff,
        member=member,
        amount=amount,
        occurred_at=by_the_clock(business, 12),
    )


def to_herself(business: Business, staff: User, member: User) -> None:
    body = {
        "businessId": str(business.pk),
        "member": {"id": str(staff.pk)},
        "amount": "1000.00",
    }
    answer = Api().as_(staff).post("/transactions", body, key="k")
    assert answer.status_code == 403


def to_a_colleague(business: Business, staff: User, member: User) -> None:
    at_noon(business, staff, staff_of(business))


def one_member_again_and_again(business: Business, staff: User, member: User) -> None:
    for number in range(rules.MEMBER_IN_HOUR):
        sale(business=business, by=staff, member=member, amount=f"{100 + number}.00")


def always_the_same_pair(business: Business, staff: User, member: User) -> None:
    for days in range(rules.PAIR_IN_WEEK):
        moment = timezone.now() - timedelta(days=days)
        amount = f"{100 + days}.00"
        sale(business=business, by=staff, member=member, amount=amount, occurred_at=moment)


def more_than_hands_can_do(business: Business, staff: User, member: User) -> None:
    guests = [UserFactory() for _ in range(9)]
    for number in range(rules.STAFF_IN_HOUR):
        guest = guests[number % len(guests)]
        moment = timezone.now() - timedelta(minutes=number)
        amount = f"{100 + number}.00"
        sale(business=business, by=staff, member=guest, amount=amount, occurred_at=moment)


def the_same_receipt_twice(business: Business, staff: User, member: User) -> None:
    for _ in range(2):
        sale(business=business, by=staff, member=member, amount="700.00")


def a_large_sum_from_nowhere(business: Business, staff: User, member: User) -> None:
    at_noon(business, staff, member, f"{rules.LARGE_WITHOUT_RECEIPT}.00")


def a_kopeck_below_the_limit(business: Business, staff: User, member: User) -> None:
    at_noon(business, staff, member, str(business.max_sale - Decimal("0.01")))


def when_the_house_sleeps(business: Business, staff: User, member: User) -> None:
    sale(business=business, by=staff, member=member, occurred_at=by_the_clock(business, 3))


def a_sale_of_last_month(business: Business, staff: User, member: User) -> None:
    moment = timezone.now() - timedelta(days=30)
    sale(business=business, by=staff, member=member, occurred_at=moment)


def bonuses_by_the_owners_word(business: Business, staff: User, member: User) -> None:
    owner = staff_of(business, role="business_owner")
    sale(business=business, member=member, amount="9000.00")
    spend = services.Spend(amount=Decimal(100), reason=REASON)
    sale(business=business, by=owner, member=member, amount="1000.00", spend=spend)


def spent_then_brought_back(business: Business, staff: User, member: User) -> None:
    first = sale(business=business, member=member, amount="1000.00")
    held = hold_bonus(
        member=member, business=business, amount=Decimal(50), key="h", at=timezone.now()
    )
    sale(business=business, member=member, amount="200.00", spend=services.Spend(code=held.code))
    services.refund_purchase(
        sale=first, amount=None, reason=REASON, by=None, key="r", at=timezone.now()
    )


def sold_and_undone_all_day(business: Business, staff: User, member: User) -> None:
    for number in range(rules.UNDONE_IN_DAY):
        one = sale(business=business, by=staff, amount=f"{100 + number}.00")
        services.refund_purchase(
            sale=one, amount=None, reason="", by=staff, key="undo", at=one.recorded_at
        )


FRAUDS: dict[FlagKind, Play] = {
    FlagKind.SELF_SALE: to_herself,
    FlagKind.COLLEAGUE: to_a_colleague,
    FlagKind.MEMBER_OFTEN: one_member_again_and_again,
    FlagKind.PAIR_OFTEN: always_the_same_pair,
    FlagKind.STAFF_OFTEN: more_than_hands_can_do,
    FlagKind.REPEATED: the_same_receipt_twice,
    FlagKind.NO_RECEIPT: a_large_sum_from_nowhere,
    FlagKind.NEAR_LIMIT: a_kopeck_below_the_limit,
    FlagKind.AT_NIGHT: when_the_house_sleeps,
    FlagKind.BACKDATED: a_sale_of_last_month,
    FlagKind.OWNER_SPEND: bonuses_by_the_owners_word,
    FlagKind.SPENT_AND_RETURNED: spent_then_brought_back,
    FlagKind.UNDONE_OFTEN: sold_and_undone_all_day,
}


@pytest.mark.parametrize(("kind", "play"), FRAUDS.items(), ids=[str(kind) for kind in FRAUDS])
def test_a_fraud_leaves_its_flag(
    kind: FlagKind, play: Play, business: Business, staff: User, member: User
) -> None:
    play(business, staff, member)

    flag = FraudFlag.objects.filter(kind=kind).order_by("-at").first()
    assert flag is not None, list(FraudFlag.objects.values_list("kind", flat=True))
    assert flag.business == business


def test_every_pattern_has_a_fraud() -> None:
    assert set(FRAUDS) == set(FlagKind)


def test_an_honest_day_raises_nothing(business: Business, staff: User) -> None:
    for number in range(5):
        at_noon(business, staff, UserFactory(), f"{700 + number}.00")

    assert not FraudFlag.objects.exists()
