"""What events refuse, and to whom: every no is said by its name and leaves all as it was."""

from datetime import timedelta

import pytest

from apps.core.errors import Forbidden, NotFound
from apps.core.models import Message
from apps.events import queries, watching
from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration, Penalty, Scan
from apps.events.services import (
    AnswerStale,
    NotHost,
    Shown,
    Wish,
    WrongState,
    annul_scan,
    answer_feedback,
    answer_offer,
    cancel_event,
    cancel_registration,
    change_event,
    check_in,
    complete_event,
    correct_attendance,
    create_event,
    finalise_attendance,
    give_feedback,
    publish_event,
    register_for_event,
    schedule_event,
    seat_by_hand,
    set_capacity,
    tickets,
)
from apps.events.services.opinions import NotThere, TooLateToRate
from apps.events.services.planning import AlreadyOver, NotReady, TermsFixed
from apps.events.services.registering import NoGuests, NothingOffered, RegistrationClosed
from apps.events.services.replies import AnswerEmpty
from tests.events.parts import now, penalise
from tests.events.test_proposals import supported
from tests.events.test_seats import give
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, planned, proposal, published

pytestmark = pytest.mark.django_db
WHY = "Площадку закрыли до весны"


# --- planning -------------------------------------------------------------------------------------
def test_promised_terms_stay_once_somebody_has_registered(at, admin):
    event = published(at=at)
    change_event(event=event, changes={"price": 100}, by=admin, at=at)
    change_event(event=event, changes={"price": 0}, by=admin, at=at)
    comes(event, at=at)

    with pytest.raises(TermsFixed):
        change_event(event=event, changes={"price": 300}, by=admin, at=at)

    event.refresh_from_db()
    assert event.price == 0


def test_more_seats_by_the_form_are_offered_along_the_line(at, admin):
    event = published(at=at, capacity=1)
    comes(event, at=at)
    waits = comes(event, at=at)

    change_event(event=event, changes={"capacity": 2}, by=admin, at=at)

    waits.refresh_from_db()
    assert (waits.state, event.seats.count()) == (Place.OFFERED, 2)


def test_who_may_change_an_event_and_until_when(at, admin, stranger):
    prepared = supported(at)
    schedule_event(event=prepared, plan=planned(at), by=admin, at=at)
    event, off = published(at=at), published(at=at)
    cancel_event(event=off, by=admin, reason=WHY, at=at)
    other = {"changes": {"contact": "Мария"}}

    with pytest.raises(NotHost):
        change_event(event=prepared, by=prepared.creator, at=at, **other)
    with pytest.raises(AlreadyOver):
        change_event(event=off, by=admin, at=at, **other)
    with pytest.raises(AlreadyOver):
        change_event(event=event, by=admin, at=event.ends_at, **other)
    with pytest.raises(NotFound):
        change_event(event=event, by=stranger, at=at, **other)
    with pytest.raises(NotFound):
        set_capacity(event=event, capacity=1, by=stranger, at=at)
    with pytest.raises(NotFound):
        cancel_event(event=event, by=stranger, reason=WHY, at=at)
    with pytest.raises(NotFound):
        complete_event(event=event, by=stranger, at=event.starts_at)

    assert (now(event), event.capacity, event.contact) == (
        State.PUBLISHED,
        20,
        "Ольга, +7 495 000-00-00",
    )


def test_unready_event_says_what_is_missing(at, admin):
    event = create_event(planned(at, contact="", capacity=0), admin, at=at)

    with pytest.raises(NotReady) as refused:
        publish_event(event=event, by=admin, at=at)

    assert str(refused.value) == "Заполнено ещё не всё: capacity, contact."


def test_cancelling_tells_everybody_but_the_erased(at, admin, member):
    event = published(at=at)
    comes(event, member, at)
    nobody = comes(event, at=at)
    EventRegistration.objects.filter(pk=nobody.pk).update(member=None)

    cancel_event(event=event, by=admin, reason=WHY, at=at)

    told = Message.objects.filter(topic="EventCancelled").values_list(
        "payload__member_id", flat=True
    )
    nobody.refresh_from_db()
    assert (list(told), nobody.state) == ([str(member.pk)], Place.EVENT_CANCELLED)


def test_end_closes_the_line_and_open_offers(at):
    event = published(at=at, capacity=1)
    people = [comes(event, at=at) for _ in range(3)]
    cancel_registration(user=people[0].member, event=event, at=at)

    complete_event(event=event, by=None, at=event.starts_at)

    states = list(event.registrations.order_by("turn").values_list("state", flat=True))
    assert states == [Place.CANCELLED, Place.OFFER_EXPIRED, Place.LEFT_WAITLIST]
    assert event.seats.filter(registration__isnull=False).count() == 0


