from datetime import timedelta

import pytest

from apps.accounts import queries, services
from apps.accounts.models import StatusTier, TierChange, TierVersion
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def tier(code):
    return StatusTier.objects.get(code=code)


def move(member, code, at):
    services.change_tier(member_id=member.pk, tier=tier(code), reason="reached", at=at)
    member.refresh_from_db()


def test_the_tier_of_a_past_day_is_known(member, at, django_assert_num_queries):
    move(member, "vip", at - timedelta(days=20))
    move(member, "elite", at - timedelta(days=10))

    seen = [queries.terms_of(member, at=at - timedelta(days=n)).code for n in (30, 20, 15, 10, 0)]

    assert seen == ["insider", "vip", "vip", "elite", "elite"]
    with django_assert_num_queries(0):  # the present costs nothing
        queries.terms_of(member, at=at)


def test_a_change_of_terms_keeps_the_old_ones(at):
    admin, member = UserFactory(job="admin"), UserFactory(tier_code="vip")
    changed = {"rate_bp": 800}

    services.update_tier_row(
        tier=tier("vip"), changes=changed, by=admin, reason="новые условия года", at=at
    )
    member = type(member).objects.select_related("tier").get(pk=member.pk)

    assert queries.terms_of(member, at=at).rate_bp == 800
    assert queries.terms_of(member, at=at - timedelta(seconds=1)).rate_bp == 700
    old = TierVersion.objects.get()
    assert (old.rate_bp, old.until, old.replaced_by) == (700, at, admin)


def test_terms_replaced_twice_are_told_apart(at):
    admin, member = UserFactory(job="admin"), UserFactory(tier_code="vip")
    for days, rate in ((20, 800), (10, 900)):
        services.update_tier_row(
            tier=tier("vip"),
            changes={"rate_bp": rate},
            by=admin,
            reason="новые условия года",
            at=at - timedelta(days=days),
        )
    member = type(member).objects.select_related("tier").get(pk=member.pk)

    seen = [queries.terms_of(member, at=at - timedelta(days=n)).rate_bp for n in (30, 15, 5)]
    assert seen == [700, 800, 900]


def test_moving_to_the_same_tier_leaves_no_trace(member, at):
    move(member, "insider", at)

    assert not TierChange.objects.exists()
