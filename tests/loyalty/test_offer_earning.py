"""What offers add to a purchase, who pays for it, and what a return takes back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from apps.businesses.queries import network
from apps.loyalty import queries, services
from apps.loyalty.models import Counter, Debt, Journal, Lot, OfferUse, SegmentEntry
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.offers import offer_of
from tests.factories.transactions import sale
from tests.loyalty.test_services import earn
from tests.threads import race

pytestmark = pytest.mark.django_db
TUESDAY = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)  # 12:30 in Moscow


def always(business, **terms):
    """In force long before and after TUESDAY."""
    return offer_of(
        business,
        starts_at=TUESDAY - timedelta(days=40),
        ends_at=TUESDAY + timedelta(days=400),
        **terms,
    )


@pytest.mark.parametrize(
    ("terms", "bonus"),
    [
        ({"kind": "multiplier", "value": D("2")}, "123.45"),  # 61.7275 × 2 rounded down once
        ({"kind": "percent", "value": D("3")}, "98.76"),  # 61.7275 + 37.0365
        ({"kind": "fixed", "value": D("300")}, "361.72"),
    ],
)
def test_each_kind_adds_and_is_rounded_down_once(terms, bonus, member, business, at):
    offer_of(business, **terms)

    earned = earn(member, business, "1234.55", at=at)

    assert earned.amount == D(bonus)
    assert Lot.objects.get().amount == int(D(bonus) * 100)
    assert queries.ledger_faults() == {}


def test_multipliers_percents_and_fixed_numbers_add_up(member, business, at):
    offer_of(business, kind="multiplier", value=D("1.5"), priority=5)
    offer_of(business, kind="fixed", value=D("10"), priority=50)
    offer_of(network(), kind="percent", value=D("1"), priority=7)
    offer_of(network(), kind="multiplier", value=D("2"), priority=1)

    # 1000 × 5 % × 1.5 × 2 + 1 % of 1000 + 10
    assert earn(member, business, "1000.00", at=at).amount == D("170.00")


def test_of_an_exclusive_group_the_highest_priority_applies(member, business, at):
    offer_of(business, value=D("2"), exclusive_group="ноябрь", priority=10)
    offer_of(business, value=D("3"), exclusive_group="ноябрь", priority=20)

    shown = services.foresee(member=member, business=business, paid=D("1000.00"), at=at)

    assert shown.bonus == D("150.00")
    assert [(one.rule.priority, one.why) for one in shown.verdicts] == [
        (20, ""),
        (10, "exclusive_group"),
    ]


@pytest.mark.parametrize(
    ("terms", "applies"),
    [
        ({"tiers": ["vip"]}, False),
        ({"tiers": ["insider", "vip"]}, True),
        ({"weekdays": [2]}, True),
        ({"weekdays": [1, 3]}, False),
        ({"hour_from": 12, "hour_to": 13}, True),  # the business's clock: UTC says 9
        ({"hour_from": 9, "hour_to": 12}, False),
        ({"hour_from": 22, "hour_to": 2}, False),
        ({"hour_from": 22, "hour_to": 13}, True),
        ({"categories": ["salon"]}, True),
        ({"categories": ["окрашивание"]}, True),
        ({"categories": ["gastro"]}, False),
        ({"min_amount": D("1000.00")}, True),
        ({"min_amount": D("1000.01")}, False),
        ({"segment": "sleeping"}, False),
        ({"segment": "loyal"}, True),
    ],
)
def test_conditions(terms, applies, member, business):
    always(business, **terms)
    SegmentEntry.objects.create(code="loyal", member=member)

    earned = services.earn_for_purchase(
        member=member,
        business=business,
        paid=D("1000.00"),
        key="k",
        occurred_at=TUESDAY,
        posted_at=TUESDAY,
        categories=["окрашивание"],
    )

    assert earned.amount == (D("100.00") if applies else D("50.00"))


def test_the_clock_is_that_of_the_business(member):
    vladivostok = BusinessFactory(zone="Asia/Vladivostok")  # 19:30 there
    always(vladivostok, hour_from=19, hour_to=20)

    assert earn(member, vladivostok, at=TUESDAY).amount == D("100.00")


def test_the_first_purchase_counts_once_and_by_its_own_day(member, business):
    always(business, first_purchase=True)

    first = earn(member, business, at=TUESDAY, key="1")
    second = earn(member, business, at=TUESDAY + timedelta(hours=1), key="2")
    older = earn(member, business, at=TUESDAY - timedelta(days=1), key="3")

    # the late receipt is older, but the offer was given already
    assert [one.amount for one in (first, second, older)] == [D("100.00"), D("50.00"), D("50.00")]


def test_every_third_purchase(member, business):
    always(business, every_nth=3)

    amounts = [
        earn(member, business, at=TUESDAY + timedelta(hours=n), key=str(n)).amount for n in range(6)
    ]

    assert amounts == [D("50.00"), D("50.00"), D("100.00")] * 2


@pytest.mark.parametrize(
    ("born", "day", "applies"),
    [
        (date(1990, 11, 17), TUESDAY, True),
        (date(1990, 11, 20), TUESDAY, True),
        (date(1990, 11, 21), TUESDAY, False),
        (date(1990, 1, 2), datetime(2026, 12, 31, 9, tzinfo=UTC), True),
        (date(1992, 2, 29), datetime(2027, 2, 25, 9, tzinfo=UTC), True),
        (date(1992, 2, 29), datetime(2027, 3, 4, 9, tzinfo=UTC), False),
        (None, TUESDAY, False),
    ],
)
def test_around_the_birthday(born, day, applies, member, business):
    always(business, birthday_days=3)
    if born:
        member.set_birth_date(born)
        member.save()

    assert earn(member, business, at=day).amount == (D("100.00") if applies else D("50.00"))


def test_the_birthday_comes_once_a_year(member, business):
    always(business, birthday_days=3)
    member.set_birth_date(date(1990, 1, 1))
    member.save()
    days = [datetime(2026, 12, 30, 9, tzinfo=UTC), datetime(2027, 1, 2, 9, tzinfo=UTC)]

    amounts = [earn(member, business, at=day, key=str(day)).amount for day in days]

    assert amounts == [D("100.00"), D("50.00")]
    assert OfferUse.objects.get().once_key.endswith(":2027")


# --- time ----------------------------------------------------------------------------------------
def test_a_late_receipt_earns_by_the_rule_of_its_moment(member, business, at):
    offer = offer_of(business, value=D("2"))
    services.edit_offer(offer_id=offer.pk, changes={"value": D("5")}, by=None, at=at)
    services.pause_offer(offer_id=offer.pk, by=None, at=at + timedelta(minutes=10))
    booked = at + timedelta(hours=1)

    amounts = [
        earn(member, business, at=moment, key=str(moment), posted_at=booked).amount
        for moment in (at - timedelta(minutes=1), at, at + timedelta(minutes=10))
    ]

    assert amounts == [D("100.00"), D("250.00"), D("50.00")]
    assert Journal.objects.order_by("occurred_at")[0].rule["offers"][0]["number"] == 1


def test_an_offer_begins_and_ends_to_the_microsecond(member, business, at):
    offer_of(business, starts_at=at, ends_at=at + timedelta(days=1))
    tick = timedelta(microseconds=1)

    moments = [at - tick, at, at + timedelta(days=1) - tick, at + timedelta(days=1)]
    amounts = [earn(member, business, at=one, key=str(one)).amount for one in moments]

    assert amounts == [D("50.00"), D("100.00"), D("100.00"), D("50.00")]


def test_a_replay_answers_as_the_first_time_though_the_offer_was_used(member, business, at):
    offer_of(business, first_purchase=True)

    first = earn(member, business, at=at)
    again = earn(member, business, at=at)

    assert (again.journal_id, again.amount, again.replayed) == (
        first.journal_id,
        D("100.00"),
        True,
    )
    assert (Lot.objects.count(), OfferUse.objects.count()) == (1, 1)
    with pytest.raises(services.KeyReused):
        earn(member, business, "999.00", at=at)


# --- who pays ------------------------------------------------------------------------------------
def test_each_funder_has_a_lot_and_the_odd_kopeck_goes_to_the_first(member, business, at):
    cafe = BusinessFactory()
    offer_of(
        business,
        kind="fixed",
        value=D("0.05"),
        funders=[(cafe.pk, 5000), (network().pk, 5000)],
    )

    earn(member, business, "1000.00", at=at)

    lots = {lot.issuer_id: lot.amount for lot in Lot.objects.all()}
    assert lots == {business.pk: 5000, cafe.pk: 3, network().pk: 2}
    assert queries.ledger_faults() == {}


@pytest.mark.parametrize(
    "parts", [["1234.55"], ["0.01"] * 5 + ["1234.50"], ["411.51"] * 3 + ["0.02"]]
)
def test_any_split_of_a_return_takes_the_same_from_all_lots(parts, member, business, at):
    cafe = BusinessFactory()
    offer_of(business, value=D("1.37"), funders=[(cafe.pk, 3333), (business.pk, 6667)], priority=9)
    offer_of(network(), kind="percent", value=D("1.11"), min_amount=D("500"), priority=5)
    offer_of(business, kind="fixed", value=D("77"), cap_member=D("33.33"), priority=1)
    earned = earn(member, business, "1234.55", at=at)

    taken = [
        services.claw_back(journal_id=earned.journal_id, returned=D(part), key=str(n), at=at).amount
        for n, part in enumerate(parts)
    ]

    assert earned.amount == D("131.60")
    assert (sum(taken), min(taken) >= 0) == (earned.amount, True)
    assert [lot.revoked == lot.amount for lot in Lot.objects.all()] == [True] * 3
    assert queries.ledger_faults() == {}


def test_a_return_reckons_by_the_rule_of_that_day(member, business, at):
    offer = offer_of(business, value=D("2"))
    earned = earn(member, business, "1000.00", at=at)
    services.edit_offer(offer_id=offer.pk, changes={"value": D("9")}, by=None, at=at)

    back = services.claw_back(journal_id=earned.journal_id, returned=D("400"), key="r", at=at)

    assert back.amount == D("40.00")


def test_what_is_left_below_the_least_sum_keeps_only_the_cashback(member, business, at):
    offer_of(business, kind="fixed", value=D("100"), min_amount=D("800"))
    earned = earn(member, business, "1000.00", at=at)

    back = services.claw_back(journal_id=earned.journal_id, returned=D("300"), key="r", at=at)

    assert back.amount == D("115.00")


def test_spent_bonuses_of_two_funders_become_two_debts(member, business, at):
    cafe, shop = BusinessFactory(), BusinessFactory()
    offer_of(business, kind="fixed", value=D("50"), funders=[(cafe.pk, 10_000)])
    earned = earn(member, business, "1000.00", at=at)
    services.spend_bonus(member=member, business=shop, amount=D("100.00"), key="s", at=at)

    services.claw_back(journal_id=earned.journal_id, returned=D("1000"), key="r", at=at)

    debts = {debt.creditor_id: debt.amount for debt in Debt.objects.all()}
    assert debts == {business.pk: 5000, cafe.pk: 5000}
    assert queries.ledger_faults() == {}


# --- caps ----------------------------------------------------------------------------------------
def test_caps_trim_and_both_numbers_are_kept(member, business, at):
    offer = offer_of(business, budget=D("120"), cap_member=D("60"), cap_day=D("1000"))

    amounts = [earn(member, business, at=at, key=str(n)).amount for n in range(3)]
    other = earn(UserFactory(), business, "2000.00", at=at, key="other")

    # 50 + 50, then what is left for her; then what is left of the budget
    assert amounts == [D("100.00"), D("60.00"), D("50.00")]
    assert other.amount == D("160.00")
    uses = list(OfferUse.objects.order_by("id").values_list("wanted", "granted"))
    assert uses == [(5000, 5000), (5000, 1000), (5000, 0), (10000, 6000)]
    assert Counter.objects.get(scope=f"offer:{offer.pk}").used == 12000


def test_a_days_cap_opens_anew_at_midnight_of_the_business(member, business):
    always(business, cap_day=D("50"))
    evening = TUESDAY.replace(hour=20, minute=59)  # 23:59 in Moscow

    amounts = [
        earn(member, business, at=evening + timedelta(minutes=n), key=str(n)).amount
        for n in range(3)
    ]

    assert amounts == [D("100.00"), D("100.00"), D("50.00")]


@pytest.mark.django_db(transaction=True)
def test_forty_sales_never_overspend_a_budget(business):
    offer = offer_of(business, budget=D("777.77"))
    people = [UserFactory() for _ in range(40)]

    outcomes = race(40, lambda n: sale(member=people[n], business=business, amount="1000.00"))

    assert not [one for one in outcomes if isinstance(one, Exception)]
    granted = sum(use.granted for use in OfferUse.objects.all())
    assert granted == Counter.objects.get(scope=f"offer:{offer.pk}").used == 77777
    assert queries.ledger_faults() == {}


@pytest.mark.django_db(transaction=True)
def test_forty_sales_to_one_member_keep_her_cap_and_her_first_purchase(member, business):
    offer_of(business, cap_member=D("120"))
    offer_of(business, kind="fixed", value=D("7"), first_purchase=True)

    outcomes = race(40, lambda n: sale(member=member, business=business, amount="100.00").pk)

    assert len(set(outcomes)) == 40
    # 40 × 5 and 24 × 5 of the cap, and 7 once; badges come on top when their worker was quick
    earned = Lot.objects.filter(journal__kind="earn").aggregate(sum=Sum("amount"))
    assert earned["sum"] == 32_700
    assert queries.ledger_faults() == {}


# --- price ---------------------------------------------------------------------------------------
def test_an_offer_without_caps_costs_one_statement(member, business, at, django_assert_num_queries):
    earn(member, business, at=at, key="first")
    for programme in business, network():
        assert offer_of(programme, budget=None).state == "active"

    # lock, offers, journal, two lots and their postings, uses
    with django_assert_num_queries(5):
        earn(member, business, at=at, key="second")


def test_a_capped_offer_costs_three(member, business, at, django_assert_num_queries):
    earn(member, business, at=at, key="first")
    offer_of(business, cap_member=D("1000"), cap_day=D("1000"))

    # lock, offers, counters, journal, lot and posting, uses, the conditional update
    with django_assert_num_queries(7):
        earn(member, business, at=at, key="second")
