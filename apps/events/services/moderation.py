"""What the Inner Circle and admins decide about proposals. Never about their own."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import Forbidden, Invalid, Refused
from apps.events import rules
from apps.events.enums import Decision, Reason, State
from apps.events.models import Case, Event
from apps.events.services.books import (
    WrongState,
    is_admin,
    lock_event,
    move,
    needs_reason,
    tell_author,
)
from apps.events.services.proposals import open_voting

COMMENT_LEAST = 20


class OwnProposal(Forbidden):
    message = _("A moderator does not decide about a proposal of her own.")


class CaseTaken(Refused):
    message = _("Another moderator is looking at it until %(until)s.")


class AlreadyDecided(Refused):
    message = _("Another moderator has decided already: %(decision)s.")


class CommentNeeded(Invalid):
    field = "comment"
    message = _("Explain it to the author in at least 20 characters.")


class ReasonMissing(Invalid):
    field = "reason"
    message = _("Choose a reason.")


class RoundsUsedUp(Refused):
    code = "WRONG_STATE"
    message = _("Changes were requested three times already: approve or reject.")


class AppealForAdmin(Forbidden):
    message = _("The author has appealed: an admin decides.")


@transaction.atomic
def claim_case(*, event: Event, by: User, at: datetime) -> Case:
    """Hers for 30 minutes, so that two do not do the same work. Again: 30 minutes more.

    Raises OwnProposal, WrongState, CaseTaken.
    """
    event = lock_event(event.pk)
    _not_own(event, by)
    case = _open_case(event)
    until = at + timedelta(minutes=rules.CLAIM_MINUTES)
    won = Case.objects.filter(
        Q(claimed_by=by) | Q(claimed_by__isnull=True) | Q(claimed_until__lte=at), pk=case.pk
    ).update(claimed_by=by, claimed_until=until)
    if won != 1:
        raise CaseTaken(until=f"{case.claimed_until:%H:%M} UTC")
    case.refresh_from_db()
    return case


@transaction.atomic
def moderate(
    *,
    event: Event,
    action: str,
    by: User,
    at: datetime,
    reason: str = "",
    comment: str = "",
) -> Event:
    """Approve (voting opens), reject, or ask for changes. The first decision counts.

    Raises OwnProposal, AlreadyDecided, WrongState, CaseTaken, ReasonMissing, CommentNeeded,
    RoundsUsedUp. A first «unsafe» is kept and waits for a second moderator.
    """
    event = lock_event(event.pk)
    _not_own(event, by)
    case = _open_case(event)
    if case.claimed_by_id not in (None, by.pk) and case.claimed_until and at < case.claimed_until:
        raise CaseTaken(until=f"{case.claimed_until:%H:%M} UTC")
    _is_explained(action, reason, comment)
    if action == Decision.REJECT and reason == Reason.UNSAFE and case.first_by_id in (None, by.pk):
        _keep_first(case, by=by, comment=comment)
        return event
    _decide(event, action, by=by, at=at, comment=comment)
    case.decision, case.reason, case.comment = action, reason, comment.strip()
    case.decided_by, case.decided_at = by, at
    case.save()
    audit.record(by, f"events.{action}", "event", event.pk, reason=comment)
    tell_author(event, action, at=at)
    return event


def _is_explained(action: str, reason: str, comment: str) -> None:
    if action == Decision.APPROVE:
        return
    if not reason:
        raise ReasonMissing
    if len(comment.strip()) < COMMENT_LEAST:
        raise CommentNeeded


def _keep_first(case: Case, *, by: User, comment: str) -> None:
    """A first «unsafe» waits for another moderator to agree."""
    Case.objects.filter(pk=case.pk).update(
        first_by=by, claimed_by=None, claimed_until=None, comment=comment
    )
    audit.record(by, "events.unsafe_first", "event", case.event_id, reason=comment)


def _decide(event: Event, action: str, *, by: User, at: datetime, comment: str) -> None:
    if action == Decision.APPROVE:
        open_voting(event, by=by, at=at)
    elif action == Decision.REJECT:
        move(event, State.REJECTED, by=by, at=at, reason=comment, ended_at=at, end_reason=comment)
    else:
        if event.rounds >= rules.CHANGE_ROUNDS:
            raise RoundsUsedUp
        move(event, State.CHANGES_REQUESTED, by=by, at=at, reason=comment, rounds=event.rounds + 1)


@transaction.atomic
def decline_supported(*, event: Event, by: User, reason: str, at: datetime) -> Event:
    """The curator's no to a supported proposal, with a reason that everybody reads.

    Raises WrongState, ReasonNeeded.
    """
    event = lock_event(event.pk)
    reason = needs_reason(reason)
    move(event, State.DECLINED, by=by, at=at, reason=reason, ended_at=at, end_reason=reason)
    audit.record(by, "events.decline", "event", event.pk, reason=reason)
    tell_author(event, "declined", at=at)
    return event


@transaction.atomic
def remove_proposal(*, event: Event, by: User, reason: str, at: datetime) -> Event:
    """For reasons of law or safety: hidden, its votes void. Raises WrongState, ReasonNeeded."""
    event = lock_event(event.pk)
    reason = needs_reason(reason)
    move(event, State.REMOVED, by=by, at=at, reason=reason, ended_at=at, end_reason=reason)
    event.votes.filter(is_current=True).update(is_current=False)
    event.cases.filter(decided_at__isnull=True).delete()
    audit.record(by, "events.remove", "event", event.pk, reason=reason)
    tell_author(event, "taken_down", at=at)
    return event


def _not_own(event: Event, by: User) -> None:
    if event.appealed and not is_admin(by):
        raise AppealForAdmin
    if event.creator_id == by.pk or event.co_authors.filter(pk=by.pk).exists():
        raise OwnProposal


def _open_case(event: Event) -> Case:
    """Raises AlreadyDecided with the first moderator's word, WrongState."""
    case = event.cases.filter(decided_at__isnull=True).first()
    if case and event.state == State.SUBMITTED:
        return case
    last = event.cases.filter(decided_at__isnull=False).order_by("-decided_at").first()
    if last:
        raise AlreadyDecided(decision=str(last.get_decision_display()))
    raise WrongState