# --- coming ---------------------------------------------------------------------------------------
def test_no_seat_at_a_draft_a_cancelled_event_or_for_an_unasked_guest(at, admin, member):
    draft, off, alone = proposal(at=at), published(at=at), published(at=at)
    cancel_event(event=off, by=admin, reason=WHY, at=at)

    with pytest.raises(NotFound):
        comes(draft, member, at)
    with pytest.raises(RegistrationClosed):
        comes(off, member, at)
    with pytest.raises(NoGuests):
        register_for_event(member, alone, at=at, wish=Wish(guests=1))
    with pytest.raises(WrongState):
        seat_by_hand(event=off, member=member, by=admin, reason=WHY, at=at)
    with pytest.raises(NothingOffered):
        answer_offer(user=member, event=alone, accept=True, at=at)

    assert not EventRegistration.objects.exists()


def test_who_came_or_is_late_cannot_cancel(at, admin):
    event = published(at=at)
    came, late = comes(event, at=at), comes(event, at=at)
    shown = [Shown(nonce="a", at=event.starts_at, code=tickets.sign(event, came))]
    check_in(event=event, shown=shown, by=admin, at=event.starts_at)

    for place in (came, late):
        with pytest.raises(WrongState):
            cancel_registration(user=place.member, event=event, at=event.starts_at)

    assert set(event.registrations.values_list("state", flat=True)) == {"attended", "confirmed"}


def test_single_takes_the_seat_that_a_pair_ahead_cannot_use(at):
    event = published(at=at, capacity=2, guests_allowed=True)
    comes(event, at=at)
    pair = register_for_event(UserFactory(), event, at=at, wish=Wish(guests=1))

    single = comes(event, at=at)

    pair.refresh_from_db()
    assert (pair.state, single.state) == (Place.WAITLISTED, Place.OFFERED)


def test_eager_guest_without_bonuses_is_asked_like_everybody(at, member):
    """She ticked «confirm by itself», but the price is not there: an offer, nothing charged."""
    event = published(at=at, capacity=1, price=300)
    give(member)
    comes(event, member, at)
    eager = register_for_event(UserFactory(), event, at=at, wish=Wish(auto_accept=True))

    cancel_registration(user=member, event=event, at=at)

    eager.refresh_from_db()
    assert (eager.state, eager.paid) == (Place.OFFERED, 0)


# --- the door -------------------------------------------------------------------------------------
def test_door_is_for_the_host_and_her_staff(at, admin, stranger):
    event = published(at=at, business=BusinessFactory())
    place, during = comes(event, at=at), event.starts_at
    shown = [Shown(nonce="a", at=during, code=tickets.sign(event, place))]
    asked = {"by": stranger, "reason": WHY, "at": during}

    with pytest.raises(NotFound):
        check_in(event=event, shown=shown, by=stranger, at=during)
    with pytest.raises(WrongState):
        check_in(event=proposal(creator=admin), shown=shown, by=admin, at=during)
    seen = check_in(event=event, shown=shown, by=staff_of(event.business), at=during)[0]
    with pytest.raises(NotFound):
        annul_scan(scan=seen.scan, **asked)
    with pytest.raises(NotFound):
        correct_attendance(registration=place, to=Place.NO_SHOW, **asked)

    place.refresh_from_db()
    assert (place.state, Scan.objects.count()) == (Place.ATTENDED, 1)


def test_door_says_why_somebody_is_not_let_in(at, admin):
    event, during = published(at=at, capacity=1), published(at=at).starts_at
    place, other = comes(event, at=at), comes(published(at=at), at=at)
    waits = comes(event, at=at)
    old = tickets.sign(event, place)
    EventRegistration.objects.filter(pk=place.pk).update(ticket=2)
    looked = {"at": during, "identity_checked": True}
    shown = [
        Shown(nonce="old", at=during, code=old),
        Shown(nonce="nobody", registration_id=event.pk, **looked),
        Shown(nonce="other", registration_id=other.pk, **looked),
        Shown(nonce="waits", registration_id=waits.pk, **looked),
    ]

    seen = check_in(event=event, shown=shown, by=admin, at=during)

    assert [one.scan.result for one in seen] == [
        "revoked",
        "unknown",
        "wrong_event",
        "not_confirmed",
    ]
    with pytest.raises(WrongState):
        annul_scan(scan=seen[0].scan, by=admin, reason=WHY, at=during)


