"""Where a person stands: her tier as a member, her job here."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.enums import Job
from apps.accounts.models import StatusTier, User
from apps.core import audit, outbox
from apps.core.errors import Forbidden
from apps.core.facts import TierChanged


@transaction.atomic
def change_tier(*, member_id: UUID, tier: StatusTier, reason: str, at: datetime) -> None:
    """Move a member to a tier (loyalty decides, accounts stores) and say so."""
    member = User.objects.select_related("tier").get(pk=member_id)
    if member.tier_id == tier.pk:
        return
    User.objects.filter(pk=member_id).update(tier=tier)
    audit.record(None, "accounts.tier", "user", member_id, reason=reason)
    outbox.publish(
        TierChanged(
            member_id=str(member_id),
            before=member.tier.code,
            after=tier.code,
            reason=reason,
            at=at.isoformat(),
        )
    )


@transaction.atomic
def set_job(*, user: User, job: Job, by: User | None, reason: str) -> None:
    """Give a person a network job or take it. Only a superadmin may, never her own; the last
    superadmin stays. `by` None is the machine room: commands on the server.

    Raises Forbidden.
    """
    if by is not None and (by.job != Job.SUPERADMIN or by.pk == user.pk):
        raise Forbidden
    seniors = User.objects.select_for_update().filter(job=Job.SUPERADMIN)
    if user.job == Job.SUPERADMIN and job != Job.SUPERADMIN and len(seniors) == 1:
        raise Forbidden
    User.objects.filter(pk=user.pk).update(job=job)
    user.job = job
    audit.record(by, "accounts.job", "user", user.pk, reason=reason, changed={"job": job})
