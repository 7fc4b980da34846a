"""Proposals, moderation and weighted votes: cases of events.md by name."""

from datetime import timedelta
from uuid import UUID

import pytest

from apps.accounts.models import StatusTier
from apps.core.errors import Forbidden, NotFound, StatusRequired
from apps.core.models import AuditEntry, Message
from apps.events.enums import State
from apps.events.models import EventRegistration, VoteRecord
from apps.events.services import (
    Stale,
    WrongState,
    answer_offer,
    cancel_registration,
    change_proposal,
    claim_case,
    decline_supported,
    forget_member,
    mend_count,
    moderate,
    process_vote,
    publish_event,
    recount_votes,
    schedule_event,
    submit_proposal,
    sweep,
    tally,
    withdraw_proposal,
)
from apps.events.services.moderation import AlreadyDecided, CaseTaken, OwnProposal, RoundsUsedUp
from apps.events.services.proposals import (
    NothingChanged,
    TooEarlyAgain,
    TooManyProposals,
    VoteIsFinal,
)
from apps.events.services.recount import NothingToMend
from apps.events.services.registering import NotOpenYet
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, in_voting, planned, proposal, submitted

pytestmark = pytest.mark.django_db
COMMENT = "Напишите, пожалуйста, где именно и во сколько встреча."


def supported(at, **given):
    """Thirty points of twelve people."""
    event = in_voting(at=at, **given)
    for n in range(12):
        voter = UserFactory(tier_code="elite" if n < 9 else "insider")
        process_vote(voter, event, 1, at=at)
    event.refresh_from_db()
    return event


def told():
    """(what became of a proposal, who heard it), in order."""
    rows = Message.objects.filter(topic="EventModerated").order_by("created_at", "id")
    return [(one.payload["decision"], UUID(one.payload["member_id"])) for one in rows]


def test_insider_may_not_propose():
    with pytest.raises(StatusRequired):
        proposal(creator=UserFactory())


def test_three_open_proposals_at_most():
    author = UserFactory(tier_code="vip")
    for _ in range(3):
        proposal(creator=author)

    with pytest.raises(TooManyProposals):
        proposal(creator=author)


def test_nobody_moderates_her_own():
    author = UserFactory(tier_code="inner_circle")
    event = submitted(creator=author)

    with pytest.raises(OwnProposal):
        moderate(event=event, action="approve", by=author, at=event.created_at)


def test_second_moderator_hears_the_first_decision(at):
    event = submitted()
    first, second = UserFactory(tier_code="inner_circle"), UserFactory(tier_code="inner_circle")
    moderate(event=event, action="approve", by=first, at=at)

    with pytest.raises(AlreadyDecided) as told:
        moderate(event=event, action="reject", by=second, at=at, reason="unclear", comment=COMMENT)

    assert "одобрено" in str(told.value)


def test_claimed_case_is_hers_for_half_an_hour(at):
    event = submitted()
    first, second = UserFactory(tier_code="inner_circle"), UserFactory(tier_code="inner_circle")
    claim_case(event=event, by=first, at=at)

    with pytest.raises(CaseTaken):
        claim_case(event=event, by=second, at=at + timedelta(minutes=29))

    assert claim_case(event=event, by=second, at=at + timedelta(minutes=30)).claimed_by == second


def test_unsafe_needs_two_moderators(at):
    event = submitted()
    first, second = UserFactory(tier_code="inner_circle"), UserFactory(tier_code="inner_circle")
    asked = {"action": "reject", "reason": "unsafe", "comment": COMMENT, "at": at}

    moderate(event=event, by=first, **asked)
    moderate(event=event, by=first, **asked)
    event.refresh_from_db()
    waiting = event.state
    moderate(event=event, by=second, **asked)
    event.refresh_from_db()

    assert (waiting, event.state) == (State.SUBMITTED, State.REJECTED)


def test_changes_are_asked_three_times_at_most_and_must_change_something(at):
    event = submitted()
    moderator = UserFactory(tier_code="inner_circle")
    asked = {"action": "request_changes", "reason": "unclear", "comment": COMMENT}
    for n in range(3):
        moderate(event=event, by=moderator, at=at, **asked)
        with pytest.raises(NothingChanged):
            submit_proposal(event=event, by=event.creator, no_personal_data=True, at=at)
        change_proposal(
            event=event,
            changes={"title": f"Поход за грибами, {n}"},
            by=event.creator,
            version=None,
            at=at,
        )
        submit_proposal(event=event, by=event.creator, no_personal_data=True, at=at)

    with pytest.raises(RoundsUsedUp):
        moderate(event=event, by=moderator, at=at, **asked)


