"""Blocking a person and letting her in again."""

from datetime import datetime

from django.db import transaction

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services.reasons import written_reason
from apps.accounts.services.sessions import end_sessions
from apps.core import audit, outbox
from apps.core.errors import Forbidden
from apps.core.facts import MemberBlocked


@transaction.atomic
def block_user(*, user: User, by: User | None, reason: str, at: datetime) -> None:
    """Shut a person out: app and browser sessions die in this transaction, codes do not come.

    Admins block; those who work for the network itself only a superadmin blocks; nobody blocks
    herself. `by` None is the machine room. Raises Forbidden, ReasonMissing.
    """
    person = _checked("users.block", user, by=by)
    reason = written_reason("users.block", reason, by=by)
    if person.blocked_at is None:
        User.objects.filter(pk=person.pk).update(blocked_at=at)
        audit.record(by, "accounts.block", "user", person.pk, reason=reason)
        outbox.publish(MemberBlocked(member_id=str(person.pk), at=at.isoformat()))
    end_sessions(user=person, because="blocked", by=by, reason=reason, at=at)
    user.blocked_at = person.blocked_at or at


@transaction.atomic
def unblock_user(*, user: User, by: User | None, reason: str) -> None:
    """Let a person in again; she signs in anew. Raises Forbidden, ReasonMissing."""
    person = _checked("users.unblock", user, by=by)
    reason = written_reason("users.unblock", reason, by=by)
    if person.blocked_at is not None:
        User.objects.filter(pk=person.pk).update(blocked_at=None)
        audit.record(by, "accounts.unblock", "user", person.pk, reason=reason)
    user.blocked_at = None


def _checked(action: str, user: User, *, by: User | None) -> User:
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if by is not None:
        senior = rights.may("admin.enter", job=person.job)
        outranked = senior and not rights.may("users.role", job=by.job)
        if not rights.may(action, job=by.job) or outranked or by.pk == person.pk:
            raise Forbidden
    return person
