"""Control pages of work: events decided by a curator, what waits for a second person, suspicions."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.ids import new_id
from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration
from apps.loyalty import services
from apps.notifications.models import Broadcast
from apps.transactions.models import FlagKind, FraudFlag
from tests.backoffice.conftest import SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, published
from tests.factories.notifications import broadcast_of
from tests.factories.offers import draft_of
from tests.factories.transactions import sale
from tests.signed_in import enter

pytestmark = pytest.mark.django_db
WHY = "Проверено по документам"


def text(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


# --- events --------------------------------------------------------------------------------------
def page(event: Event) -> str:
    return f"/control/events/{event.pk}/"


def state_of(place: EventRegistration) -> str:
    return EventRegistration.objects.get(pk=place.pk).state


def test_a_curator_seats_a_guest_by_her_phone(desk: Client, cafe: Business, anna: User) -> None:
    event = published(business=cafe, capacity=1)
    taken = comes(event)
    form = {"act": "guest", "who": "8 912 345-67-89", "reason": WHY}

    stranger = desk.post(page(event), form | {"who": "+79990000000"}, follow=True)
    full = desk.post(page(event), form, follow=True)
    over = desk.post(page(event), form | {"over_limit": "1"}, follow=True)

    assert "Участницы с таким телефоном" in text(stranger)
    assert 'role="alert"' in text(full)
    assert "Место дано." in text(over)
    assert event.registrations.get(member=anna).state == Place.CONFIRMED
    assert state_of(taken) == Place.CONFIRMED


def test_people_of_an_event_are_filtered_by_state(desk: Client, cafe: Business) -> None:
    event = published(business=cafe)
    stays, leaves = comes(event), comes(event)
    desk.post(page(event), {"act": "remove", "row": str(leaves.pk), "reason": WHY})

    def listed(query: str) -> set[EventRegistration]:
        return set(desk.get(f"{page(event)}?{query}").context["page"])

    assert listed("") == listed("state=x") == {stays, leaves}
    assert listed("state=removed") == {leaves}
    assert listed("state=confirmed") == {stays}


def test_an_event_is_over_and_its_marks_are_mended(
    desk: Client, irina: User, cafe: Business
) -> None:
    event = published(business=cafe)
    place, foreign = comes(event), comes(published(business=cafe))
    early = desk.post(page(event), {"act": "complete"}, follow=True)

    with time_machine.travel(event.ends_at + timedelta(hours=1), tick=True):
        desk = enter(Client(), irina)
        over = desk.post(page(event), {"act": "complete"}, follow=True)
        mend = {"act": "mend", "to": "attended", "row": str(place.pk), "reason": WHY}
        wrong = [
            desk.post(page(event), mend | change).status_code
            for change in (
                {"to": "waitlisted"}, {"row": "x"}, {"row": str(foreign.pk)}, {"row": str(new_id())}
            )
        ]  # fmt: skip
        done = desk.post(page(event), mend, follow=True)

    assert 'role="alert"' in text(early)
    assert "Событие завершено" in text(over)
    assert wrong == [404] * 4
    assert "Отметка исправлена" in text(done)
    event.refresh_from_db()
    assert (event.state, state_of(place)) == (State.COMPLETED, Place.ATTENDED)


def test_a_moderator_without_a_job_decides_nothing_of_events(
    signed_in: SignedIn, cafe: Business
) -> None:
    event = published(business=cafe)
    browser = signed_in(UserFactory(tier_code="inner_circle"))

    answer = browser.post(page(event), {"act": "cancel", "reason": WHY})

    assert answer.status_code == 403
    event.refresh_from_db()
    assert event.state == State.PUBLISHED


# --- two people ----------------------------------------------------------------------------------
def test_an_offer_for_review_is_approved_or_sent_back(
    desk: Client, salon: Business, olga: User
) -> None:
    at = timezone.now()
    rows = [draft_of(salon, by=olga, budget=None) for _n in range(2)]
    for row in rows:
        services.submit_offer(offer_id=row.pk, by=olga, at=at)
    good, bad = rows

    waiting = text(desk.get("/control/decisions/"))
    desk.post("/control/decisions/", {"act": "approve", "row": str(good.pk)})
    back = {"act": "return", "row": str(bad.pk), "reason": "Назовите бюджет"}
    desk.post("/control/decisions/", back)

    for row in rows:
        row.refresh_from_db()
        assert row.current.name in waiting
    assert (good.state, bad.state) == ("active", "draft")
    assert desk.post("/control/decisions/", back | {"row": "x"}).status_code == 404
    assert desk.post("/control/decisions/", {"act": "explode"}).status_code == 404


@pytest.mark.parametrize(("act", "state"), [("send", "running"), ("stop", "cancelled")])
def test_a_broadcast_waits_for_another_admin(
    desk: Client, irina: User, signed_in: SignedIn, act: str, state: str
) -> None:
    made = broadcast_of(irina)
    form = {"act": act, "row": str(made.pk)}
    if act == "send":
        own = desk.post("/control/decisions/", form, follow=True)
        assert 'role="alert"' in text(own)
        assert Broadcast.objects.get().state == "asked"

    signed_in(UserFactory(job="admin")).post("/control/decisions/", form)

    assert Broadcast.objects.get().state == state


# --- suspicions ----------------------------------------------------------------------------------
def test_a_suspicion_is_looked_at_and_noted(
    desk: Client, salon: Business, cafe: Business, irina: User
) -> None:
    def flag(business: Business, kind: FlagKind) -> FraudFlag:
        sold = sale(business=business)
        return FraudFlag.objects.create(
            kind=kind, business=business, transaction=sold, member=sold.member, at=timezone.now()
        )

    night, other = flag(salon, FlagKind.AT_NIGHT), flag(cafe, FlagKind.OWNER_SPEND)

    def listed(query: str) -> list[FraudFlag]:
        return list(desk.get(f"/control/fraud/?{query}").context["page"])

    assert listed("kind=at_night") == listed("business=salon") == [night]
    assert listed("kind=x&business=cafe") == [other]
    wrong = [desk.post("/control/fraud/", {"flag": one}).status_code for one in ("x", new_id())]
    mute = desk.post("/control/fraud/", {"flag": str(night.pk)}, follow=True)
    desk.post("/control/fraud/", {"flag": str(night.pk), "reason": "Ночная смена, по договору"})

    assert wrong == [404, 404]
    assert 'role="alert"' in text(mute)
    assert listed("") == [other]
    [settled] = listed("state=settled")
    assert (settled, settled.settled_by) == (night, irina)