def test_moderator_decides_while_the_author_edits(at):
    event = submitted()
    seen = event.version
    moderate(event=event, action="approve", by=UserFactory(tier_code="inner_circle"), at=at)

    with pytest.raises(Stale):
        change_proposal(
            event=event, changes={"title": "Другое"}, by=event.creator, version=seen, at=at
        )


def test_rules_are_frozen_when_voting_opens(at):
    event = in_voting(at=at)
    StatusTier.objects.filter(code="insider").update(vote_weight=9)

    process_vote(UserFactory(), event, 1, at=at)

    assert (event.need_points, event.need_voters) == (30, 12)
    assert VoteRecord.objects.get().weight == 1


def test_ten_elite_voices_alone_do_not_suffice(at):
    event = in_voting(at=at)

    for _ in range(10):
        result = process_vote(UserFactory(tier_code="elite"), event, 1, at=at)

    assert (result.points, result.voters, result.state) == (30, 10, State.VOTING)


def test_threshold_is_crossed_once(at):
    event = supported(at)
    process_vote(UserFactory(tier_code="elite"), event, 1, at=at)

    assert event.state == State.THRESHOLD_REACHED
    assert event.changes.filter(after=State.THRESHOLD_REACHED).count() == 1


def test_support_is_final_after_the_threshold(at):
    event = in_voting(at=at)
    voters = [UserFactory(tier_code="elite") for _ in range(12)]
    for voter in voters:
        process_vote(voter, event, 1, at=at)

    with pytest.raises(VoteIsFinal):
        process_vote(voters[0], event, 0, at=at)


def test_vote_is_changed_by_another_row_and_a_double_tap_is_nothing(at):
    event, voter = in_voting(at=at), UserFactory()

    for value in (1, 1, 0, 1):
        result = process_vote(voter, event, value, at=at)

    assert (result.points, result.voters, result.mine) == (1, 1, 1)
    assert VoteRecord.objects.count() == 3
    assert Message.objects.filter(topic="EventVoted").count() == 3


def test_downgraded_voter_keeps_her_weight_until_she_votes_again(at):
    event, voter = in_voting(at=at), UserFactory(tier_code="elite")
    process_vote(voter, event, 1, at=at)
    voter.tier = StatusTier.objects.get(code="vip")
    voter.save()

    kept = tally(event)
    process_vote(voter, event, 1, at=at)

    assert (kept, tally(event)) == ((3, 1), (1, 1))


def test_erased_voter_leaves_a_weight_without_a_name(at):
    event, voter = in_voting(at=at), UserFactory(tier_code="elite")
    process_vote(voter, event, 1, at=at)

    forget_member(member_id=voter.pk, at=at)

    assert (tally(event), VoteRecord.objects.get().voter) == ((3, 1), None)


def test_short_vote_expires_and_may_be_tried_once_more_after_30_days(at):
    event = in_voting(at=at)
    over = at + timedelta(days=21)
    sweep(at=over)
    event.refresh_from_db()
    again = {"event": event, "by": event.creator, "no_personal_data": True}

    expired = event.state
    with pytest.raises(TooEarlyAgain):
        submit_proposal(at=over + timedelta(days=29), **again)
    second = submit_proposal(at=over + timedelta(days=30), **again)

    assert (expired, second.state) == (State.EXPIRED, State.SUBMITTED)


def test_no_vote_after_the_window(at):
    event = in_voting(at=at)

    with pytest.raises(WrongState):
        process_vote(UserFactory(), event, 1, at=at + timedelta(days=21))


def test_edit_after_votes_goes_back_to_moderation_and_clears_them(at):
    event = in_voting(at=at)
    process_vote(UserFactory(), event, 1, at=at)

    changed = change_proposal(
        event=event,
        changes={"description": "Совсем другой поход, на байдарках и с ночёвкой у озера."},
        by=event.creator,
        version=None,
        at=at + timedelta(hours=1),
    )

    assert (changed.state, tally(changed)) == (State.SUBMITTED, (0, 0))
    assert told()[-1][0] == "votes_cleared"


def test_withdrawn_keeps_its_votes(at):
    event, voter = in_voting(at=at), UserFactory()
    process_vote(voter, event, 1, at=at)

    withdrawn = withdraw_proposal(event=event, by=event.creator, at=at)

    assert (withdrawn.state, VoteRecord.objects.count()) == (State.WITHDRAWN, 1)
    assert told() == [("approve", event.creator_id), ("withdrawn", voter.pk)]


