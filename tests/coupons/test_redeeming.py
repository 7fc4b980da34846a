"""A code works once, whoever races; what it gave is charged, shared and taken back."""

import itertools
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.core.models import Message
from apps.coupons.models import Budget, Charge, Coupon, Funder, Redemption
from apps.coupons.services import (
    BudgetEmpty,
    CouponRefused,
    CouponUnknown,
    CouponUsed,
    cancel_campaign,
    check_coupons,
    mint,
    redeem_at_till,
    redeem_for_sale,
    return_for_sale,
)
from apps.coupons.services.issuing import issue
from apps.loyalty.queries import balance_of
from apps.loyalty.services import lock_wallet, spend_bonus
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign, code_of, personal
from tests.threads import race

pytestmark = pytest.mark.django_db


@transaction.atomic
def redeem(codes: list[str], business: Any, member: Any, amount: Any = 1000, **given: Any) -> Any:
    lock_wallet(member.pk)
    return redeem_for_sale(
        codes=codes,
        business=business,
        member=member,
        amount=Decimal(amount),
        sale_id=given.get("sale_id") or uuid.uuid4(),
        by=None,
        at=given.get("at") or timezone.now(),
    )


def check(codes: list[str], business: Any, member: Any, amount: Any = 1000, at: Any = None) -> Any:
    return check_coupons(
        codes=codes,
        business=business,
        member=member,
        amount=Decimal(amount) if amount is not None else None,
        at=at or timezone.now(),
    )


# --- what it gives -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("terms", "bill", "discount"),
    [
        ({"benefit": "percent", "value": Decimal(15)}, "1234.55", "185.18"),
        ({"benefit": "percent", "value": Decimal(50), "max_discount": Decimal(300)}, "1000", "300"),
        ({"benefit": "fixed", "value": Decimal(500)}, "1000", "500"),
        ({"benefit": "fixed", "value": Decimal(500)}, "300", "300"),
        ({"benefit": "gift", "gift": "Маска"}, "300", "0"),
        ({"benefit": "bonus", "value": Decimal(200)}, "300", "0"),
    ],
)
def test_a_coupon_gives_what_it_says(terms, bill, discount, business, member):
    code = code_of(campaign(business, **terms))

    given = redeem([code], business, member, bill)

    assert given.discount == Decimal(discount)
    assert check([code], business, member, bill).lines[0].reason == "used"


def test_bonuses_come_from_the_funders(business, member):
    made = campaign(business, benefit="bonus", value=Decimal("100.01"))
    other = BusinessFactory()
    Funder.objects.filter(campaign=made).update(share=50)
    Funder.objects.create(campaign=made, business=other, share=50)

    given = redeem([code_of(made)], business, member)

    assert given.bonus == Decimal("100.01")
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("100.01")
    with connection.cursor() as cursor:
        cursor.execute("SELECT issuer_id, amount FROM loyalty_lot ORDER BY amount")
        assert cursor.fetchall() == [(other.pk, 5000), (business.pk, 5001)]


def test_shares_of_a_discount_sum_to_it(business, member):
    made = campaign(business, benefit="percent", value=Decimal(10))
    other = BusinessFactory()
    Funder.objects.filter(campaign=made).update(share=33)
    Funder.objects.create(campaign=made, business=other, share=67)

    redeem([code_of(made)], business, member, "999.99")

    charges = Charge.objects.order_by("pk")
    assert [(one.payer, one.payee, str(one.amount)) for one in charges] == [
        (business, business, "33.00"),
        (other, business, "66.99"),
    ]


def test_two_coupons_on_a_bill(business, member):
    first = code_of(campaign(business, value=Decimal(100), group=""))
    second = code_of(campaign(business, benefit="percent", value=Decimal(10), group=""))

    given = redeem([first, second], business, member)

    assert given.discount == Decimal(200)
    assert len(given.coupons) == 2


def test_two_coupons_of_one_group_are_refused_together(business, member):
    codes = [code_of(campaign(business)), code_of(campaign(business))]

    with pytest.raises(CouponRefused) as refusal:
        redeem(codes, business, member)

    assert refusal.value.details["reason"] == "group"
    assert not Redemption.objects.exists()


