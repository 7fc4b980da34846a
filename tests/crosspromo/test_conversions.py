"""The hourly matrix: true against a count by hand, replaced and not added, late redemptions in."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.core import clickhouse
from apps.coupons.models import Coupon
from apps.coupons.services import expire_due
from apps.crosspromo import figures
from apps.crosspromo.models import Run, Version
from apps.crosspromo.services import (
    calculate_winwin_index,
    fix_scale,
    recompute_conversions,
    undo_chain_trigger,
    win_win_matrix,
)
from apps.crosspromo.tasks import recompute_matrix
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(db: None) -> Any:
    return BusinessFactory(name="Миндаль"), BusinessFactory(name="Лисичкино", category="gastro")


def guests(start: Any, end: Any, count: int) -> None:
    """`count` guests buy at `start`; who got a coupon uses it at `end`, every third of the held out
    comes without."""
    for n in range(count):
        member = UserFactory()
        sale(business=start, member=member, amount="1000")
        coupon = Coupon.objects.filter(member=member, state="active").first()
        if coupon:
            sale(business=end, member=member, amount="2000", coupon_codes=[coupon.code])
        elif n % 3 == 0:
            sale(business=end, member=member, amount="500")


def soon() -> Any:
    return timezone.now() + timedelta(minutes=1)


def later() -> Any:
    """When every exposure of the test is over."""
    return timezone.now() + timedelta(days=31)


def test_counters_are_true(facts, places):
    start, end = places
    chain(step(start, end, fee=Decimal(10)), holdout_percent=50)
    guests(start, end, 20)
    arms = list(Run.objects.values_list("arm", flat=True))

    recompute_conversions(at=soon())

    cells = figures.cells(at=later())
    treated, control = cells[start.pk, end.pk, "treated"], cells[start.pk, end.pk, "control"]
    assert (treated.exposed, control.exposed) == (arms.count("treated"), arms.count("control"))
    assert treated.converted == treated.exposed
    assert treated.revenue == 1500 * treated.exposed
    assert (treated.discount, treated.cost_to) == (500 * treated.exposed,) * 2
    assert (treated.cost_from, treated.fee) == (0, 10 * treated.exposed)
    assert control.converted < control.exposed
    assert (control.discount, control.revenue) == (0, 500 * control.converted)


def test_recomputing_replaces(facts, places):
    start, end = places
    chain(step(start, end))
    guests(start, end, 3)

    for minute in range(3):
        recompute_conversions(at=soon() + timedelta(minutes=minute))

    assert figures.cells(at=later())[start.pk, end.pk, "treated"].exposed == 3


def test_a_late_redemption_and_a_return_are_in(facts, places, member):
    start, end = places
    chain(step(start, end))
    bought = sale(business=start, member=member)
    recompute_conversions(at=soon())
    before = figures.cells(at=later())[start.pk, end.pk, "treated"]
    Run.objects.update(at=timezone.now() - timedelta(days=20))
    code = Coupon.objects.get(member=member).code
    sale(business=end, member=member, coupon_codes=[code])

    recompute_conversions(at=soon())
    after = figures.cells(at=later())[start.pk, end.pk, "treated"]
    undo_chain_trigger(sale_id=bought.pk, at=timezone.now())
    recompute_conversions(at=soon() + timedelta(minutes=1))
    undone = figures.cells(at=later())[start.pk, end.pk, "treated"]

    assert (before.exposed, before.converted) == (1, 0)
    # The exposure moved to another hour by the test's own hand: the first hour still stands.
    assert (after.exposed, after.converted) == (2, 1)
    assert undone.exposed == 1


def test_one_exposure_of_a_guest_in_a_window(facts, places, member):
    start, end = places
    chain(step(start, end), cooldown_days=0)
    for _ in range(3):
        sale(business=start, member=member)

    recompute_conversions(at=soon())

    cell = figures.cells(at=later())[start.pk, end.pk, "treated"]
    assert (Run.objects.count(), cell.exposed, cell.returned) == (3, 1, 1)


def test_the_level_before_the_chain(facts, places):
    start, end = places
    at = timezone.now()
    for n in range(6):
        member = UserFactory()
        sale(business=start, member=member, occurred_at=at - timedelta(days=60))
        if n < 2:
            sale(business=end, member=member, occurred_at=at - timedelta(days=50))
        elif n < 4:
            sale(business=end, member=member, occurred_at=at - timedelta(days=20))
    chain(step(start, end))

    recompute_conversions(at=soon())

    before = figures.cells(at=later())[start.pk, end.pk, "before"]
    assert (before.exposed, before.converted) == (6, 2)


def test_no_member_is_in_clickhouse(facts, places):
    names = clickhouse.read(
        "test.columns", "SELECT name FROM system.columns WHERE table = 'cross_promo_conversions'"
    )

    assert names
    assert not [name for (name,) in names if "member" in name or "user" in name]


def test_figures_are_the_same_without_clickhouse(facts, places, monkeypatch):
    start, end = places
    chain(step(start, end), holdout_percent=50)
    guests(start, end, 8)
    at = later()
    recompute_conversions(at=soon())
    kept = figures.cells(at=at)

    def down(*_: Any, **__: Any) -> None:
        raise clickhouse.Unavailable

    monkeypatch.setattr(clickhouse, "read", down)
    monkeypatch.setattr(clickhouse, "insert", down)

    assert figures.cells(at=at) == kept
    assert recompute_matrix() == 0
    assert calculate_winwin_index(start, end) == 0.0


def test_a_pair_that_both_sides_gain_from(facts, places, owner):
    start, end = places
    chain(
        step(start, end, value=Decimal(10)),
        step(end, start, value=Decimal(10)),
        topology="mutual",
        holdout_percent=30,
        depth_limit=1,
    )
    mine = staff_of(start, role="business_owner")
    for one, two in (places, places[::-1]):
        for n in range(60):
            member = UserFactory()
            sale(business=one, member=member)
            got = Coupon.objects.filter(member=member).exists()
            # Chance holds people out: the gain is wide enough to be seen in any draw.
            if got or n % 10 == 0:
                sale(business=two, member=member)
    recompute_conversions(at=timezone.now())
    fresh = win_win_matrix(by=mine, at=timezone.now())

    [pair] = win_win_matrix(by=mine, at=later())

    assert pair.index.words in ("proven", "likely")
    assert pair.index.value > 0
    assert fresh == []  # every guest still may come
    with time_machine.travel(later()):
        there, back = calculate_winwin_index(*places), calculate_winwin_index(*places[::-1])
    assert there == pytest.approx(back)
    assert there == pytest.approx(pair.index.value, rel=0.01)
    assert win_win_matrix(by=owner, at=later()) == []


def test_clinics_stand_in_no_owners_matrix(facts, places):
    start, _end = places
    clinic = BusinessFactory(category="medical")
    chain(step(start, clinic))
    sale(business=start)
    recompute_conversions(at=soon())

    assert win_win_matrix(by=staff_of(start, role="business_owner"), at=later()) == []
    assert win_win_matrix(by=staff_of(clinic, role="business_owner"), at=later()) == []


def test_the_yardstick_stays_for_a_quarter(facts, places):
    at = timezone.now()

    first, second = fix_scale(at=at), fix_scale(at=at + timedelta(seconds=5))

    assert first == second
    assert first.unit == Decimal("0.05")
    assert Version.objects.count() == 0
    assert expire_due(at=at) == 0
