"""Badges: reached by what happened, given once a period, taken back after a return."""

from datetime import date, timedelta
from decimal import Decimal as D
from io import StringIO

import hypothesis.strategies as st
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from apps.core import outbox
from apps.core.facts import CheckedIn
from apps.core.models import Message
from apps.loyalty import badge_rules, queries, services
from apps.loyalty.models import Badge, BadgeAward, Journal
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale
from tests.loyalty.test_services import earn
from tests.threads import race


def held(member):
    rows = BadgeAward.objects.filter(member=member, revoked_at__isnull=True)
    return set(rows.values_list("badge_id", "period"))


# --- rules ---------------------------------------------------------------------------------------
def reach(purchases, born=None):
    return badge_rules.reached(purchases=purchases, marks={}, friends=0, born=born)


def test_five_partners_count_within_one_quarter():
    days = [date(2026, 3, 31), *[date(2026, 4, n) for n in (1, 2, 3, 4)]]
    found = reach([(f"p{n}", day) for n, day in enumerate(days)])

    assert (found["whole_circle", "2026Q1"], found["whole_circle", "2026Q2"]) == (1, 4)


def test_months_in_a_row_go_over_the_new_year():
    months = [(2025, 11), (2025, 12), (2026, 1), (2026, 3)]
    assert reach([("p", date(y, m, 5)) for y, m in months])["half_year", ""] == 3


def test_a_birthday_at_the_turn_of_the_year_counts_for_its_own_year():
    found = reach([("p", date(2026, 12, 30))], born=date(1990, 1, 2))
    assert found["birthday_visit", "2027"] == 1


places = st.sampled_from(["a", "b", "c", "d", "e"])
bought = st.lists(st.tuples(places, st.dates(date(2025, 1, 1), date(2026, 12, 31))), max_size=12)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rows=bought, more=bought, order=st.randoms())
def test_order_does_not_matter_and_more_purchases_never_reach_less(rows, more, order):
    shuffled = list(rows)
    order.shuffle(shuffled)

    assert reach(rows) == reach(shuffled)
    after = reach(rows + more)
    assert all(after[key] >= count for key, count in reach(rows).items())


# --- awards --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_there_are_ten_in_both_languages(api, member):
    for language in ("ru", "en"):
        headers = {"Accept-Language": language}
        rows = api.as_(member).get("/loyalty/badges", **headers).json()["data"]
        assert len({row["name"] for row in rows}) == 10
        assert rows[0]["name"] == {"ru": "Первая встреча", "en": "First meeting"}[language]


@pytest.mark.django_db
def test_a_first_purchase_is_rewarded_once_by_the_network(member, business, at):
    sale(member=member, business=business)

    judged = [services.judge_badges(member_id=member.pk, at=at) for _ in range(3)]

    assert judged == [(1, 0), (0, 0), (0, 0)]
    assert held(member) == {("first_purchase", "")}
    [journal] = Journal.objects.filter(kind="reward")
    assert (journal.amount, journal.business.is_network) == (5_000, True)
    assert Message.objects.filter(topic="BadgeEarned").count() == 1
    assert queries.ledger_faults() == {}


@pytest.mark.django_db
def test_a_return_takes_the_badge_and_its_bonus_and_a_new_purchase_gives_them_again(
    member, business, at
):
    first = sale(member=member, business=business)
    services.judge_badges(member_id=member.pk, at=at)
    earned = Journal.objects.get(scope="earn", key=str(first.pk))

    services.claw_back(journal_id=earned.pk, returned=D("999.99"), key="1", at=at)
    assert services.judge_badges(member_id=member.pk, at=at) == (0, 0)
    services.claw_back(journal_id=earned.pk, returned=D("0.01"), key="2", at=at)
    assert services.judge_badges(member_id=member.pk, at=at) == (0, 1)
    assert (held(member), queries.balance_of(member.pk, at=at).available) == (set(), D("0.00"))

    sale(member=member, business=business)
    services.judge_badges(member_id=member.pk, at=at)
    assert BadgeAward.objects.get().times == 2
    assert queries.balance_of(member.pk, at=timezone.now()).available == D("100.00")
    assert queries.ledger_faults() == {}


@pytest.mark.django_db
def test_events_count_once_each_and_are_not_taken_back(member, at):
    for n in (1, 1, 2, 3):
        outbox.publish(
            CheckedIn(
                event_id=f"event-{n}",
                registration_id="r",
                member_id=str(member.pk),
                business_id=None,
                at=at.isoformat(),
            )
        )
    outbox.drain()

    assert held(member) == {("events", "")}
    assert Journal.objects.get(kind="reward").amount == 15_000


@pytest.mark.django_db
def test_a_rebuild_gives_the_same(member, at):
    for n in range(5):
        sale(member=member, business=BusinessFactory(), occurred_at=at - timedelta(days=n))
    services.judge_badges(member_id=member.pk, at=at)
    before = held(member)
    BadgeAward.objects.filter(badge_id="three_partners").update(revoked_at=at)

    said = []
    for _ in range(2):
        out = StringIO()
        call_command("rebuild_badges", stdout=out)
        said.append(out.getvalue().strip())

    assert said == ["given 1, taken back 0", "given 0, taken back 0"]
    assert held(member) == before
    assert {"first_purchase", "three_partners"} <= {badge for badge, _period in before}


@pytest.mark.django_db(transaction=True)
def test_forty_judges_give_one_award(member, business):
    at = timezone.now()
    earn(member, business, at=at)  # without a fact that a worker would hear first

    outcomes = race(40, lambda n: services.judge_badges(member_id=member.pk, at=at))

    assert sorted(outcomes) == [(0, 0)] * 39 + [(1, 0)]
    assert Journal.objects.filter(kind="reward").count() == 1


@pytest.mark.django_db
def test_progress_costs_the_same_however_much_she_did(api, member, business):
    me = api.as_(member)
    me.get("/loyalty/badges")
    with CaptureQueriesContext(connection) as empty:
        me.get("/loyalty/badges")
    for _ in range(9):
        sale(member=member, business=business)
    services.judge_badges(member_id=member.pk, at=timezone.now())
    with CaptureQueriesContext(connection) as full:
        rows = {row["code"]: row for row in me.get("/loyalty/badges").json()["data"]}

    assert len(empty) == len(full)
    assert (rows["regular"]["progress"], rows["regular"]["target"]) == (9, 10)
    assert (rows["first_purchase"]["earned"], rows["first_purchase"]["progress"]) == (True, 1)
    assert Badge.objects.count() == 10