# --- why not -------------------------------------------------------------------------------------
def test_reasons_why_not(business, member, at):
    later = {"valid_from": at + timedelta(days=1)}
    cases = {
        "unknown": "ZZZZZ-ZZZZZ-ZZZZ",
        "too_early": code_of(campaign(business, **later)),
        "min_amount": code_of(campaign(business, min_amount=Decimal(2000))),
        "other_member": personal(UserFactory(), business).code,
    }
    expired = code_of(campaign(business))
    Coupon.objects.filter(code=expired).update(
        valid_to=at - timedelta(minutes=1), valid_from=at - timedelta(days=2)
    )
    cancelled = campaign(business)
    cancel_campaign(campaign=cancelled, by=UserFactory(job="admin"), at=at)
    cases |= {"expired": expired, "cancelled": code_of(cancelled)}

    said = {reason: check([code], business, member).lines[0] for reason, code in cases.items()}

    assert {reason: line.reason for reason, line in said.items()} == {one: one for one in cases}
    assert all(line.message and line.discount == 0 for line in said.values())


def test_another_partners_coupon_is_unknown(member):
    code = code_of(campaign())

    with pytest.raises(CouponUnknown):
        redeem([code], BusinessFactory(), member)


def test_bonuses_need_a_member(business):
    made = campaign(business, benefit="bonus", value=Decimal(100))

    assert check([code_of(made)], business, None).lines[0].reason == "no_member"


def test_limit_per_member(business, member):
    made = campaign(business, quantity=3, per_member=2, group="")
    codes = list(Coupon.objects.filter(campaign=made).values_list("code", flat=True))

    redeem([codes[0]], business, member)
    redeem([codes[1]], business, member)

    with pytest.raises(CouponRefused) as refusal:
        redeem([codes[2]], business, member)
    assert refusal.value.details["reason"] == "per_member"
    assert redeem([codes[2]], business, UserFactory()).discount == 500


# --- budgets -------------------------------------------------------------------------------------
def test_a_budget_is_never_exceeded(business):
    made = campaign(business, quantity=3, budget=Decimal(1200))
    codes = list(Coupon.objects.filter(campaign=made).values_list("code", flat=True))
    for code in codes[:2]:
        redeem([code], business, UserFactory())

    with pytest.raises(BudgetEmpty):
        redeem([codes[2]], business, UserFactory())

    assert made.budget.__class__.objects.get(pk=made.budget_id).charged == 1000
    assert Coupon.objects.get(code=codes[2]).state == "active"


def test_database_refuses_an_exceeded_budget(business):
    made = campaign(business, budget=Decimal(100))

    with pytest.raises(IntegrityError, match="budget_never_exceeded"):
        Budget.objects.filter(pk=made.budget_id).update(charged=101)


def test_a_personal_coupon_reserves_and_then_charges(business, member):
    made = campaign(
        business,
        audience="promo",
        promo_code="HALF",
        benefit="percent",
        value=Decimal(50),
        max_discount=Decimal(300),
        budget=Decimal(500),
        per_member=5,
    )
    coupon = issue(made, member_id=member.pk, at=timezone.now())
    second = issue(made, member_id=member.pk, at=timezone.now())
    reserved = Budget.objects.get(pk=made.budget_id)

    redeem([coupon.code], business, member, 400)

    assert (reserved.reserved, second) == (300, None)
    after = Budget.objects.get(pk=made.budget_id)
    assert (after.reserved, after.charged) == (0, 200)


# --- returns -------------------------------------------------------------------------------------
def test_a_whole_return_gives_the_coupon_back(business, member, at):
    made = campaign(business, budget=Decimal(500))
    sale_id = uuid.uuid4()
    redeem([code_of(made)], business, member, sale_id=sale_id)

    alive = return_for_sale(sale_id=sale_id, amount_left=Decimal(0), by=None, at=at)

    assert [one.code for one in alive] == [code_of(made)]
    assert Budget.objects.get(pk=made.budget_id).charged == 0
    assert redeem([code_of(made)], business, UserFactory()).discount == 500
    assert Redemption.objects.count() == 2


@pytest.mark.parametrize(
    ("left", "kept"), [("500", "50"), ("333.33", "33.33"), ("50", "0"), ("0", "0")]
)
def test_bonuses_shrink_with_the_purchase(left, kept, business, member, at):
    made = campaign(business, benefit="bonus", value=Decimal(100), min_amount=Decimal(100))
    sale_id = uuid.uuid4()
    redeem([code_of(made)], business, member, 1000, sale_id=sale_id)

    return_for_sale(sale_id=sale_id, amount_left=Decimal("700.00"), by=None, at=at)
    return_for_sale(sale_id=sale_id, amount_left=Decimal(left), by=None, at=at)

    assert balance_of(member.pk, at=at).available == Decimal(kept)


