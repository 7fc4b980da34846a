"""The REST rows of events, as a member, a moderator and a door keeper see them."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils import timezone
from icalendar import Calendar

from apps.events.services import cancel_event, hide_results, process_vote, reset_calendar
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, in_voting, proposal, published, submitted

pytestmark = pytest.mark.django_db
TEXT = "Встречаемся на станции в девять утра, вернёмся к обеду с корзинами."


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_proposal_from_draft_to_the_queue(api):
    author = api.as_(UserFactory(tier_code="vip"))
    body = {"title": "Поход за грибами", "description": TEXT, "city": "Москва"}

    made = data(author.post("/events", body), 201)
    sent = data(author.post(f"/events/{made['id']}/submit", {"noPersonalData": True}))

    assert (made["state"], made["allowedActions"]) == ("draft", ["change", "submit", "withdraw"])
    assert (sent["state"], sent["allowedActions"]) == ("submitted", ["withdraw"])


def test_insider_is_told_which_status_it_wants(api, member):
    body = {"title": "Поход", "description": TEXT, "city": "Москва"}

    assert code(api.as_(member).post("/events", body)) == (403, "STATUS_REQUIRED")


def test_member_cannot_set_what_organisers_set(api):
    body = {"title": "Поход", "description": TEXT, "city": "Москва", "price": "1.00"}

    assert code(api.as_(UserFactory(tier_code="vip")).post("/events", body)) == (
        422,
        "VALIDATION_ERROR",
    )


def test_admin_plans_an_event(api, at):
    body = {
        "title": "Вечер",
        "description": TEXT,
        "city": "Москва",
        "startsAt": (at + timedelta(days=3)).isoformat(),
        "price": "300.00",
        "capacity": 12,
    }

    made = data(api.as_(UserFactory(job="admin")).post("/events", body), 201)

    assert (made["kind"], made["price"], made["capacity"]) == ("curated", "300.00", 12)


def test_stale_etag_changes_nothing(api):
    author = UserFactory(tier_code="vip")
    caller, event = api.as_(author), proposal(creator=author)
    read = caller.get(f"/events/{event.pk}")
    first = caller.patch(f"/events/{event.pk}", {"title": "Раз"}, **{"If-Match": read["ETag"]})

    second = caller.patch(f"/events/{event.pk}", {"title": "Два"}, **{"If-Match": read["ETag"]})

    assert data(first)["title"] == "Раз"
    assert code(second) == (412, "STALE")


def test_moderator_sees_the_queue_but_not_her_own(api):
    moderator = UserFactory(tier_code="inner_circle")
    submitted(creator=moderator)
    other = submitted()

    queue = data(api.as_(moderator).get("/events/moderation"))

    assert [row["id"] for row in queue] == [str(other.pk)]
    body = {"action": "reject", "reason": "unclear", "comment": "Напишите подробнее о месте."}
    answer = api.as_(moderator).post(f"/events/{other.pk}/moderate", body)
    assert data(answer)["state"] == "rejected"


def test_vote_counts_three_times_for_elite_and_shows_the_totals(api):
    event = in_voting()

    cast = data(
        api.as_(UserFactory(tier_code="elite")).post(f"/events/{event.pk}/vote", {"value": 1})
    )

    assert cast == {
        "points": 3,
        "voters": 1,
        "threshold": {"points": 30, "voters": 12},
        "mine": 1,
        "state": "voting",
    }


def test_totals_are_hidden_until_she_votes(api, member):
    event = in_voting()
    api.as_(UserFactory()).post(f"/events/{event.pk}/vote", {"value": 1})

    votes = data(api.as_(member).get(f"/events/{event.pk}"))["votes"]

    assert (votes["points"], votes["voters"], votes["mine"]) == (None, None, None)


def test_author_sees_totals_by_status_only_of_groups_of_five(api, member):
    event = in_voting()
    for n in range(9):
        process_vote(UserFactory(tier_code="elite" if n < 5 else "insider"), event, 1)
    path = f"/events/{event.pk}"

    hers, others = (data(api.as_(one).get(path))["votes"] for one in (event.creator, member))
    hide_results(event=event, by=event.creator, at=timezone.now())
    hidden = data(api.as_(event.creator).get(path))["votes"]

    assert hers["byTier"] == [{"tier": "elite", "voters": 5, "points": 15}]
    assert (others["byTier"], hidden["byTier"]) == (None, None)


def test_question_is_answered_in_the_app_and_shown_to_scanners(api, member):
    event = published(question="Можно вас фотографировать?")
    one, other = f"/events/{event.pk}", UserFactory()
    data(api.as_(other).post(f"{one}/register", {"answer": False}), 201)
    asked = data(api.as_(member).post(f"{one}/register", {}), 201)
    roster = data(api.as_(UserFactory(job="admin")).get(f"{one}/roster"))
    actions = data(api.as_(member).get(one))["allowedActions"]

    said = data(api.as_(member).post(f"{one}/answer", {"answer": True}))

    assert (asked["answer"], said["answer"]) == (None, True)
    assert "answer" in actions
    assert "answer" not in data(api.as_(member).get(one))["allowedActions"]
    assert roster["question"] == event.question
    assert sorted(row["needsAnswer"] for row in roster["guests"]) == [False, True]


def test_weight_in_the_request_is_refused(api, member):
    answer = api.as_(member).post(f"/events/{in_voting().pk}/vote", {"value": 1, "weight": 9})

    assert code(answer) == (422, "VALIDATION_ERROR")


def test_register_answers_201_then_202(api):
    event = published(capacity=1)

    first = api.as_(UserFactory()).post(f"/events/{event.pk}/register", {})
    second = api.as_(UserFactory()).post(f"/events/{event.pk}/register", {"autoAccept": True})

    seat, line = data(first, 201), data(second, 202)
    assert (seat["state"], seat["seats"], seat["cancelPreview"]["outcome"]) == (
        "confirmed",
        [1],
        "cancelled",
    )
    assert seat["ticket"]["svg"].startswith("<svg")
    assert (line["state"], line["position"], line["waitsBecause"]) == ("waitlisted", 1, "next")


def test_same_key_registers_once(api, member):
    event, caller = published(), api.as_(member)

    first = caller.post(f"/events/{event.pk}/register", {}, key="k")
    again = caller.post(f"/events/{event.pk}/register", {}, key="k")

    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["data"] == first.json()["data"]


def test_address_is_for_confirmed_guests(api, member):
    event = published()
    before = data(api.as_(member).get(f"/events/{event.pk}"))["address"]

    comes(event, member)

    assert (before, data(api.as_(member).get(f"/events/{event.pk}"))["address"]) == (
        None,
        "Покровка, 1",
    )


def test_cancel_with_the_outcome_that_was_promised(api, member):
    event, caller = published(), api.as_(member)
    comes(event, member)
    path = f"/api/v1/events/{event.pk}/register"

    wrong = caller.client.delete(path + "?expectedOutcome=cancelled_late", headers=caller.headers)
    right = caller.client.delete(path + "?expectedOutcome=cancelled", headers=caller.headers)

    assert (wrong.status_code, right.json()["data"]["state"]) == (409, "cancelled")


def test_offer_is_taken_over_the_api(api, at):
    event = published(capacity=1)
    seated, waiting = UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, waiting)
    caller = api.as_(seated)
    caller.client.delete(f"/api/v1/events/{event.pk}/register", headers=caller.headers)

    card = data(api.as_(waiting).get(f"/events/{event.pk}"))
    taken = data(api.as_(waiting).post(f"/events/{event.pk}/offer", {"accept": True}))

    assert card["allowedActions"] == ["accept", "decline"]
    assert taken["state"] == "confirmed"


def test_ticket_is_verified_with_the_public_key_alone(api, member):
    host = BusinessFactory()
    event = published(business=host)
    comes(event, member)
    ticket = data(api.as_(member).get(f"/events/{event.pk}/ticket"))["code"]

    keys = data(api.as_(staff_of(host)).get(f"/events/{event.pk}/roster"))["keys"]

    prefix, kid, body, signature = ticket.split(".")
    raw = base64.b32decode(signature + "=" * (-len(signature) % 8))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[kid]))
    public.verify(raw, f"{prefix}.{kid}.{body}".encode())


def test_check_in_at_the_door(api, member, at):
    host = BusinessFactory()
    soon = at + timedelta(hours=1)
    event = published(
        business=host, starts_at=soon, ends_at=soon + timedelta(hours=2), closes_at=soon
    )
    comes(event, member)
    guard = api.as_(staff_of(host))
    ticket = data(api.as_(member).get(f"/events/{event.pk}/ticket"))["code"]

    [first] = data(guard.post(f"/events/{event.pk}/check-in", {"code": ticket}))
    [second] = data(guard.post(f"/events/{event.pk}/check-in", {"code": ticket}))

    assert (first["result"], first["firstName"], first["seats"]) == ("ok", member.first_name, [1])
    assert (second["result"], bool(second["first"]["at"])) == ("already", True)


def test_201_scans_are_too_many(api):
    host = BusinessFactory()
    event = published(business=host)
    scans = [{"nonce": str(n), "code": "x"} for n in range(201)]

    answer = api.as_(staff_of(host)).post(f"/events/{event.pk}/check-in", {"scans": scans})

    assert code(answer) == (422, "VALIDATION_ERROR")


# --- calendars -----------------------------------------------------------------------------------
def test_calendar_keeps_its_uid_and_counts_changes(api, member, at):
    event = published()
    comes(event, member)
    caller = api.as_(member)
    before = Calendar.from_ical(caller.get(f"/events/{event.pk}/calendar.ics").content)

    cancel_event(event=event, by=UserFactory(job="admin"), reason="Прорвало трубу", at=at)

    after = Calendar.from_ical(caller.get(f"/events/{event.pk}/calendar.ics").content)
    old, new = before.events[0], after.events[0]
    assert (old["uid"], old["status"], int(old["sequence"])) == (new["uid"], "CONFIRMED", 0)
    assert (new["status"], int(new["sequence"])) == ("CANCELLED", 1)
    assert "Покровка" in old["location"]
    assert "Покровка" not in new["location"]


def test_personal_feed_and_its_reset(api, member, at):
    comes(published(), member)
    token = reset_calendar(user=member, at=at)

    feed = api.get(f"/calendar/{token}.ics")
    same = api.get(f"/calendar/{token}.ics", **{"If-None-Match": feed["ETag"]})
    reset_calendar(user=member, at=at)
    gone = api.get(f"/calendar/{token}.ics")

    assert (feed["Content-Type"], len(Calendar.from_ical(feed.content).events)) == (
        "text/calendar; charset=utf-8",
        1,
    )
    assert (same.status_code, gone.status_code) == (304, 404)


# --- lists ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 12])
def test_list_costs_the_same_for_any_length(api, member, rows, django_assert_max_num_queries):
    for n in range(rows):
        event = published(capacity=1) if n % 2 else in_voting()
        if n % 2:
            comes(event, member if n % 4 == 1 else None)
    caller = api.as_(member)

    with django_assert_max_num_queries(11):
        answer = caller.get("/events")

    assert len(data(answer)) == rows


def test_drafts_of_others_do_not_exist(api, member):
    event = proposal()

    assert code(api.as_(member).get(f"/events/{event.pk}")) == (404, "NOT_FOUND")
    assert data(api.as_(member).get("/events")) == []


def test_filters(api, member, at):
    near = published(title="Чай у камина", city="Казань")
    published(title="Лекция")
    comes(near, member)
    caller = api.as_(member)

    found = {
        name: [row["id"] for row in data(caller.get("/events", {name: value}))]
        for name, value in [
            ("city", "казань"),
            ("mine", "true"),
            ("q", "камина"),
            ("state", "voting"),
        ]
    }

    mine = [str(near.pk)]
    assert found == {"city": mine, "mine": mine, "q": mine, "state": []}


def test_overview_shows_the_next_event(api, member):
    event = published(title="Чай")
    comes(event, member)

    shown = data(api.as_(member).get("/users/me/overview"))["nextEvent"]

    assert (shown["id"], shown["title"]) == (str(event.pk), "Чай")


def test_export_holds_what_she_did(api, member):
    comes(published(title="Чай"), member)
    event = in_voting()
    api.as_(member).post(f"/events/{event.pk}/vote", {"value": 1})

    part = data(api.as_(member).get("/users/me/export"))["events"]

    assert part["registrations"][0]["title"] == "Чай"
    assert part["votes"][0]["value"] == 1


def test_feedback_before_the_end_is_refused(api, member):
    event = published()
    comes(event, member)

    answer = api.as_(member).post(f"/events/{event.pk}/feedback", {"rating": 5})

    assert code(answer) == (409, "WRONG_STATE")
