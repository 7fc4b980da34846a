"""The owner's offers, chains and coupons: drafts that lose nothing, words, races, costs."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.backoffice.models import Draft
from apps.businesses.models import Business
from apps.coupons import services as coupon_services
from apps.coupons.models import Campaign, Coupon
from apps.crosspromo.models import Chain
from apps.loyalty import services as loyalty
from apps.loyalty.models import OfferConstructor
from tests.backoffice.conftest import Person, Sell, SignedIn
from tests.factories.businesses import staff_of
from tests.factories.coupons import campaign, chain, step
from tests.factories.offers import draft_of, offer_of


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


# --- offers --------------------------------------------------------------------------------------
def begun(owner: Client, goal: str = "return") -> Draft:
    owner.post("/biz/salon/offers/new/", {"goal": goal})
    return Draft.objects.get()


def walk(owner: Client, draft: Draft) -> str:
    """The four steps as she fills them in; the address of the last one."""
    at = f"/biz/salon/offers/draft/{draft.pk}"
    owner.post(f"{at}/goal/", {"goal": "return", "name": "Ждём вас", "go": "next"})
    owner.post(f"{at}/who/", {"tiers": ["vip", "elite"], "away_days": "45", "go": "next"})
    what = {"kind": "percent", "value": "10", "min_amount": "3 000", "go": "next"}
    owner.post(f"{at}/what/", what)
    today = timezone.localdate()
    when = {
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=20)).isoformat(),
        "weekdays": ["1", "2", "3", "4", "5"],
        "hour_from": "0",
        "hour_to": "15",
        "budget": "5000",
        "go": "next",
    }
    answer = owner.post(f"{at}/when/", when)
    assert answer.url == f"{at}/check/", answer.context and answer.context["faults"]
    return f"{at}/check/"


def test_an_offer_in_five_steps_says_what_it_does(owner: Client, salon: Business) -> None:
    check = walk(owner, begun(owner))

    page = owner.get(check).content.decode()
    answer = owner.post(check, {"act": "submit"}, follow=True)

    sentence = (
        "VIP и Elite, которых не было 45\u00a0дней и дольше, получат 10\u00a0% с чека бонусами "
        "с чека от 3\u00a0000\u00a0₽ по будням до 15:00, всего не больше 5\u00a0000\u00a0бонусов"
    )
    assert sentence in page
    assert sentence in answer.content.decode()
    offer = OfferConstructor.objects.get()
    assert (offer.state, offer.version.away_days, offer.version.value) == ("active", 45, 10)
    assert not Draft.objects.exists()


def test_what_was_typed_is_kept_right_or_wrong(owner: Client, salon: Business) -> None:
    draft = begun(owner)
    at = f"/biz/salon/offers/draft/{draft.pk}/what/"

    refused = owner.post(at, {"kind": "percent", "value": "сто", "go": "next"})
    preview = owner.post(f"{at}preview/", {"kind": "percent", "value": "12", "min_amount": "7,5"})

    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()
    assert "12\u00a0% с чека" in preview.content.decode()
    assert 'value="7,5"' in owner.get(at).content.decode()


def test_two_owners_see_who_changed_what(
    owner: Client, olga: User, salon: Business, signed_in: SignedIn
) -> None:
    offer = draft_of(salon, by=olga)
    owner.post(f"/biz/salon/offers/{offer.pk}/edit/")
    draft = Draft.objects.get()
    eva = staff_of(salon, role="business_owner", first_name="Ева", last_name="Юрина")
    at = timezone.now()
    loyalty.edit_offer(offer_id=offer.pk, changes={"budget": Decimal(777)}, by=eva, at=at)
    check = f"/biz/salon/offers/draft/{draft.pk}/check/"

    told = owner.post(check, {"act": "save"})
    over = owner.post(check, {"act": "over", "seen": "2"})

    page = told.content.decode()
    assert told.status_code == 422
    assert "Ева Ю." in page
    assert "100\u00a0000 → <b>777</b>" in page
    assert over.status_code == 302
    offer.refresh_from_db()
    assert (offer.version.number, offer.version.budget) == (3, Decimal(100_000))


def test_the_past_reckons_an_offer_that_nobody_saved(
    owner: Client, salon: Business, anna: User, sell: Sell
) -> None:
    for days in (3, 60, 120):
        sell(salon, anna, "10000", days_ago=days)
    check = walk(owner, begun(owner))
    draft = Draft.objects.get()
    Draft.objects.update(data=draft.data | {"weekdays": [], "hour_from": "", "hour_to": ""})

    page = owner.post(check, {"act": "simulate"}, headers={"HX-Request": "true"})

    forecast = page.context["forecast"]
    # 60 days ago she came back after 60, 3 days ago after 57: both longer than 45
    assert (forecast.transactions, forecast.members) == (2, 1)
    assert not OfferConstructor.objects.exists()


def test_offer_moves_and_refusals(owner: Client, salon: Business, cafe: Business) -> None:
    offer = offer_of(salon)
    at = f"/biz/salon/offers/{offer.pk}/"

    assert owner.post(at, {"act": "pause"}).status_code == 302
    again = owner.post(at, {"act": "pause"})
    foreign = owner.get(f"/biz/salon/offers/{offer_of(cafe).pk}/")

    assert again.status_code == 422
    assert "Ничего не изменено" in again.content.decode()
    assert foreign.status_code == 404


# --- chains --------------------------------------------------------------------------------------
def typed_chain(salon: Business, cafe: Business, **changes: str) -> dict[str, str]:
    today = timezone.localdate()
    return {
        "name": "Салон и ужин",
        "topology": "mutual",
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=60)).isoformat(),
        "budget": "",
        "holdout_percent": "10",
        "fork": "all",
        "s0-sender": str(salon.pk),
        "s0-to": str(cafe.pk),
        "s0-benefit": "percent",
        "s0-value": "15",
        "s0-max_discount": "700",
        "s0-valid_days": "30",
        "s0-sender_share": "40",
        "s1-benefit": "fixed",
        "s1-value": "500",
        "s1-valid_days": "30",
        "s1-sender_share": "",
    } | changes


def test_the_list_of_steps_is_the_editor(owner: Client, salon: Business, cafe: Business) -> None:
    owner.post("/biz/salon/chains/new/")
    at = f"/biz/salon/chains/draft/{Draft.objects.get().pk}/"
    owner.post(at, typed_chain(salon, cafe) | {"act": "add"})
    owner.post(at, typed_chain(salon, cafe) | {"act": "save"})

    page = owner.get(at).content.decode()
    tried = owner.post(at, typed_chain(salon, cafe) | {"act": "try"})
    sent = owner.post(at, typed_chain(salon, cafe) | {"act": "publish"}, follow=True)

    assert page.count('class="diagram-box"') == 2
    assert page.count('class="diagram-arrow"') == 2
    assert [one.step.number for one in tried.context["tried"].replayed] == [1, 2]
    made = Chain.objects.get()
    assert (made.state, made.topology) == ("proposed", "mutual")
    assert "думает" in sent.content.decode()
    steps = list(made.versions.get().steps.order_by("number"))
    assert steps[1].from_business == cafe
    assert steps[1].to_business == salon


def test_steps_move_without_a_pointer(
    owner: Client, salon: Business, cafe: Business, person: Person
) -> None:
    owner.post("/biz/salon/chains/new/")
    at = f"/biz/salon/chains/draft/{Draft.objects.get().pk}/"
    fan = typed_chain(salon, cafe, topology="fan")
    owner.post(at, fan | {"act": "add"})
    owner.post(at, fan | {"act": "save"})

    owner.post(at, fan | {"act": "up-1"})

    steps = Draft.objects.get().data["steps"]
    assert [(one["benefit"], one["value"]) for one in steps] == [
        ("fixed", "500"),
        ("percent", "15"),
    ]
    assert steps[0]["sender"] == str(salon.pk)


def test_a_partner_accepts_and_a_late_word_is_told(
    owner: Client, salon: Business, cafe: Business, signed_in: SignedIn, olga: User
) -> None:
    host = staff_of(cafe, role="business_owner", first_name="Ева", last_name="Юрина")
    made = chain(step(salon, cafe), by=olga)
    theirs = signed_in(host)
    at = f"/biz/cafe/chains/{made.pk}/"

    shown = theirs.get(at).content.decode()
    accepted = theirs.post(at, {"act": "accept", "revision": made.revision})
    late = theirs.post(at, {"act": "pause", "revision": made.revision})

    assert "ждут вашего ответа" in shown
    assert accepted.status_code == 302
    made.refresh_from_db()
    assert made.state == "live"
    assert late.status_code == 422
    assert "Ева Ю" in late.content.decode()


def test_a_clinic_is_not_named_to_its_partner(
    owner: Client, salon: Business, cafe: Business
) -> None:
    Business.objects.filter(pk=cafe.pk).update(category="dental")
    cafe.refresh_from_db()
    made = chain(step(cafe, salon), name="Лисичкино и салон")

    page = owner.get(f"/biz/salon/chains/{made.pk}/").content.decode()
    listed = owner.get("/biz/salon/chains/").content.decode()

    assert "Лисичкино" not in page.split('id="content"')[1]
    assert "Лисичкино" not in listed.split('id="content"')[1]


# --- coupons -------------------------------------------------------------------------------------
def typed_campaign(**changes: str) -> dict[str, str]:
    today = timezone.localdate()
    return {
        "name": "Листовки",
        "benefit": "fixed",
        "value": "500",
        "audience": "anyone",
        "quantity": "3",
        "per_member": "1",
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=5)).isoformat(),
    } | changes


def test_codes_are_made_shown_and_cancelled(owner: Client, salon: Business) -> None:
    answer = owner.post("/biz/salon/coupons/new/", typed_campaign())
    at = answer.url

    file = b"".join(owner.get(f"{at}codes/").streaming_content).decode("utf-8-sig")
    owner.post(at, {"act": "cancel", "reason": "ошибка в печати"})

    assert len(file.splitlines()) == 4
    assert owner.get(at).status_code == 200
    assert Coupon.objects.filter(state="cancelled").count() == 3


def test_many_codes_are_made_in_batches_and_no_code_too_many(
    salon: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.coupons.services.campaigns.BATCH", 4)
    at = timezone.now()
    draft = coupon_services.Draft(
        name="Листовки",
        benefit="fixed",
        value=Decimal(100),
        audience="anyone",
        quantity=10,
        valid_from=at,
        valid_to=at + timedelta(days=5),
    )
    made = coupon_services.create_campaign(business=salon, draft=draft, by=None, at=at, fill=False)

    more = [coupon_services.fill_campaign(campaign_id=made.pk, at=at) for _round in range(4)]

    assert more == [True, True, False, False]
    assert Coupon.objects.filter(campaign=made).count() == 10
    assert Campaign.objects.get().issued == 10


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": ""}, "value"),
        ({"benefit": "gift", "value": ""}, "gift"),
        ({"audience": "promo", "promo_code": "да"}, "promo_code"),
        ({"holdout_percent": "10"}, "holdout_percent"),
        ({"ends": "2020-01-01"}, "ends"),
    ],
)
def test_a_wrong_campaign_is_told_at_its_field(
    owner: Client, salon: Business, changes: dict[str, str], field: str
) -> None:
    answer = owner.post("/biz/salon/coupons/new/", typed_campaign(**changes))

    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert 'value="Листовки"' in answer.content.decode()


# --- what lists cost -----------------------------------------------------------------------------
@pytest.mark.parametrize(("page", "most"), [("offers", 15), ("chains", 20), ("coupons", 14)])
def test_lists_cost_the_same_for_any_number(
    owner: Client,
    salon: Business,
    cafe: Business,
    olga: User,
    page: str,
    most: int,
    django_assert_max_num_queries,
) -> None:
    def more() -> None:
        if page == "offers":
            offer_of(salon)
        elif page == "chains":
            chain(step(salon, cafe))
        else:
            campaign(salon)

    def cost() -> int:
        owner.get(f"/biz/salon/{page}/")
        with django_assert_max_num_queries(most) as asked:
            answer = owner.get(f"/biz/salon/{page}/")
        assert answer.status_code == 200
        return len(asked)

    more()
    one = cost()
    for _row in range(24):
        more()

    assert cost() == one
