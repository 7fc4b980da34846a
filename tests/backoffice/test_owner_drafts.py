"""Drafts of chains and offers: steps taken away, half-typed values, two people at one thing."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.backoffice.models import Draft
from apps.backoffice.pages.owner.chains import pictures
from apps.businesses.models import Business, State
from apps.crosspromo.models import Chain
from apps.crosspromo.services import act_on_chain
from apps.loyalty.models import OfferConstructor
from tests.backoffice.conftest import Sell, SignedIn
from tests.backoffice.test_owner_growth import begun, typed_chain, walk
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, step

PART = {"HX-Request": "true"}
JSON = dict[str, Any]


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


@pytest.fixture
def at(owner: Client, salon: Business) -> str:
    """The address of a new chain's draft."""
    owner.post("/biz/salon/chains/new/")
    return f"/biz/salon/chains/draft/{Draft.objects.get().pk}/"


def said(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


# --- the steps of a chain ------------------------------------------------------------------------
def fan(salon: Business, first: Business, second: Business, **changes: str) -> JSON:
    terms = {"topology": "fan", "s1-sender": str(salon.pk), "s1-to": str(second.pk)}
    return typed_chain(salon, first, **(terms | changes))


def test_steps_go_down_and_away_and_the_first_sender_stays(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    shop = BusinessFactory(name="Скин")
    both = fan(salon, cafe, shop)
    owner.post(at, both | {"act": "add"})

    down = owner.post(at, both | {"act": "down-0"})
    receivers = [one["to"] for one in Draft.objects.get().data["steps"]]
    gone = owner.post(at, fan(salon, shop, cafe) | {"act": "remove-0"})
    [left] = Draft.objects.get().data["steps"]
    owner.post(at, typed_chain(salon, cafe) | {"act": "remove-0"})

    assert receivers == [str(shop.pk), str(cafe.pk)]
    assert (down.url, gone.url) == (f"{at}#step-2", f"{at}#step-1")
    assert (left["sender"], left["to"]) == (str(salon.pk), str(cafe.pk))
    assert len(Draft.objects.get().data["steps"]) == 1  # the last one stays


def test_a_step_that_is_not_there_is_not_moved(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    for act in ("up-7", "remove-7", "down-x", "explode"):
        assert owner.post(at, typed_chain(salon, cafe) | {"act": act}).status_code == 302

    assert [one["to"] for one in Draft.objects.get().data["steps"]] == [str(cafe.pk)]


def test_the_picture_is_drawn_while_she_types(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    typed = {"15": "−15 %", "1 5,5": "−15,50 %", "сто": "", "nan": "", "1e99": "", "": ""}
    for value, drawn in typed.items():
        answer = owner.post(f"{at}diagram/", typed_chain(salon, cafe) | {"s0-value": value})

        [arrow] = answer.context["picture"].arrows
        assert arrow.words.replace("\u00a0", " ") == drawn, value
        assert Draft.objects.get().data["steps"][0]["value"] == value  # kept as it was typed


def test_what_is_wrong_with_a_chain_is_told_and_nothing_is_sent(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    def publish(**changes: str) -> Any:
        return owner.post(at, typed_chain(salon, cafe, **changes) | {"act": "publish"})

    alone = publish(topology="fan")
    gift = publish(topology="pair", **{"s0-benefit": "gift", "s0-value": ""})
    percent = publish(topology="pair", **{"s0-value": "101"})
    nothing = publish(topology="pair", **{"s0-value": ""})

    assert alone.context["read"].shape_fault in said(alone)
    assert alone.context["read"].shape_fault.startswith("Сразу нескольким")
    steps = [answer.context["read"].steps[0].errors for answer in (gift, percent, nothing)]
    assert ["gift" in steps[0], "value" in steps[1], "value" in steps[2]] == [True] * 3
    assert [one.status_code for one in (alone, gift, percent, nothing)] == [422] * 4
    assert not Chain.objects.exists()


def test_a_trial_says_who_pays_and_who_only_pays(
    owner: Client, at: str, salon: Business, cafe: Business, anna: User, sell: Sell
) -> None:
    sell(salon, anna, "5000", days_ago=20)
    sell(cafe, anna, "3000", days_ago=10)
    terms = typed_chain(salon, cafe, topology="pair") | {"s0-fee": "100", "act": "try"}

    part = owner.post(at, terms, headers=PART)

    sides = {one.place: one for one in part.context["sides"]}
    assert "<html" not in said(part)
    assert sides[cafe].receives == sum(one.coupons for one in part.context["tried"].replayed)
    assert sides[salon].gets == sum(
        payment.amount
        for one in part.context["tried"].replayed
        for payment in one.payments
        if payment.kind == "fee"
    )
    assert not sides[cafe].only_pays
    assert not Chain.objects.exists()


def test_a_chain_changed_by_two_is_shown_and_then_decided(
    owner: Client, olga: User, salon: Business, cafe: Business
) -> None:
    made = chain(step(salon, cafe), by=olga)
    host = staff_of(cafe, role="business_owner", first_name="Ева", last_name="Юрина")
    act_on_chain(
        chain=made, action="accept", by=host, revision=made.revision, at=timezone.now(), reason=""
    )
    made.refresh_from_db()
    drafts = []
    for _n in range(2):
        owner.post(f"/biz/salon/chains/{made.pk}/change/")
        drafts.append(Draft.objects.latest("updated_at"))
    over, theirs = (f"/biz/salon/chains/draft/{one.pk}/" for one in drafts)
    act_on_chain(
        chain=made, action="pause", by=host, revision=made.revision, at=timezone.now(), reason=""
    )
    made.refresh_from_db()
    terms = typed_chain(salon, cafe, topology="pair")

    told = owner.post(over, terms | {"act": "publish"})
    sent = owner.post(over, terms | {"act": "over", "seen": str(made.revision)})
    left = owner.post(theirs, terms | {"act": "theirs"})

    assert told.status_code == 422
    assert "Ева Ю" in said(told)
    assert sent.url == left.url == f"/biz/salon/chains/{made.pk}/"
    assert made.versions.order_by("-number").first().number == 2
    assert not Draft.objects.exists()


def test_a_draft_thrown_away_is_gone_and_a_new_one_has_no_others_words(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    theirs = owner.post(at, typed_chain(salon, cafe) | {"act": "theirs"})
    kept = Draft.objects.exists()

    dropped = owner.post(f"{at}drop/", follow=True)

    assert (theirs.status_code, kept) == (404, True)
    assert "Черновик выброшен." in said(dropped)
    assert owner.get(at).status_code == 404


def test_a_partner_who_left_meanwhile_cannot_be_asked(
    owner: Client, at: str, salon: Business, cafe: Business
) -> None:
    Business.objects.filter(pk=cafe.pk).update(state=State.CLOSED)

    answer = owner.post(at, typed_chain(salon, cafe, topology="pair") | {"act": "publish"})

    assert answer.status_code == 422
    assert not Chain.objects.exists()


# --- pictures ------------------------------------------------------------------------------------
def ways(*pairs: tuple[str, str]) -> list[pictures.Way]:
    return [pictures.Way(start, end, "−10 %", f"#{n}") for n, (start, end) in enumerate(pairs, 1)]


def test_a_picture_holds_all_its_boxes_and_none_overlap() -> None:
    shapes = {
        "pair": ways(("А", "Б")),
        "path": ways(("А", "Б"), ("Б", "В"), ("В", "Г")),
        "mutual": ways(("А", "Б"), ("Б", "А")),
        "fan": ways(("А", "Б"), ("А", "В"), ("А", "Г")),
    }
    for shape, steps in shapes.items():
        made = pictures.draw(shape, steps)

        names = list(dict.fromkeys(name for way in steps for name in (way.start, way.end)))
        tops = [box.y for box in made.boxes]
        assert [box.name for box in made.boxes] == names, shape
        assert all(b - a >= made.box for a, b in zip(tops, tops[1:], strict=False)), shape
        assert tops[-1] + made.box <= made.height, shape
        assert all(box.x + box.width <= made.width for box in made.boxes), shape
        assert [arrow.href for arrow in made.arrows] == [way.href for way in steps], shape


def test_a_picture_without_steps_is_empty_and_a_long_name_is_cut() -> None:
    name = "Очень длинное название салона красоты у парка"

    assert pictures.draw("pair", []).boxes == []
    first, second = pictures.draw("pair", ways((name, ""))).boxes
    assert (len(first.name), first.name[-1], second.name) == (pictures.LONGEST, "…", "?")


# --- the steps of an offer -----------------------------------------------------------------------
def test_an_offers_steps_may_be_left_and_come_back_to(owner: Client, salon: Business) -> None:
    draft = begun(owner)
    root = f"/biz/salon/offers/draft/{draft.pk}"

    jump = owner.post(f"{root}/goal/", {"goal": "return", "name": "Ждём", "go": "when"})
    fresh = owner.get(f"{root}/what/")
    unknown = [owner.get(f"{root}/why/"), owner.post(f"{root}/why/preview/")]
    back = owner.post(f"{root}/check/", {"act": "what"})

    assert (jump.url, back.url) == (f"{root}/when/", f"{root}/what/")
    assert fresh.status_code == 200
    assert 'aria-invalid="true"' not in said(fresh)
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert owner.post(f"{root}/check/", {"act": "theirs"}).status_code == 404


def test_nobody_is_new_and_away_at_once(owner: Client, salon: Business) -> None:
    at = f"/biz/salon/offers/draft/{begun(owner).pk}/who/"

    answer = owner.post(at, {"first_purchase": "on", "away_days": "30", "go": "next"})

    assert answer.status_code == 422
    assert answer.context["form"].errors["away_days"]


def test_the_guests_card_shows_the_gift_in_big_words(owner: Client, salon: Business) -> None:
    at = f"/biz/salon/offers/draft/{begun(owner).pk}/what/preview/"

    def gift(kind: str, value: str) -> str:
        answer = owner.post(at, {"kind": kind, "value": value})
        return str(answer.context["gift"]).replace("\u00a0", " ")

    assert gift("multiplier", "2,5") == "× 2,5"
    assert gift("percent", "10") == "+ 10 %"
    assert gift("fixed", "300") == "+ 300 бонусов"


def test_an_offer_too_dear_is_refused_in_words_and_a_draft_is_dropped(
    owner: Client, salon: Business
) -> None:
    check = walk(owner, begun(owner))
    draft = Draft.objects.get()
    Draft.objects.update(data=draft.data | {"kind": "multiplier", "value": "2"})
    first = owner.post(check, {"act": "save"})
    offer = OfferConstructor.objects.get()
    owner.post(f"/biz/salon/offers/{offer.pk}/edit/")
    again = Draft.objects.get()
    address = f"/biz/salon/offers/draft/{again.pk}"

    theirs = owner.post(f"{address}/check/", {"act": "theirs"})

    assert first.url == theirs.url == f"/biz/salon/offers/{offer.pk}/"
    assert (offer.state, offer.version.value) == ("draft", Decimal(2))
    draft = begun(owner)
    owner.post(f"/biz/salon/offers/draft/{draft.pk}/drop/")
    assert not Draft.objects.exists()