def test_annulled_entry_of_a_cancelled_guest_changes_nothing_for_her(at, admin):
    event = published(at=at)
    place, during = comes(event, at=at), event.starts_at
    cancel_registration(user=place.member, event=event, at=at)
    shown = [Shown(nonce="a", at=during, code=tickets.sign(event, place), offline=True)]
    seen = check_in(event=event, shown=shown, by=admin, at=during)[0]

    annulled = annul_scan(scan=seen.scan, by=admin, reason=WHY, at=during)

    place.refresh_from_db()
    assert (bool(annulled.annulled_at), place.state) == (True, Place.CANCELLED)


def test_attendance_becomes_final_once(at):
    event = published(at=at)
    comes(event, at=at)
    over = event.ends_at + timedelta(hours=2)
    early = finalise_attendance(event=event, at=over)
    complete_event(event=event, by=None, at=over)

    found = [finalise_attendance(event=event, at=over + timedelta(days=1)) for _ in range(2)]

    assert (early, found, Penalty.objects.get().points) == (0, [1, 0], 2)


# --- opinions -------------------------------------------------------------------------------------
def test_stars_may_be_changed_for_a_day_and_given_for_a_week(at, member):
    event = published(at=at)
    comes(event, member, at)
    asked = {"user": member, "event": event, "comment": ""}
    with pytest.raises(NotThere):
        give_feedback(rating=5, at=event.ends_at, **asked)
    EventRegistration.objects.update(state=Place.ATTENDED)
    for wrong in (
        event.ends_at - timedelta(minutes=1),
        event.ends_at + timedelta(days=7, minutes=1),
    ):
        with pytest.raises(TooLateToRate):
            give_feedback(rating=5, at=wrong, **asked)

    last = event.ends_at + timedelta(days=7)
    give_feedback(rating=2, at=last, **asked)
    changed = give_feedback(rating=4, at=last + timedelta(hours=24), **asked)
    with pytest.raises(TooLateToRate):
        give_feedback(rating=1, at=last + timedelta(hours=25), **asked)

    changed.refresh_from_db()
    assert (changed.rating, changed.changed_at) == (4, last + timedelta(hours=24))


def test_nobody_is_found_by_nothing(at):
    event = published(at=at)
    comes(event, UserFactory(first_name="Мария"), at)

    found = [len(watching.guests_named(event, text)) for text in ("", "  ", "мар", "Пётр")]

    assert found == [0, 0, 1, 0]


def test_line_says_what_has_to_happen(at, member):
    event = published(at=at, capacity=2, guests_allowed=True)
    first = comes(event, at=at)
    comes(event, at=at)
    pair = register_for_event(UserFactory(), event, at=at, wish=Wish(guests=1))
    penalise(member, points=2, at=at, registration=first)
    bad = comes(event, member, at + timedelta(days=1))
    last = comes(event, at=at + timedelta(days=1))

    why = [queries.why_not_me(event, one, position=3, at=at) for one in (pair, bad, last)]

    assert why == ["pair_needs_two", "after_all_others", "others_ahead"]


# --- the host's answer to an opinion --------------------------------------------------------------
@pytest.fixture
def opinion(at, member, business):
    event = published(at=at, business=business)
    comes(event, member, at)
    EventRegistration.objects.update(state=Place.ATTENDED)
    return give_feedback(user=member, event=event, rating=3, comment="Душно", at=event.ends_at)


def test_host_answers_an_opinion_and_the_guest_hears_it_once(opinion, member, owner, at):
    asked = {"feedback_id": opinion.pk, "by": owner, "at": at}

    answer_feedback(answer="Поставим кондиционер", seen="", **asked)
    with pytest.raises(AnswerStale):
        answer_feedback(answer="Другое", seen="", **asked)
    row = answer_feedback(answer=" Поставили ", seen="Поставим кондиционер", **asked)

    assert (row.answer, row.answered_by) == ("Поставили", owner)
    told = Message.objects.filter(topic="EventModerated", payload__decision="answered")
    assert [one.payload["member_id"] for one in told] == [str(member.pk)]


@pytest.mark.parametrize("answer", ["", "   ", "я" * 1001])
def test_answer_of_the_host_is_a_sentence_or_two(opinion, owner, at, answer):
    with pytest.raises(AnswerEmpty):
        answer_feedback(feedback_id=opinion.pk, answer=answer, seen="", by=owner, at=at)


def test_nobody_else_answers_for_the_host(opinion, staff, admin, at):
    asked = {"answer": "Поставим кондиционер", "seen": "", "at": at}
    Event.objects.update(business=BusinessFactory())
    with pytest.raises(Forbidden):
        answer_feedback(feedback_id=opinion.pk, by=staff, **asked)
    Event.objects.update(business=None)

    for pk in (opinion.pk, opinion.registration_id):
        with pytest.raises(NotFound):
            answer_feedback(feedback_id=pk, by=admin, **asked)

    opinion.refresh_from_db()
    assert opinion.answer == ""