def test_supported_proposal_is_declined_only_with_a_reason(at):
    event = supported(at)

    declined = decline_supported(
        event=event, by=UserFactory(job="admin"), reason="Нет площадки до весны", at=at
    )

    assert (declined.state, declined.end_reason) == (State.DECLINED, "Нет площадки до весны")


def test_supporters_register_a_day_before_everybody(at):
    event = in_voting(at=at)
    fans = [UserFactory(tier_code="elite") for _ in range(12)]
    for fan in fans:
        process_vote(fan, event, 1, at=at)
    admin = UserFactory(job="admin")
    opens = at + timedelta(days=3)
    schedule_event(event=event, plan=planned(at, opens_at=opens), by=admin, at=at)
    publish_event(event=event, by=admin, at=at)
    early = opens - timedelta(hours=23)

    place = comes(event, fans[0], early)
    with pytest.raises(NotOpenYet):
        comes(event, None, early)

    assert (place.state, place.band) == ("confirmed", 0)


def test_status_drop_while_offered_changes_nothing(at):
    """The offer stands; the right to come early was asked for when she registered."""
    event = supported(at)
    admin = UserFactory(job="admin")
    schedule_event(event=event, plan=planned(at, capacity=1), by=admin, at=at)
    publish_event(event=event, by=admin, at=at)
    seated, member = UserFactory(), UserFactory(tier_code="vip")
    comes(event, seated, at)
    comes(event, member, at)
    cancel_registration(user=seated, event=event, at=at)
    member.tier = StatusTier.objects.get(code="insider")
    member.save()

    sweep(at=at + timedelta(minutes=1))
    offered = EventRegistration.objects.get(member=member).state
    place = answer_offer(user=member, event=event, accept=True, at=at + timedelta(minutes=2))

    assert (offered, place.state) == ("offered", "confirmed")


def test_foreign_proposal_does_not_exist_for_others(at):
    event = submitted()

    for call in (withdraw_proposal,):
        with pytest.raises(NotFound):
            call(event=event, by=UserFactory(tier_code="vip"), at=at)


# --- counting again -------------------------------------------------------------------------------
def test_recount_equals_the_sum_of_rows_after_a_downgrade(at):
    """Elite downgraded after voting: the stored weight stays, the recount equals the rows."""
    event, admin = in_voting(at=at), UserFactory(job="admin")
    voters = [UserFactory(tier_code=code) for code in ("elite", "elite", "vip", "insider")]
    for n, voter in enumerate(voters):
        process_vote(voter, event, int(n != 2), at=at)
    voters[0].tier = StatusTier.objects.get(code="insider")
    voters[0].save()

    counted = recount_votes(event=event, by=admin, at=at)

    assert (counted.points, counted.voters, counted.is_equal) == (7, 3, True)
    assert [(one.tier, one.yes, one.yes_weight, one.no) for one in counted.groups] == [
        ("elite", 2, 6, 0),
        ("insider", 1, 1, 0),
        ("vip", 0, 0, 1),
    ]
    assert AuditEntry.objects.get(action="events.recount").reason.endswith(counted.digest)
    assert recount_votes(event=event, by=admin, at=at).digest == counted.digest
    with pytest.raises(Forbidden):
        recount_votes(event=event, by=event.creator, at=at)


def test_recount_finds_a_forged_weight_and_mends_a_missed_threshold(at):
    event, admin = in_voting(at=at), UserFactory(job="admin")
    with pytest.raises(NothingToMend):
        mend_count(event=event, by=admin, reason="Проверка пересчёта", at=at)
    VoteRecord.objects.bulk_create(
        VoteRecord(event=event, voter=UserFactory(), value=1, weight=3, tier="elite", cast_at=at)
        for _ in range(12)
    )
    missed = recount_votes(event=event, by=admin, at=at)
    VoteRecord.objects.filter(pk=event.votes.first().pk).update(weight=10)
    forged = recount_votes(event=event, by=admin, at=at)
    VoteRecord.objects.filter(weight=10).update(weight=3)

    mended = mend_count(event=event, by=admin, reason="Строки внесены после сбоя", at=at)

    assert (missed.is_equal, missed.is_mendable, missed.strange) == (False, True, 0)
    assert (forged.points, forged.strange, forged.digest == missed.digest) == (43, 1, False)
    assert (mended.state, mended.is_equal) == (State.THRESHOLD_REACHED, True)
    assert told()[-1] == ("supported", event.creator_id)
