"""A purchase triggers chains: once, for whom it should, and never at the sale's cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.enums import ConsentPurpose
from apps.accounts.services.consents import Answer, answer_consents
from apps.core.models import Message
from apps.coupons.models import Budget, Charge, Coupon
from apps.coupons.services import CouponRefused, expire_due, redeem_at_till
from apps.crosspromo import services
from apps.crosspromo.models import Mint, Run, Step, Version
from apps.crosspromo.services import evaluate_chain_trigger, undo_chain_trigger
from apps.transactions.services import Item
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, personal, step
from tests.factories.transactions import sale
from tests.threads import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def salon(db: None) -> Any:
    return BusinessFactory(name="Миндаль")


def coupons_of(member: Any) -> list[Coupon]:
    return list(Coupon.objects.filter(member=member).order_by("pk"))


def use(coupon: Coupon, at: Any = None) -> Any:
    business = coupon.campaign.business
    return redeem_at_till(
        business=business, code=coupon.code, by=staff_of(business), at=at or timezone.now()
    )


# --- once ----------------------------------------------------------------------------------------
def test_a_purchase_brings_a_coupon_for_the_partner(salon, cafe, member):
    chain(step(salon, cafe))

    sale(business=salon, member=member)

    [coupon] = coupons_of(member)
    assert coupon.campaign.business == cafe
    assert coupon.campaign.title == "Подарок от «Миндаль»"
    assert coupon.valid_to - coupon.valid_from == timedelta(days=30)
    assert Run.objects.get().arm == "treated"
    assert Message.objects.get(topic="CouponIssued").payload["origin"] == "chain"


def test_a_redelivered_trigger_mints_nothing(salon, cafe, member):
    chain(step(salon, cafe))
    bought = sale(business=salon, member=member, key="k")
    first = coupons_of(member)

    with transaction.atomic():
        again = [evaluate_chain_trigger(bought) for _ in range(3)]
    sale(business=salon, member=member, key="k")

    assert [list(one) for one in again] == [first] * 3
    assert coupons_of(member) == first
    assert (Run.objects.count(), Mint.objects.count()) == (1, 1)


def test_database_refuses_a_second_run_and_a_second_coupon(salon, cafe, member):
    chain(step(salon, cafe))
    sale(business=salon, member=member)
    run, mint = Run.objects.get(), Mint.objects.get()

    run.pk = None
    with pytest.raises(IntegrityError, match="one_run_per_trigger"), transaction.atomic():
        run.save(force_insert=True)
    mint.pk, mint.coupon = None, personal(member, cafe)
    with pytest.raises(IntegrityError, match="one_coupon_per_step"), transaction.atomic():
        mint.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_twins_of_one_sale_bring_one_coupon():
    salon, cafe, member = BusinessFactory(), BusinessFactory(), UserFactory()
    chain(step(salon, cafe))

    race(8, lambda n: sale(business=salon, member=member, key="twin"))

    assert (Run.objects.count(), len(coupons_of(member))) == (1, 1)


def test_cooling_down(salon, cafe, member):
    chain(step(salon, cafe), cooldown_days=30)
    sale(business=salon, member=member)

    sale(business=salon, member=member)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        sale(business=salon, member=member)

    assert len(coupons_of(member)) == 2


# --- for whom ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("trigger", "given"),
    [
        ({"min_amount": Decimal(1000)}, True),
        ({"min_amount": Decimal("1000.01")}, False),
        ({"category": "Уход"}, True),
        ({"category": "краска"}, False),
        ({"first_visit": True}, True),
        ({"every_nth": 2}, False),
    ],
)
def test_what_triggers(trigger, given, salon, cafe, member):
    chain(step(salon, cafe, **trigger))

    sale(business=salon, member=member, items=[Item("Маска", "уход", Decimal(1), Decimal(1000))])

    assert bool(coupons_of(member)) is given


def test_every_third_purchase(salon, cafe, member):
    chain(step(salon, cafe, every_nth=3), cooldown_days=0)

    brought = []
    for _ in range(7):
        sale(business=salon, member=member)
        brought.append(len(coupons_of(member)))

    assert brought == [0, 0, 1, 1, 1, 2, 2]


def test_only_the_first_visit(salon, cafe, member):
    chain(step(salon, cafe, first_visit=True), cooldown_days=0)

    for _ in range(3):
        sale(business=salon, member=member)

    assert len(coupons_of(member)) == 1


@pytest.mark.parametrize("days", [3, 400])
def test_an_old_purchase_triggers_nothing(days, salon, cafe, member):
    chain(step(salon, cafe), starts_at=timezone.now() - timedelta(days=1000))

    sale(business=salon, member=member, occurred_at=timezone.now() - timedelta(days=days))

    assert not coupons_of(member)


def test_held_out_members_get_nothing_and_are_remembered(salon, cafe):
    chain(step(salon, cafe), holdout_percent=50)
    members = [UserFactory() for _ in range(30)]

    for one in members:
        sale(business=salon, member=one)

    arms = list(Run.objects.values_list("arm", "member_id"))
    held = {member_id for arm, member_id in arms if arm == "control"}
    assert len(arms) == 30
    assert 4 < len(held) < 26
    assert {one.member_id for one in Coupon.objects.all()} == {one.pk for one in members} - held


# --- shapes --------------------------------------------------------------------------------------
def test_a_path_goes_on_after_the_return_window(salon, cafe, member):
    third = BusinessFactory()
    chain(step(salon, cafe), step(cafe, third), topology="path", return_days=14)
    sale(business=salon, member=member)
    [first] = coupons_of(member)
    use(first)
    now = timezone.now()

    early = services.mint_next_steps(at=now + timedelta(days=13))
    due = [services.mint_next_steps(at=now + timedelta(days=15)) for _ in range(2)]

    assert (early, due) == (0, [1, 0])
    assert [one.campaign.business for one in coupons_of(member)] == [cafe, third]


def test_a_purchase_at_the_middle_of_a_path_starts_nothing(salon, cafe, member):
    chain(step(salon, cafe), step(cafe, BusinessFactory()), topology="path")

    sale(business=cafe, member=member)

    assert not coupons_of(member)


def test_mutual_does_not_ping_pong(salon, cafe, member):
    chain(step(salon, cafe), step(cafe, salon), topology="mutual", cooldown_days=0, depth_limit=2)

    for place in (salon, cafe, salon, cafe):
        for coupon in Coupon.objects.filter(member=member, state="active"):
            if coupon.campaign.business == place:
                use(coupon)
        sale(business=place, member=member)

    assert [run.depth for run in Run.objects.order_by("pk")] == [1, 2, 2]
    assert Coupon.objects.filter(campaign__business=salon).count() == 2


def test_a_fan_gives_one_of_several(salon, cafe, member):
    third = BusinessFactory()
    chain(step(salon, cafe), step(salon, third), topology="fan", fork="one_of")
    sale(business=salon, member=member)
    first, second = coupons_of(member)

    use(second)

    with pytest.raises(CouponRefused):
        use(first)
    assert [one.state for one in coupons_of(member)] == ["cancelled", "redeemed"]


def test_a_fan_gives_all(salon, cafe, member):
    chain(step(salon, cafe), step(salon, BusinessFactory()), topology="fan")
    sale(business=salon, member=member)

    for coupon in coupons_of(member):
        use(coupon)

    assert [one.state for one in coupons_of(member)] == ["redeemed"] * 2


# --- money ---------------------------------------------------------------------------------------
def test_a_budget_is_reserved_charged_and_freed(salon, cafe):
    chain(step(salon, cafe, value=Decimal(400)), budget=Decimal(1000))
    members = [UserFactory() for _ in range(3)]
    for one in members:
        sale(business=salon, member=one)
    given = list(Coupon.objects.order_by("pk"))
    full = Budget.objects.get()

    use(given[0])
    later = timezone.now() + timedelta(days=40)
    expired = expire_due(at=later)

    assert (len(given), full.reserved) == (2, 800)
    after = Budget.objects.get()
    assert (expired, after.reserved, after.charged) == (1, 0, 400)
    assert expire_due(at=later) == 0


def test_shares_and_fee(salon, cafe, member):
    half = ((salon.pk, 50), (cafe.pk, 50))
    chain(step(salon, cafe, funders=half, fee=Decimal(30), value=Decimal(501)))
    sale(business=salon, member=member)

    bought = sale(
        business=cafe, member=member, amount="2000", coupon_codes=[coupons_of(member)[0].code]
    )

    assert (bought.discount, bought.to_pay) == (501, 1499)
    rows = Charge.objects.order_by("pk").values_list("kind", "payer", "payee", "amount")
    assert list(rows) == [
        ("share", salon.pk, cafe.pk, Decimal("250.50")),
        ("share", cafe.pk, cafe.pk, Decimal("250.50")),
        ("fee", cafe.pk, salon.pk, Decimal(30)),
    ]


def test_cost_moves_to_the_sender_when_the_first_purchase_returns(salon, cafe, member):
    half = ((salon.pk, 50), (cafe.pk, 50))
    chain(step(salon, cafe, funders=half))
    bought = sale(business=salon, member=member)
    sale(business=cafe, member=member, coupon_codes=[coupons_of(member)[0].code])

    undo_chain_trigger(sale_id=bought.pk, at=timezone.now())

    assert coupons_of(member)[0].state == "redeemed"
    assert list(Charge.objects.values_list("payer", "amount")) == [(salon.pk, Decimal(500))]


# --- returns -------------------------------------------------------------------------------------
def test_a_returned_trigger_takes_unused_coupons(salon, cafe, member):
    chain(step(salon, cafe), budget=Decimal(1000))
    bought = sale(business=salon, member=member)

    cancelled = undo_chain_trigger(sale_id=bought.pk, at=timezone.now())

    [coupon] = coupons_of(member)
    assert (cancelled, coupon.state) == ([coupon.pk], "cancelled")
    assert Budget.objects.get().reserved == 0
    assert undo_chain_trigger(sale_id=bought.pk, at=timezone.now()) == []
    sale(business=salon, member=member)
    assert len(coupons_of(member)) == 2, "a run that was undone does not cool down"


# --- secrecy -------------------------------------------------------------------------------------
def test_a_clinic_needs_consent_and_is_not_named(cafe, member):
    clinic = BusinessFactory(name="Стим", category="dental")
    chain(step(clinic, cafe))
    sale(business=clinic, member=member)
    without = coupons_of(member)
    yes = {ConsentPurpose.PERSONAL_DATA: Answer(True), ConsentPurpose.SPECIAL_DATA: Answer(True)}
    answer_consents(member=member, answers=yes, at=timezone.now(), proof="test")

    sale(business=clinic, member=member)

    [coupon] = coupons_of(member)
    assert without == []
    assert coupon.campaign.title == "Подарок от круга"
    assert (coupon.campaign.sender, coupon.campaign.name) == (None, "")


# --- faults --------------------------------------------------------------------------------------
def test_a_fault_never_loses_the_sale(salon, cafe, member, monkeypatch):
    chain(step(salon, cafe))

    def broken(*_: Any, **__: Any) -> None:
        Run.objects.create()  # a violated constraint: PostgreSQL refuses all that follows

    monkeypatch.setattr("apps.crosspromo.services.triggers._depth", broken)

    bought = sale(business=salon, member=member)

    bought.refresh_from_db()
    assert not coupons_of(member)
    [told] = Message.objects.filter(topic="PromoSkipped")
    assert told.payload["transaction_id"] == str(bought.pk)
    assert told.payload["reason"] == "IntegrityError"


def test_frozen_terms(salon, cafe):
    chain(step(salon, cafe))

    for change in (
        lambda: Step.objects.update(min_amount=5),
        lambda: Version.objects.update(holdout_percent=50),
        lambda: Coupon.objects.none() or Step.objects.all().delete(),
    ):
        with pytest.raises(Exception, match="Cannot|cannot|pgtrigger"), transaction.atomic():
            change()
