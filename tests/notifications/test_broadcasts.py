"""Broadcasts: counted, allowed by a second person, once to each, stopped."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.notifications import services
from apps.notifications.models import Attempt, Broadcast, Notification
from apps.notifications.services import Text, broadcasts
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.notifications import broadcast_of, device_of, risk_of
from tests.factories.transactions import sale
from tests.notifications.conftest import agree, deliver_all

pytestmark = pytest.mark.django_db
BODY = {
    "name": "Осень",
    "titleRu": "Осень в круге",
    "bodyRu": "Двойные бонусы до воскресенья.",
    "channels": ["push", "email"],
}


@pytest.fixture
def boss(api):
    return api.as_(UserFactory(job="admin"))


def expand(broadcast) -> None:
    while services.expand(broadcast_id=broadcast.pk, at=timezone.now()):
        pass


def test_a_dry_run_counts_and_writes_nothing(boss):
    with_push, with_mail, silent = UserFactory(), UserFactory(email="a@example.com"), UserFactory()
    device_of(with_push), device_of(silent)
    agree(with_push, "push"), agree(with_mail, "email")

    answer = boss.post("/admin/broadcasts", BODY | {"dryRun": True})

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["byChannel"] == {"push": 1, "email": 1}
    assert (data["people"], data["needsSecondPerson"]) == (4, False)
    assert not Broadcast.objects.exists()


def test_segments_narrow(boss, business):
    vip = UserFactory(tier_code="vip", city="Тула")
    UserFactory(city="Тула")
    guest = UserFactory(city="Омск")
    sale(member=guest, business=business)

    def count(**segment):
        asked = boss.post("/admin/broadcasts", BODY | {"dryRun": True, "segment": segment})
        return asked.json()["data"]["people"]

    assert count(city="Тула") == 2
    assert count(city="Тула", tiers=["vip"]) == 1
    assert count(boughtAt=str(business.pk)) == 1
    assert count(joinedTo="2020-01-01") == 0
    assert vip.city == "Тула"


def test_a_clinic_is_no_segment(boss):
    clinic = BusinessFactory(category="dental")
    sale(member=UserFactory(), business=clinic)

    segment = {"boughtAt": str(clinic.pk)}
    asked = boss.post("/admin/broadcasts", BODY | {"dryRun": True, "segment": segment})

    assert asked.json()["data"]["people"] == 0


def test_a_small_broadcast_leaves_at_once_to_whoever_agreed(boss, world):
    agreed, other = UserFactory(email="a@example.com"), UserFactory(email="b@example.com")
    agree(agreed, "email")

    answer = boss.post("/admin/broadcasts", BODY)
    expand(Broadcast.objects.get())
    expand(Broadcast.objects.get())
    deliver_all()

    assert answer.status_code == 201
    assert [one["to"][0]["email"] for one in world.taken["sendgrid"]] == ["a@example.com"]
    assert Notification.objects.filter(member=other).get().state == "skipped"
    pk = answer.json()["data"]["id"]
    seen = boss.get(f"/admin/broadcasts/{pk}").json()["data"]
    assert (seen["state"], seen["messages"]["sent"], seen["cost"]) == ("done", 1, "0.00")
    assert AuditEntry.objects.filter(action="notifications.broadcast").count() == 1


def test_above_a_thousand_people_a_second_person_must_allow(boss, api, monkeypatch):
    monkeypatch.setattr(broadcasts, "SECOND_PERSON_ABOVE", 1)
    UserFactory(), UserFactory()

    data = boss.post("/admin/broadcasts", BODY).json()["data"]
    own = boss.post(f"/admin/broadcasts/{data['id']}/approve")
    other = api.as_(UserFactory(job="admin"))
    allowed = other.post(f"/admin/broadcasts/{data['id']}/approve")
    again = other.post(f"/admin/broadcasts/{data['id']}/approve")

    assert (data["state"], data["needsSecondPerson"]) == ("asked", True)
    assert (own.status_code, own.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert allowed.json()["data"]["state"] == "running"
    assert (again.status_code, again.json()["error"]["code"]) == (409, "WRONG_STATE")


def test_the_table_itself_refuses_many_people_without_a_second_one(member):
    with pytest.raises(Exception, match="many_people_want_a_second_person"):
        broadcast_of(member, state="running", people=1001)


def test_two_taps_are_one_broadcast(boss):
    first, second = boss.post("/admin/broadcasts", BODY), boss.post("/admin/broadcasts", BODY)

    assert (first.status_code, second.status_code) == (201, 409)
    assert Broadcast.objects.count() == 1


def test_cancelling_stops_what_has_not_left(boss, world):
    reader = UserFactory(email="a@example.com")
    agree(reader, "email")
    pk = boss.post("/admin/broadcasts", BODY).json()["data"]["id"]
    expand(Broadcast.objects.get())
    Broadcast.objects.update(state="running", ended_at=None)

    answer = boss.post(f"/admin/broadcasts/{pk}/cancel")
    deliver_all()

    assert answer.json()["data"]["state"] == "cancelled"
    assert world.taken["sendgrid"] == []
    assert Notification.objects.filter(member=reader).get().state == "cancelled"


def test_withdrawal_after_writing_and_before_sending(boss, world):
    reader = UserFactory(email="a@example.com")
    agree(reader, "email")
    boss.post("/admin/broadcasts", BODY)
    expand(Broadcast.objects.get())

    agree(reader, "email", given=False)
    deliver_all()

    assert world.taken["sendgrid"] == []
    assert set(Attempt.objects.values_list("code", flat=True)) <= {"no_address", "no_consent"}


def test_an_announcement_needs_no_consent(boss, world):
    UserFactory(email="a@example.com")

    boss.post("/admin/broadcasts", BODY | {"purpose": "service", "channels": ["email"]})
    expand(Broadcast.objects.get())
    deliver_all()

    assert world.counts["sendgrid"] == 1


def test_expansion_goes_on_where_it_stopped(monkeypatch, at):
    monkeypatch.setattr(broadcasts, "SLICE", 2)
    people = [UserFactory() for _ in range(5)]
    broadcast = services.ask_broadcast(
        name="x", text=Text("т", "б"), channels=["push"], segment={}, purpose="service",
        by=people[0], at=at,
    )  # fmt: skip

    assert services.expand(broadcast_id=broadcast.pk, at=at)
    assert Notification.objects.count() == 2
    expand(broadcast)

    assert Notification.objects.count() == 5
    assert not services.expand(broadcast_id=broadcast.pk, at=at)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": []},
        {"channels": ["push", "push"]},
        {"channels": ["pigeon"]},
        {"titleRu": ""},
        {"segment": {"tiers": ["gold"]}},
        {"segment": {"phone": "+79161234567"}},
        {"segment": {"city": "Нет такого"}},
    ],
)
def test_a_wrong_broadcast_is_refused(boss, change):
    assert boss.post("/admin/broadcasts", BODY | change).status_code == 422
    assert not Broadcast.objects.exists()


# --- the weekly letter -------------------------------------------------------------------------
def test_the_weekly_letter_goes_once_to_who_agreed_and_has_news(world, at):
    reader, other = UserFactory(email="a@example.com"), UserFactory(email="b@example.com")
    idle = UserFactory(email="c@example.com")
    agree(reader, "email"), agree(idle, "email")
    for one in (reader, other):
        Notification.objects.create(
            member=one, kind="bonus_accrued", source="x", values={"bonus": "125.50"}, priority=3,
            state="sent", channel="push", due_at=at, expires_at=at + timedelta(days=1),
        )  # fmt: skip

    written = [services.write_digests(at=at) for _ in range(2)]
    deliver_all()

    assert written[0] == 1
    assert [one["to"][0]["email"] for one in world.taken["sendgrid"]] == ["a@example.com"]
    text = world.taken["sendgrid"][0]["content"][0]["value"]
    assert "Начислено бонусов: 125,50" in text
    assert "— Начислено 125,50 бонусов" in text


def test_the_hold_out_of_win_back_is_never_asked(boss, business):
    """Three at high risk: one to ask, one of the hold-out, one who is a clinic's patient only; a
    fourth may leave, but not likely."""
    asked, held, patient, likely = (UserFactory() for _ in range(4))
    for who, held_out, band in ((asked, False, "high"), (held, True, "high"),
                                (patient, False, "high"), (likely, False, "medium")):  # fmt: skip
        risk_of(who, held_out=held_out, band=band)
        sale(member=who, business=BusinessFactory(category="dental" if who is patient else "salon"))
    segment = {"atRisk": True}

    counted = boss.post("/admin/broadcasts", BODY | {"dryRun": True, "segment": segment})
    sent = boss.post("/admin/broadcasts", BODY | {"segment": segment})
    expand(Broadcast.objects.get())

    assert (counted.json()["data"]["people"], sent.json()["data"]["people"]) == (1, 1)
    assert [one.member for one in Notification.objects.all()] == [asked]
