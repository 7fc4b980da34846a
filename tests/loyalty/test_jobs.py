"""The clock: in order, once, resumable."""

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import Message
from apps.loyalty import rules, services, tasks, tier_rules
from apps.loyalty.models import Lot, Notice
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db


def told(topic):
    return [one.payload for one in Message.objects.filter(topic=topic).order_by("created_at")]


def test_the_night_wakes_moves_tiers_and_expires_in_this_order(monkeypatch):
    seen = []
    for name in ("wake_due", "move_tiers", "expire_due"):
        real = getattr(services, name)

        def noted(*, at: datetime, name=name, real=real) -> int:
            seen.append(name)
            return real(at=at)

        monkeypatch.setattr(services, name, noted)

    tasks.nightly()

    assert seen == ["wake_due", "move_tiers", "expire_due"]


def test_the_night_does_it_all_and_twice_is_once(business):
    now = timezone.now()
    woken, fallen, lapsed = UserFactory(), UserFactory(), UserFactory()
    slow = BusinessFactory(pending_days=1)
    earn(woken, slow, at=now - timedelta(days=2), posted_at=now - timedelta(days=2), key="w")
    User.objects.filter(pk=fallen.pk).update(joined_at=now - timedelta(days=40), tier=2)
    earn(lapsed, business, at=now - timedelta(days=100), posted_at=now, key="l")

    for _ in range(2):
        tasks.nightly()

    assert Lot.objects.get(wallet=woken.pk).available == 5000
    assert User.objects.get(pk=fallen.pk).tier.code == "insider"
    assert Lot.objects.get(wallet=lapsed.pk).expired == 5000


@pytest.mark.parametrize("job", [services.expire_due, services.wake_due])
def test_a_sweep_with_triggers_off_stops(job, member, at):
    earn(member, BusinessFactory(pending_days=14), at=at, key="a")
    earn(member, BusinessFactory(), at=at, key="b")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loyalty_posting DISABLE TRIGGER USER")

    with pytest.raises(services.BooksUnguarded):
        job(at=at + timedelta(days=200))


def test_expiry_is_told_14_and_3_days_before_and_each_once(member, business, at):
    earn(member, business, at=at, key="a")
    earn(member, business, "500.00", at=at, key="b")  # the same day: one warning
    lapse = Lot.objects.first().expires_at

    seen = []
    for days in (15, 14, 14, 13, 4, 3, 1, 0):
        moment = lapse - timedelta(days=days) + timedelta(hours=11)
        seen.append(services.warn_of_expiry(at=moment))

    assert seen == [0, 1, 0, 0, 0, 1, 0, 0]
    assert [(one["days_left"], one["amount"]) for one in told("BonusesExpiring")] == [
        (14, "75.00"),
        (3, "75.00"),
    ]


def test_a_late_job_tells_the_stage_that_is_due(member, business, at):
    earn(member, business, at=at)
    lapse = Lot.objects.get().expires_at

    assert services.warn_of_expiry(at=lapse - timedelta(days=2)) == 1
    assert [one["days_left"] for one in told("BonusesExpiring")] == [3]


def test_what_was_spent_is_not_warned_of(member, business, at):
    earn(member, business, at=at)
    services.spend_bonus(member=member, business=business, amount=D("50.00"), key="s", at=at)

    assert services.warn_of_expiry(at=Lot.objects.get().expires_at - timedelta(days=2)) == 0


def test_warnings_of_many_pages_are_all_told(business, at, monkeypatch):
    monkeypatch.setattr("apps.loyalty.services.warnings.PAGE", 2)
    for n in range(5):
        earn(UserFactory(), business, at=at, key=str(n))

    assert services.warn_of_expiry(at=Lot.objects.first().expires_at - timedelta(days=2)) == 5


def test_a_falling_tier_is_told_60_30_and_7_days_before(member, business, at):
    earn(member, business, "60000.00", at=at)
    services.update_status_tier(member, at=at)
    falls = tier_rules.midnight(tier_rules.day_of(at) + timedelta(days=395))

    seen = []
    for days in (61, 60, 60, 31, 30, 8, 7, 1):
        seen.append(services.warn_of_tiers(at=falls - timedelta(days=days) + timedelta(hours=11)))

    assert seen == [0, 1, 0, 0, 1, 0, 1, 0]
    last = told("TierAtRisk")[-1]
    assert (last["tier"], last["falls_to"], last["to_keep"], last["days_left"]) == (
        "vip",
        "insider",
        "60000.00",
        7,
    )
    assert datetime.fromisoformat(last["falls_at"]) == falls
    assert Notice.objects.count() == 3


def test_whoever_is_safe_is_not_frightened(member, business, at):
    earn(member, business, "60000.00", at=at)
    services.update_status_tier(member, at=at)

    assert services.warn_of_tiers(at=at) == 0
    assert rules.EXPIRY_WARN_DAYS == (14, 3)