def test_spent_bonuses_of_a_returned_coupon_become_a_debt(business, member):
    at = timezone.now()
    made = campaign(business, benefit="bonus", value=Decimal(100))
    sale_id = uuid.uuid4()
    redeem([code_of(made)], business, member, sale_id=sale_id)
    spend_bonus(member=member, business=business, amount=Decimal(60), key="s", at=timezone.now())

    return_for_sale(sale_id=sale_id, amount_left=Decimal(0), by=None, at=at)

    with transaction.atomic():
        assert lock_wallet(member.pk) == 6000


# --- without our till ----------------------------------------------------------------------------
def test_a_leaflet_is_redeemed_by_staff_without_a_guest(business, staff, at):
    code = code_of(campaign(business, benefit="gift", gift="Маска"))

    used = redeem_at_till(business=business, code=code, by=staff, at=at)

    assert (used.member, used.discount) == (None, 0)
    assert not Message.objects.filter(topic="CouponRedeemed").exists()
    with pytest.raises(CouponUsed):
        redeem_at_till(business=business, code=code, by=staff, at=at)


def test_a_personal_coupon_tells_who_used_it(business, staff, member, at):
    coupon = personal(member, business, benefit="bonus", value=Decimal(50))

    used = redeem_at_till(business=business, code=coupon.code, by=staff, at=timezone.now())

    assert used.member == member
    [told] = Message.objects.filter(topic="CouponRedeemed")
    assert told.payload["member_id"] == str(member.pk)


# --- races ---------------------------------------------------------------------------------------
def racing(codes: int, rivals: int, tries: int) -> None:
    """Each code is redeemed by `rivals` people at once, `tries` times each: one attempt succeeds,
    the others are told that it was used, the books know one redemption."""
    business = BusinessFactory()
    staff = staff_of(business)
    members = [UserFactory() for _ in range(rivals)]
    made = campaign(business, quantity=codes, per_member=1000)
    texts = list(Coupon.objects.filter(campaign=made).values_list("code", flat=True))

    def attempt(n: int, text: str) -> Any:
        try:
            if n % 2:
                return redeem([text], business, members[n])
            return redeem_at_till(business=business, code=text, by=staff, at=timezone.now())
        except CouponRefused as refused:
            return refused

    for text in texts:
        outcomes = race(rivals, lambda n, text=text: [attempt(n, text) for _ in range(tries)])
        lost = [one for many in outcomes for one in many if isinstance(one, CouponRefused)]
        assert len(lost) == rivals * tries - 1
        assert {type(one) for one in lost} == {CouponUsed}
    assert Redemption.objects.count() == codes
    assert Charge.objects.count() == codes


@pytest.mark.django_db(transaction=True)
def test_a_code_works_once_whoever_races():
    racing(codes=2, rivals=20, tries=2)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_200_redemptions_at_once_of_100_codes():
    racing(codes=100, rivals=40, tries=5)


@pytest.mark.django_db(transaction=True)
def test_one_of_a_fork_is_redeemed_under_race():
    member, fork = UserFactory(), uuid.uuid4()
    places = [BusinessFactory() for _ in range(4)]
    words = itertools.count(1000)
    coupons = []
    for place in places:
        made = campaign(place, audience="promo", promo_code=f"FORK{next(words)}")
        with transaction.atomic():
            coupons.append(mint(campaign=made, member_id=member.pk, at=timezone.now(), fork=fork))

    outcomes = race(4, lambda n: redeem([coupons[n].code], places[n], member))

    lost = [one for one in outcomes if isinstance(one, Exception)]
    assert len(lost) == 3
    assert all(one.details["reason"] == "cancelled" for one in lost)
    states = sorted(Coupon.objects.values_list("state", flat=True))
    assert states == ["cancelled", "cancelled", "cancelled", "redeemed"]


def test_database_refuses_a_second_coupon_of_a_fork(business, member):
    fork = uuid.uuid4()
    made = campaign(business, audience="promo", promo_code="FORK")
    two = [mint(campaign=made, member_id=member.pk, at=timezone.now(), fork=fork) for _ in "ab"]

    with pytest.raises(IntegrityError, match="one_redeemed_of_a_fork"):
        Coupon.objects.filter(pk__in=[one.pk for one in two]).update(
            state="redeemed", redeemed_at=timezone.now()
        )
