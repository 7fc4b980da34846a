"""What events refuse, and to whom: every no is said by its name and leaves all as it was."""

from datetime import timedelta

import pytest

from apps.core.errors import Forbidden, NotFound
from apps.core.models import Message
from apps.events import queries, watching
from apps.events.enums import Place, State
from apps.events.models import Case, Event, EventRegistration, Penalty, Scan
from apps.events.services import (
    NotHost,
    Shown,
    Wish,
    WrongState,
    annul_scan,
    answer_offer,
    cancel_event,
    cancel_registration,
    change_event,
    change_proposal,
    check_in,
    claim_case,
    complete_event,
    correct_attendance,
    create_event,
    decline_supported,
    finalise_attendance,
    give_feedback,
    hide_results,
    mend_count,
    moderate,
    process_vote,
    publish_event,
    recount_votes,
    register_for_event,
    schedule_event,
    seat_by_hand,
    set_capacity,
    submit_proposal,
    sweep,
    tally,
    tickets,
    withdraw_proposal,
)
from apps.events.services.moderation import AppealForAdmin, CaseTaken, CommentNeeded, ReasonMissing
from apps.events.services.opinions import NotThere, TooLateToRate
from apps.events.services.planning import AlreadyOver, NotReady, TermsFixed
from apps.events.services.proposals import NotYetSubmittable, TickMissing
from apps.events.services.recount import NothingToCount
from apps.events.services.registering import NoGuests, NothingOffered, RegistrationClosed
from tests.events.test_proposals import COMMENT, supported
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, in_voting, planned, proposal, published, submitted

pytestmark = pytest.mark.django_db
WHY = "Площадку закрыли до весны"


@pytest.fixture
def admin(db):
    return UserFactory(job="admin")


@pytest.fixture
def stranger(db):
    return UserFactory(tier_code="vip")


def moderator():
    return UserFactory(tier_code="inner_circle")


def now(event):
    event.refresh_from_db()
    return event.state


# --- proposals ------------------------------------------------------------------------------------
def test_owner_plans_for_her_own_partner_alone(at, owner, business):
    hers = create_event(planned(at, business=business), owner, at=at)

    with pytest.raises(NotFound):
        create_event(planned(at, business=BusinessFactory()), owner, at=at)

    assert (hers.kind, Event.objects.count()) == ("curated", 1)


def test_foreign_proposal_is_neither_changed_nor_submitted(at, stranger):
    event = proposal(at=at)

    with pytest.raises(NotFound):
        change_proposal(event=event, changes={"title": "Моё"}, by=stranger, version=None, at=at)
    with pytest.raises(NotFound):
        submit_proposal(event=event, by=stranger, no_personal_data=True, at=at)
    with pytest.raises(Forbidden):
        hide_results(event=event, by=stranger, at=at)

    assert (now(event), event.title, event.results_hidden) == ("draft", "Поход за грибами", False)


@pytest.mark.parametrize(
    ("text", "ticked", "refusal"),
    [
        ({"description": "Коротко."}, True, NotYetSubmittable),
        ({"city": " "}, True, NotYetSubmittable),
    ]
    + [({}, False, TickMissing)],
)
def test_proposal_is_submitted_whole(at, text, ticked, refusal):
    event = proposal(at=at, **text)

    with pytest.raises(refusal):
        submit_proposal(event=event, by=event.creator, no_personal_data=ticked, at=at)

    assert (now(event), Case.objects.count()) == (State.DRAFT, 0)


def test_same_text_is_no_change_and_a_withdrawn_one_has_no_text(at):
    event = submitted(at=at)
    asked = {"event": event, "by": event.creator, "version": None, "at": at}

    same = change_proposal(changes={"title": event.title}, **asked)
    withdraw_proposal(event=event, by=event.creator, at=at)
    with pytest.raises(WrongState):
        change_proposal(changes={"title": "Другое"}, **asked)

    assert same.version == event.version
    assert (now(event), event.title) == (State.WITHDRAWN, "Поход за грибами")


