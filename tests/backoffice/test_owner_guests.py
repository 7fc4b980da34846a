"""Guests, their reviews and who may leave: only of her own place, in part, and counted."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import loader
from apps.analytics.models import ChurnRisk, Snapshot
from apps.analytics.services import snapshot_rfm
from apps.backoffice import guest_queries
from apps.businesses.models import Business
from apps.core.models import Message
from apps.coupons.models import Campaign, Coupon, HeldOut
from apps.events.enums import Place
from apps.events.models import Event, EventRegistration, Feedback
from tests.backoffice.conftest import Person, Sell, SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, published

GUESTS, REVIEWS = "/biz/salon/members/", "/biz/salon/reviews/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def test_guests_are_filtered_and_shown_in_part(
    owner: Client, salon: Business, cafe: Business, anna: User, person: Person, sell: Sell
) -> None:
    assert "Здесь появится ваша первая гостья" in owner.get(GUESTS).content.decode()
    eva = person("Ева", "Юрина", phone="+79160000009")
    dina = person("Дина", "Сова", phone="+79160000010")
    sell(salon, anna, "1000", days_ago=2)
    sell(salon, anna, "500", days_ago=2)
    sell(salon, eva, "9000", days_ago=45)
    sell(cafe, dina, "700")

    page = owner.get(GUESTS)
    rows = page.context["rows"]

    assert [(one.member, one.visits, one.spent) for one in rows] == [
        (anna, 1, Decimal("1500.00")),
        (eva, 1, Decimal("9000.00")),
    ]
    assert "Анна К." in page.content.decode()
    assert "Котова" not in page.content.decode()
    assert [one.member for one in owner.get(GUESTS, {"sort": "spent"}).context["rows"]][0] == eva
    for query, found in [
        ({"tier": "vip"}, [anna]), ({"last": "90"}, [eva]), ({"q": "ев"}, [eva]),
        ({"q": anna.card_number[-4:]}, [anna]), ({"segment": "lost"}, []),
    ]:  # fmt: skip
        assert [one.member for one in owner.get(GUESTS, query).context["rows"]] == found, query
    sheet = owner.get(f"{GUESTS}{anna.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in sheet
    assert anna.masked_phone in sheet
    assert "9123456789" not in sheet.replace(" ", "")
    assert owner.get(f"{GUESTS}{dina.pk}/").status_code == 404
    assert owner.get("/biz/cafe/members/").status_code == 404


def test_segments_come_from_the_newest_night_or_say_that_they_cannot(
    owner: Client, salon: Business, anna: User, sell: Sell, facts: None, settings: Any
) -> None:
    sell(salon, anna, "1500", days_ago=2)
    loader.load_waiting()
    snapshot_rfm(business=salon, day=timezone.localdate(), at=timezone.now())
    [guest] = owner.get(GUESTS).context["rows"]
    code = next(code for code, words in guest_queries.Segment.choices if words == guest.segment)

    assert [one.member for one in owner.get(GUESTS, {"segment": code}).context["rows"]] == [anna]
    assert owner.get(GUESTS, {"segment": "lost"}).context["rows"] == []

    settings.CLICKHOUSE = settings.CLICKHOUSE | {"embedded": False, "url": "http://127.0.0.1:1/x"}
    away = owner.get(GUESTS, {"segment": "loyal"})
    assert "Сегменты сейчас не показать" in away.content.decode()
    assert [one.member for one in owner.get(GUESTS).context["rows"]] == [anna]


@pytest.mark.parametrize("count", [1, 12])
def test_a_list_of_guests_costs_the_same(
    owner: Client, salon: Business, sell: Sell, count: int, django_assert_max_num_queries: Any
) -> None:
    for _one in range(count):
        sell(salon, UserFactory(), "10")
    owner.get(GUESTS)

    with django_assert_max_num_queries(16):
        assert len(owner.get(GUESTS).context["rows"]) == count


# --- reviews -----------------------------------------------------------------------------------
def rated(business: Business, *ratings: int) -> Event:
    event = published(business=business)
    for number, rating in enumerate(ratings):
        place = comes(event)
        EventRegistration.objects.filter(pk=place.pk).update(state=Place.ATTENDED)
        Feedback.objects.create(
            registration=place, rating=rating, comment=f"Слова {number}", given_at=timezone.now()
        )
    return event


def test_reviews_are_shown_from_five_and_answered_once_seen(
    owner: Client, salon: Business, cafe: Business
) -> None:
    assert "Отзывов пока нет" in owner.get(REVIEWS).content.decode()
    rated(salon, 1, 2)
    hidden = owner.get(REVIEWS).content.decode()
    assert "нужно ещё 3 ответа" in hidden
    assert "Слова" not in hidden
    rated(salon, 5, 5, 4, 5, 1)
    foreign = Feedback.objects.filter(registration__event=rated(cafe, 1, 1, 1, 1, 1)).first()

    answer = owner.get(REVIEWS)
    page = answer.content.decode()
    assert answer.context["opinion"].mean == Decimal("4.0")
    assert page.count("<blockquote>") == 5
    [low] = owner.get(REVIEWS, {"stars": "low"}).context["page"].object_list
    assert owner.get("/biz/salon/").context["alerts"][-1].url == f"{REVIEWS}?stars=low"

    said = {"review": str(low.pk), "answer": "Простите, исправили", "seen": ""}
    assert owner.post(REVIEWS, said).status_code == 302
    late = owner.post(REVIEWS, said | {"answer": "Другое"})
    assert late.status_code == 422
    assert "кто-то уже ответил" in late.content.decode()
    assert "Другое</textarea>" in late.content.decode()
    assert owner.post(REVIEWS, said | {"review": str(foreign.pk)}).status_code == 404
    low.refresh_from_db()
    assert low.answer == "Простите, исправили"
    told = Message.objects.get(topic="EventModerated", payload__decision="answered")
    assert told.payload["member_id"] == str(low.registration.member_id)


# --- who may leave -----------------------------------------------------------------------------
def test_those_at_risk_are_named_and_invited_without_the_control(
    owner: Client, salon: Business, person: Person
) -> None:
    url, at = "/biz/salon/analytics/leaving/", timezone.now()
    people = [person("Гостья", "Пятая", phone=f"+7916000010{n}") for n in range(6)]
    for rank, one in enumerate(people, start=1):
        ChurnRisk.objects.create(
            business=salon, member=one, rank=rank, day=at.date(), recency=50, visits=3,
            band="high" if rank < 6 else "medium", probability=Decimal("0.7"),
            reasons=["silence"], monthly=Decimal("900"), held_out=rank == 2,
        )  # fmt: skip
    summary = {
        "scored": 9, "bands": {"high": 5, "medium": 1, "low": 3}, "reasons": {"silence": 6},
        "expected_loss": "3000.00", "horizon": 45, "kind": "mbg",
    }  # fmt: skip
    Snapshot.objects.create(
        kind="churn", business=salon, day=at.date(), rows=9, summary=summary, computed_at=at
    )

    page = owner.get(url).content.decode()
    assert "Молчит дольше обычного" in page or "молчит" in page.lower()
    assert "контрольная группа" in page
    assert owner.get(url + "?format=csv").content.decode().count("Гостья П.") == 0

    form = owner.get("/biz/salon/coupons/new/?for=leaving").context["form"]
    assert form.initial["audience"] == "leaving"
    said = {
        "name": "Возвращайтесь", "benefit": "fixed", "value": "300", "audience": "leaving",
        "quantity": "1000", "per_member": "1", "starts": at.date().isoformat(),
        "ends": (at + timedelta(days=20)).date().isoformat(),
    }  # fmt: skip
    assert owner.post("/biz/salon/coupons/new/", said).status_code == 302

    made = Campaign.objects.get()
    got = set(Coupon.objects.filter(campaign=made).values_list("member", flat=True))
    assert got == {people[n].pk for n in (0, 2, 3, 4)}
    assert HeldOut.objects.get(campaign=made).member == people[1]
    ChurnRisk.objects.all().delete()
    refused = owner.post("/biz/salon/coupons/new/", said)
    assert refused.status_code == 422
    assert Campaign.objects.count() == 1
