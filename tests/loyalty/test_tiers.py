"""Up at once, down one step after 30 days of grace; the same answer whenever it is asked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import StatusTier, TierChange, User
from apps.accounts.services import set_tier_by_hand, update_tier_row
from apps.loyalty import services, tier_queries
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
REASON = "решение совета клуба"


def fresh(member):
    return User.objects.select_related("tier").get(pk=member.pk)


def tier_of(member):
    return fresh(member).tier.code


def after(days):
    return START + timedelta(days=days)


def paid(member, business, rub, *, at=START, key="k"):
    earned = earn(member, business, rub, at=at, key=key)
    services.update_status_tier(member, at=at)
    return earned


def night(days):
    """00:05 in Moscow, `days` after the day of START."""
    return datetime(2026, 3, 9, 21, 5, tzinfo=UTC) + timedelta(days=days)


def change_terms(code, at, **changes):
    update_tier_row(
        tier=StatusTier.objects.get(code=code),
        changes=changes,
        by=UserFactory(job="admin"),
        reason=REASON,
        at=at,
    )


def test_money_leaves_the_window_after_365_days_and_grace_is_30_more(member, business):
    paid(member, business, "60000.00")

    standing = tier_queries.standing_of(member, at=START)
    kept = [services.move_tiers(at=night(days)) for days in (365, 394)]
    moved = services.move_tiers(at=night(395))

    assert standing.keep_until == datetime(2027, 4, 8, 21, tzinfo=UTC)  # 9 April in Moscow
    assert (kept, moved, tier_of(member)) == ([0, 0], 1, "insider")
    assert services.move_tiers(at=night(395)) == 0
    assert TierChange.objects.last().reason == "fell_short"


def test_the_clock_and_a_purchase_give_one_answer(member, business):
    paid(member, business, "60000.00")
    other = UserFactory()
    paid(other, business, "60000.00", key="o")

    services.move_tiers(at=night(400))
    by_event = services.update_status_tier(fresh(other), at=night(400))

    assert by_event.code == tier_of(member) == "insider"


def test_down_goes_one_step_and_the_next_step_has_its_own_grace(member, business):
    paid(member, business, "100000.00", key="a")
    paid(member, BusinessFactory(), "100000.00", key="b")
    seen = []
    for days in (394, 395, 396, 424, 425):
        services.move_tiers(at=night(days))
        seen.append(tier_of(member))

    assert seen == ["elite", "vip", "vip", "vip", "insider"]


def test_paying_in_the_grace_keeps_the_tier(member, business):
    paid(member, business, "60000.00")
    paid(member, business, "60000.00", at=after(380), key="late")

    assert services.move_tiers(at=night(400)) == 0
    assert tier_of(member) == "vip"


@pytest.mark.parametrize(("returned", "left"), [("1.00", "59999.00"), ("60000.00", "0.00")])
def test_a_return_takes_money_from_the_window_and_never_the_grace(returned, left, member, business):
    earned = paid(member, business, "60000.00")
    services.claw_back(journal_id=earned.journal_id, returned=D(returned), key="r", at=after(3))
    same_day = services.update_status_tier(member, at=after(3))

    assert same_day.code == "vip"
    assert tier_queries.standing_of(member, at=after(3)).spent == D(left)
    assert services.move_tiers(at=night(32)) == 0
    assert services.move_tiers(at=night(33)) == 1


def test_a_returned_purchase_is_no_partner(member, business, at):
    earn(member, business, "200000.00", at=at, key="a")
    small = earn(member, BusinessFactory(), "1.00", at=at, key="b")
    services.claw_back(journal_id=small.journal_id, returned=D("1.00"), key="r", at=at)

    assert services.update_status_tier(member, at=at).code == "vip"


def test_an_old_purchase_takes_its_return_along(member, business):
    old = earn(member, business, "50000.00", at=after(-370), key="old", posted_at=START)
    paid(member, business, "60000.00")

    services.claw_back(journal_id=old.journal_id, returned=D("50000.00"), key="r", at=after(1))

    assert tier_queries.standing_of(member, at=after(1)).spent == D("60000.00")


def test_a_dearer_table_never_shortens_what_was_paid_for(member, business):
    paid(member, business, "60000.00")
    change_terms("vip", after(10), threshold=D("90000.00"))
    newcomer = UserFactory()
    paid(newcomer, business, "60000.00", at=after(11), key="n")

    assert tier_of(newcomer) == "insider"
    assert services.move_tiers(at=night(394)) == 0
    assert services.move_tiers(at=night(395)) == 1


def test_a_cheaper_table_lifts_at_the_next_evaluation(member, business):
    paid(member, business, "40000.00")
    change_terms("vip", after(1), threshold=D("30000.00"))

    assert tier_of(member) == "insider"
    assert services.move_tiers(at=night(2)) == 1
    assert tier_of(member) == "vip"


def test_a_tier_set_by_hand_stays_until_its_day_and_then_has_a_grace(member, business):
    admin = UserFactory(job="admin")
    until = night(60) - timedelta(minutes=5)
    set_tier_by_hand(user=member, code="vip", until=until, by=admin, reason=REASON, at=START)
    paid(member, business, "200000.00", at=after(1), key="a")
    paid(member, BusinessFactory(), "1.00", at=after(1), key="b")

    assert tier_of(member) == "vip"  # neither purchases nor the clock move her
    assert services.move_tiers(at=night(60)) == 1
    assert tier_of(member) == "elite"

    idle = UserFactory()
    set_tier_by_hand(user=idle, code="vip", until=until, by=admin, reason=REASON, at=START)
    assert tier_queries.standing_of(idle, at=after(1)).keep_until == until + timedelta(days=30)
    services.move_tiers(at=night(90))
    assert tier_of(idle) == "insider"


def test_inner_circle_is_left_by_nobody_without_an_end(member):
    set_tier_by_hand(
        user=member,
        code="inner_circle",
        until=None,
        by=UserFactory(job="admin"),
        reason=REASON,
        at=START,
    )

    assert services.move_tiers(at=night(2000)) == 0
    assert tier_queries.standing_of(member, at=START).keep_until is None


def test_money_never_leads_into_the_inner_circle(member, business):
    paid(member, business, "9000000.00", key="a")
    paid(member, BusinessFactory(), "9000000.00", key="b")

    assert tier_of(member) == "elite"


def test_a_purchase_costs_one_statement_of_the_tiers(member, business, at):
    paid(member, business, "70000.00", at=at)

    with (
        CaptureQueriesContext(
            connection,
        ) as asked,
        transaction.atomic(),
    ):
        services.update_status_tier(member, at=at)

    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) == 1


@pytest.mark.parametrize("members", [1, 5])
def test_the_night_costs_the_same_for_any_number_that_stays(members, business):
    for n in range(members):
        paid(UserFactory(), business, "60000.00", key=str(n))

    with CaptureQueriesContext(connection) as asked:
        services.move_tiers(at=night(380))  # all in their grace: payments are looked at

    # the table of tiers, a page, payments, former terms, the empty page
    assert len(asked) == 5, [one["sql"][:200] for one in asked]


def test_the_status_says_how_long_the_tier_lasts(api, member, business, at):
    paid(member, business, "60000.00", at=at)

    data = api.as_(fresh(member)).get("/loyalty/status").json()["data"]

    assert (data["tier"]["code"], data["spentInWindow"], data["toNext"]) == (
        "vip",
        "60000.00",
        "120000.00",
    )
    assert data["keepUntil"].endswith("T21:00:00Z")
    assert data["toKeep"] == "60000.00"
    assert data["tier"]["benefits"] == ["7 % бонусами с каждой оплаты", "Можно предлагать события"]
