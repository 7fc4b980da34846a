"""Blocking a person and letting her in again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.accounts.services.sessions import end_sessions
from apps.core import audit
from apps.core.errors import Forbidden, Invalid


class ReasonMissing(Invalid):
    field = "reason"
    message = _("Write the reason: it goes to the audit log.")


@transaction.atomic
def block_user(*, user: User, by: User | None, reason: str, at: datetime) -> None:
    """Shut a person out: app and browser sessions die in this transaction, codes do not come.

    Admins block; those who work for the network itself only a superadmin blocks; nobody blocks
    herself. `by` None is the machine room. Raises Forbidden, ReasonMissing.
    """
    person = _checked(user, by=by, reason=reason)
    if person.blocked_at is None:
        User.objects.filter(pk=person.pk).update(blocked_at=at)
        audit.record(by, "accounts.block", "user", person.pk, reason=reason)
    end_sessions(user=person, because="blocked", by=by, reason=reason, at=at)
    user.blocked_at = person.blocked_at or at


@transaction.atomic
def unblock_user(*, user: User, by: User | None, reason: str) -> None:
    """Let a person in again; she signs in anew. Raises Forbidden, ReasonMissing."""
    person = _checked(user, by=by, reason=reason)
    if person.blocked_at is not None:
        User.objects.filter(pk=person.pk).update(blocked_at=None)
        audit.record(by, "accounts.unblock", "user", person.pk, reason=reason)
    user.blocked_at = None


def _checked(user: User, *, by: User | None, reason: str) -> User:
    if not reason.strip():
        raise ReasonMissing
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if by is not None:
        outranked = person.job in (Job.ADMIN, Job.SUPERADMIN) and by.job != Job.SUPERADMIN
        if by.job not in (Job.ADMIN, Job.SUPERADMIN) or outranked or by.pk == person.pk:
            raise Forbidden
    return person