def test_typo_in_the_first_minutes_of_voting_costs_no_votes(at):
    event = in_voting(at=at)
    process_vote(UserFactory(tier_code="elite"), event, 1, at=at)
    asked = {"event": event, "by": event.creator, "version": None}

    mended = change_proposal(
        changes={"title": "Поход за рыжиками"}, at=at + timedelta(minutes=14), **asked
    )
    votes = tally(mended)
    late = change_proposal(changes={"title": "Поход"}, at=at + timedelta(minutes=15), **asked)

    assert (mended.title, votes) == ("Поход за рыжиками", (3, 1))
    assert (late.state, tally(late)) == (State.SUBMITTED, (0, 0))


def test_rejection_is_appealed_once_within_14_days_and_an_admin_decides(at, admin):
    event, late = submitted(at=at), submitted(at=at)
    no = {"action": "reject", "reason": "unclear", "comment": COMMENT, "at": at}
    for one in (event, late):
        moderate(event=one, by=moderator(), **no)
    asked = {"by": event.creator, "no_personal_data": True}

    with pytest.raises(WrongState):
        submit_proposal(
            event=late, by=late.creator, no_personal_data=True, at=at + timedelta(days=14)
        )
    submit_proposal(event=event, at=at + timedelta(days=13), **asked)
    with pytest.raises(AppealForAdmin):
        moderate(event=event, by=moderator(), **no)
    moderate(event=event, by=admin, **no)
    with pytest.raises(WrongState):
        submit_proposal(event=event, at=at + timedelta(days=13), **asked)

    assert (now(event), event.appealed, now(late)) == (State.REJECTED, True, State.REJECTED)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"action": "reject", "comment": COMMENT}, ReasonMissing),
        ({"action": "reject", "reason": "unclear", "comment": "Нет."}, CommentNeeded),
        ({"action": "request_changes", "reason": "unclear"}, CommentNeeded),
    ],
)
def test_no_is_explained_to_the_author(at, given, refusal):
    event = submitted(at=at)

    with pytest.raises(refusal):
        moderate(event=event, by=moderator(), at=at, **given)

    assert (now(event), event.cases.get().decision) == (State.SUBMITTED, "")


def test_claimed_case_is_decided_by_whoever_holds_it(at):
    event, first, second = submitted(at=at), moderator(), moderator()
    claim_case(event=event, by=first, at=at)

    with pytest.raises(CaseTaken):
        moderate(event=event, action="approve", by=second, at=at)
    moderate(event=event, action="approve", by=first, at=at)

    assert now(event) == State.VOTING


def test_draft_waits_for_no_moderator(at):
    with pytest.raises(WrongState):
        claim_case(event=proposal(at=at), by=moderator(), at=at)


def test_vote_wants_an_open_vote(at, member, admin):
    event = in_voting(at=at)
    withdraw_proposal(event=event, by=event.creator, at=at)

    with pytest.raises(WrongState):
        process_vote(member, event, 1, at=at)
    with pytest.raises(WrongState):
        decline_supported(event=event, by=admin, reason=WHY, at=at)

    assert tally(event) == (0, 0)


def test_window_that_ends_after_the_threshold_takes_nothing_away(at):
    event = supported(at)

    sweep(at=at + timedelta(days=21))

    assert now(event) == State.THRESHOLD_REACHED


def test_results_are_hidden_once(at):
    event = in_voting(at=at)
    before = event.changes.count()

    for _ in range(2):
        hidden = hide_results(event=event, by=event.creator, at=at)

    assert (hidden.results_hidden, event.changes.count()) == (True, before + 1)


def test_votes_are_counted_and_mended_by_admins_where_there_are_votes(at, admin, stranger):
    event = in_voting(at=at)

    with pytest.raises(Forbidden):
        mend_count(event=event, by=stranger, reason=WHY, at=at)
    with pytest.raises(NothingToCount):
        recount_votes(event=published(at=at), by=admin, at=at)

    assert now(event) == State.VOTING


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
    for n in range(2):
        Penalty.objects.create(
            registration=first,
            member=member,
            points=2,
            cause=Place.NO_SHOW if n else Place.CANCELLED_LATE,
            given_at=at,
            lapses_at=at + timedelta(days=60),
        )
    bad = comes(event, member, at + timedelta(days=1))
    last = comes(event, at=at + timedelta(days=1))

    why = [queries.why_not_me(event, one, position=3, at=at) for one in (pair, bad, last)]

    assert why == ["pair_needs_two", "after_all_others", "others_ahead"]
