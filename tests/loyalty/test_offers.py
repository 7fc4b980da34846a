"""The offer constructor: drafts, versions, who approves, and every move between states."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.businesses.queries import network
from apps.core.errors import Forbidden, NotFound
from apps.core.models import AuditEntry
from apps.loyalty import services
from apps.loyalty.enums import OfferState
from apps.loyalty.models import (
    Counter,
    Journal,
    Lot,
    OfferConstructor,
    OfferSpan,
    OfferUse,
    OfferVersion,
)
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.offers import draft_of, offer_of
from tests.factories.transactions import sale
from tests.loyalty.test_services import earn
from tests.threads import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db):
    return UserFactory(job="admin")


def state_of(offer):
    return OfferConstructor.objects.get(pk=offer.pk).state


# --- moves ---------------------------------------------------------------------------------------
MOVES = {
    "submit": lambda offer, at, admin: services.submit_offer(offer_id=offer.pk, by=None, at=at),
    "approve": lambda offer, at, admin: services.approve_offer(offer_id=offer.pk, by=admin, at=at),
    "return": lambda offer, at, admin: services.return_offer(
        offer_id=offer.pk, by=admin, reason="бюджет не обоснован", at=at
    ),
    "pause": lambda offer, at, admin: services.pause_offer(offer_id=offer.pk, by=None, at=at),
    "resume": lambda offer, at, admin: services.resume_offer(offer_id=offer.pk, by=None, at=at),
    "end": lambda offer, at, admin: services.end_offer(offer_id=offer.pk, by=None, at=at),
}
LEGAL = {
    ("draft", "submit"): "active",
    ("draft", "end"): "ended",
    ("review", "approve"): "active",
    ("review", "return"): "draft",
    ("review", "end"): "ended",
    ("scheduled", "pause"): "paused",
    ("scheduled", "end"): "ended",
    ("active", "pause"): "paused",
    ("active", "end"): "ended",
    ("paused", "resume"): "active",
    ("paused", "end"): "ended",
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", list(OfferState))
def test_every_move_from_every_state(state, move, business, admin, at):
    offer = draft_of(business)
    OfferConstructor.objects.filter(pk=offer.pk).update(state=state)

    target = LEGAL.get((str(state), move))
    if target:
        MOVES[move](offer, at, admin)
    else:
        with pytest.raises(services.OfferWrongState), transaction.atomic():
            MOVES[move](offer, at, admin)
    assert state_of(offer) == (target or state)


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({"budget": D("100000.00")}, "active"),
        ({"budget": D("100000.01")}, "review"),
        ({"budget": None}, "review"),
    ],
)
def test_above_the_limit_a_second_person_approves(terms, state, business, at):
    offer = draft_of(business, **terms)

    assert services.submit_offer(offer_id=offer.pk, by=None, at=at).state == state


def test_somebody_elses_money_wants_a_second_person(business, at):
    offer = draft_of(business, funders=[(business.pk, 9000), (network().pk, 1000)])

    assert services.submit_offer(offer_id=offer.pk, by=None, at=at).state == "review"


def test_nobody_approves_her_own_version(business, admin, at):
    offer = draft_of(business, budget=None, by=admin)
    services.submit_offer(offer_id=offer.pk, by=admin, at=at)

    with pytest.raises(services.OwnOffer), transaction.atomic():
        services.approve_offer(offer_id=offer.pk, by=admin, at=at)
    services.approve_offer(offer_id=offer.pk, by=UserFactory(job="superadmin"), at=at)

    assert state_of(offer) == "active"
    assert AuditEntry.objects.filter(action="loyalty.offer_approve").count() == 1


def test_an_owner_approves_nothing(business, owner, at):
    offer = draft_of(business, budget=None)
    services.submit_offer(offer_id=offer.pk, by=None, at=at)

    with pytest.raises(Forbidden):
        services.approve_offer(offer_id=offer.pk, by=owner, at=at)


def test_another_partners_offer_does_not_exist(business, at):
    stranger = staff_of(BusinessFactory(), role="business_owner")
    offer = draft_of(business)

    with pytest.raises(NotFound):
        services.submit_offer(offer_id=offer.pk, by=stranger, at=at)


def test_the_clock_begins_and_ends_only_in_words(member, business, at):
    offer = draft_of(business, starts_at=at + timedelta(hours=1), ends_at=at + timedelta(hours=2))
    services.submit_offer(offer_id=offer.pk, by=None, at=at)
    inside = at + timedelta(hours=1, minutes=30)

    # the job has not run yet, the sale earns all the same
    assert state_of(offer) == "scheduled"
    assert earn(member, business, at=inside).amount == D("100.00")

    moved = [services.move_offers_by_clock(at=inside), services.move_offers_by_clock(at=inside)]
    assert (moved, state_of(offer)) == ([1, 0], "active")
    services.move_offers_by_clock(at=at + timedelta(hours=2))
    assert state_of(offer) == "ended"


def test_an_offer_whose_days_have_passed_is_not_begun(business, at):
    offer = draft_of(business, ends_at=at)

    with pytest.raises(services.OfferOver):
        services.submit_offer(offer_id=offer.pk, by=None, at=at)


@pytest.mark.django_db(transaction=True)
def test_forty_pauses_have_one_winner(business):
    offer, at = offer_of(business), timezone.now()

    outcomes = race(40, lambda n: services.pause_offer(offer_id=offer.pk, by=None, at=at))

    lost = [one for one in outcomes if isinstance(one, services.OfferWrongState)]
    assert (len(outcomes) - len(lost), len(lost)) == (1, 39)
    assert OfferSpan.objects.get().until == at


# --- versions ------------------------------------------------------------------------------------
def test_an_edit_of_an_active_offer_is_another_version(business, owner, at):
    offer = offer_of(business)

    services.edit_offer(offer_id=offer.pk, changes={"value": D("3")}, by=owner, at=at)

    versions = list(OfferVersion.objects.order_by("number").values_list("number", "value"))
    assert versions == [(1, D("2.00")), (2, D("3.00"))]
    first, second = OfferSpan.objects.order_by("since")
    assert (first.until, second.since, state_of(offer)) == (at, at, "active")


def test_an_edit_above_the_limit_stops_until_it_is_approved(member, business, owner, admin, at):
    offer = offer_of(business)

    services.edit_offer(offer_id=offer.pk, changes={"budget": None}, by=owner, at=at)
    stopped = earn(member, business, at=at, key="1").amount
    services.approve_offer(offer_id=offer.pk, by=admin, at=at + timedelta(hours=1))
    again = earn(member, business, at=at + timedelta(hours=1), key="2").amount

    assert (stopped, again) == (D("50.00"), D("100.00"))


def test_the_budget_is_the_offers_not_the_versions(member, business, at):
    offer = offer_of(business, budget=D("60"))
    earn(member, business, at=at, key="1")

    services.edit_offer(offer_id=offer.pk, changes={"name": "Иначе"}, by=None, at=at)

    assert earn(member, business, at=at, key="2").amount == D("60.00")


def test_a_priority_is_one_offers(business, at):
    offer = draft_of(business, priority=7)
    draft_of(BusinessFactory(), priority=7)

    with pytest.raises(services.PriorityTaken), transaction.atomic():
        draft_of(business, priority=7)
    other = draft_of(business)
    with pytest.raises(services.PriorityTaken), transaction.atomic():
        services.edit_offer(offer_id=other.pk, changes={"priority": 7}, by=None, at=at)
    services.end_offer(offer_id=offer.pk, by=None, at=at)
    assert (
        services.edit_offer(offer_id=other.pk, changes={"priority": 7}, by=None, at=at).priority
        == 7
    )


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"value": D("1")}, "value"),
        ({"value": D("10.01")}, "value"),
        ({"kind": "percent", "value": D("51")}, "value"),
        ({"name": " "}, "name"),
        ({"hour_from": 9}, "hour_to"),
        ({"hour_from": 9, "hour_to": 9}, "hour_to"),
        ({"weekdays": [0]}, "weekdays"),
        ({"every_nth": 1}, "every_nth"),
        ({"birthday_days": 15}, "birthday_days"),
    ],
)
def test_terms_that_make_no_offer_are_refused(terms, field, business):
    with pytest.raises(services.OfferInvalid) as refused:
        draft_of(business, **terms)
    assert list(refused.value.details) == [field]


@pytest.mark.parametrize("shares", [[5000, 4999], [10_000, 0], [12_000, -2000]])
def test_shares_are_the_whole(shares, business):
    payers = [business.pk, network().pk]

    with pytest.raises(services.OfferInvalid) as refused:
        draft_of(business, funders=list(zip(payers, shares, strict=True)))
    assert list(refused.value.details) == ["funders"]


# --- simulation ----------------------------------------------------------------------------------
def test_a_simulation_says_what_the_real_run_gives_and_writes_nothing(member, business, owner, at):
    other = UserFactory(tier_code="vip")
    past = [
        sale(member=who, business=business, amount=amount, occurred_at=at - timedelta(days=days))
        for who, amount, days in [
            (member, "1000.00", 80),
            (member, "300.00", 50),
            (other, "2000.00", 20),
            (other, "1500.00", 95),
        ]
    ]
    offer = draft_of(business, value=D("2"), min_amount=D("500"), cap_member=D("45"), by=owner)
    before = [model.objects.count() for model in (Journal, Lot, Counter, OfferUse, OfferSpan)]

    told = services.simulate_offer(offer_id=offer.pk, by=owner, at=at)

    assert (told.transactions, told.members, told.purchases) == (2, 2, 3)
    # 50 trimmed to 45, 140 trimmed to 45
    assert (told.extra_bonuses, told.cost) == (D("90.00"), D("90.00"))
    assert told.low <= told.cost <= told.high
    after = [model.objects.count() for model in (Journal, Lot, Counter, OfferUse, OfferSpan)]
    assert (after, state_of(offer), len(past)) == (before, "draft", 4)

    real = offer_of(
        business,
        min_amount=D("500"),
        cap_member=D("45"),
        starts_at=at - timedelta(days=90),
    )
    for n, (who, paid) in enumerate([(member, "1000.00"), (member, "300.00"), (other, "2000.00")]):
        earn(who, business, paid, at=at, key=f"real{n}")
    assert sum(use.granted for use in OfferUse.objects.filter(offer=real)) == 9000


def test_a_simulated_first_purchase_is_the_first_of_its_day(member, business, at):
    for days in (60, 40, 20):
        sale(member=member, business=business, occurred_at=at - timedelta(days=days))
    offer = draft_of(business, kind="fixed", value=D("100"), first_purchase=True)

    told = services.simulate_offer(offer_id=offer.pk, by=None, at=at)

    assert (told.transactions, told.extra_bonuses) == (1, D("100.00"))


# --- the API -------------------------------------------------------------------------------------
def body(**more):
    now = timezone.now()
    return {
        "name": "Тёплый ноябрь",
        "kind": "multiplier",
        "value": "2.00",
        "startsAt": (now - timedelta(hours=1)).isoformat(),
        "endsAt": (now + timedelta(days=30)).isoformat(),
        "budget": "50000.00",
    } | more


def test_an_owner_makes_simulates_and_begins_an_offer(api, member, business, owner):
    me, path = api.as_(owner), f"/businesses/{business.pk}/offers"

    made = me.post(path, body(weekdays=[1, 2, 3, 4, 5, 6, 7], tiers=["insider"]))
    offer = made.json()["data"]
    told = me.post(f"{path}/{offer['id']}/simulate").json()["data"]
    begun = me.patch(f"{path}/{offer['id']}", {"action": "submit"}).json()["data"]
    sale(member=member, business=business, amount="1000.00")
    [listed] = me.get(path).json()["data"]

    assert (made.status_code, offer["state"], offer["version"]) == (201, "draft", 1)
    assert offer["funders"] == [{"businessId": str(business.pk), "share": "100.00"}]
    assert told["transactions"] == 0
    assert begun["state"] == "active"
    assert (listed["given"], listed["state"]) == ("50.00", "active")


def test_a_field_that_makes_no_offer_is_named(api, business, owner):
    answer = api.as_(owner).post(f"/businesses/{business.pk}/offers", body(value="11.00"))

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == ["value"]


def test_a_list_of_offers_costs_the_same_for_many(business, owner, api):
    me, path = api.as_(owner), f"/businesses/{business.pk}/offers"
    draft_of(business)
    with CaptureQueriesContext(connection) as one:
        me.get(path)
    for _ in range(9):
        draft_of(business)
    with CaptureQueriesContext(connection) as ten:
        assert len(me.get(path).json()["data"]) == 10
    assert len(one) == len(ten)


def test_a_member_sees_what_is_open_to_her(api, member, business):
    offer_of(business, name="Всем", value=D("2"))
    offer_of(business, name="Только VIP", tiers=["vip"])
    offer_of(network(), name="Круг", kind="percent", value=D("1"))
    offer_of(BusinessFactory(state="suspended"), name="Закрыто")
    today = timezone.now().isoweekday()
    offer_of(business, name="Не сегодня", weekdays=[(today + 2) % 7 + 1])
    offer_of(business, name="Первая покупка", first_purchase=True)
    sale(member=member, business=business)

    rows = api.as_(member).get("/loyalty/offers").json()["data"]

    assert {(row["name"], row["now"], row["whyNot"]) for row in rows} == {
        ("Всем", True, None),
        ("Круг", True, None),
        ("Не сегодня", False, "weekday"),
    }


def test_a_quote_is_what_the_sale_then_gives(api, member, business):
    offer_of(business, name="Вдвое", cap_member=D("30"))
    before = Journal.objects.count()

    told = api.as_(member).post(
        "/loyalty/quote", {"businessId": str(business.pk), "amount": "1000.00"}
    )
    written = Journal.objects.count()
    done = sale(member=member, business=business, amount="1000.00")

    data = told.json()["data"]
    assert (data["accrual"], data["rate"], written) == (f"{done.bonus_accrued}", "5.00", before)
    [line] = data["multipliers"]
    assert (line["offer"], line["factor"], line["bonus"], line["wanted"]) == (
        "Вдвое",
        "2.00",
        "30.00",
        "50.00",
    )


@pytest.mark.parametrize(
    ("share", "have", "most", "why"),
    [
        (30, "2000.00", "100.00", "balance"),
        (30, "20000.00", "300.00", "share"),
        (50, "20000.00", "500.00", "share"),
    ],
)
def test_a_quote_says_how_much_bonuses_can_pay_and_why(share, have, most, why, api, member):
    business = BusinessFactory(max_bonus_share=share)
    sale(member=member, business=BusinessFactory(), amount=have)
    me = api.as_(member)

    ask = {"businessId": str(business.pk), "amount": "1000.00"}
    data = me.post("/loyalty/quote", ask | {"spend": most}).json()["data"]
    over = me.post("/loyalty/quote", ask | {"spend": "500.01"})

    assert (data["maxSpend"], data["whyLimited"]) == (most, why)
    assert D(data["toPay"]) == D("1000.00") - D(most)
    assert over.status_code == 422
