"""What proposals refuse, and to whom: an author, a moderator, a voter, a curator."""

from datetime import timedelta

import pytest

from apps.core.errors import Forbidden, NotFound
from apps.events.enums import State
from apps.events.models import Case, Event
from apps.events.services import (
    WrongState,
    change_proposal,
    claim_case,
    create_event,
    decline_supported,
    hide_results,
    mend_count,
    moderate,
    process_vote,
    recount_votes,
    submit_proposal,
    sweep,
    tally,
    withdraw_proposal,
)
from apps.events.services.moderation import AppealForAdmin, CaseTaken, CommentNeeded, ReasonMissing
from apps.events.services.proposals import NotYetSubmittable, TickMissing
from apps.events.services.recount import NothingToCount
from tests.events.parts import moderator, now
from tests.events.test_proposals import COMMENT, supported
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.events import in_voting, planned, proposal, published, submitted

pytestmark = pytest.mark.django_db
WHY = "Площадку закрыли до весны"


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
