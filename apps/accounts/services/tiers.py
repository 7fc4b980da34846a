"""Where a member stands among the tiers, and the terms of the tiers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import StatusTier, TierChange, TierVersion, User
from apps.accounts.services.reasons import written_reason
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound
from apps.core.facts import TierChanged
from apps.core.masking import mask_text

# What an admin may change of a tier; its code and place in the row of tiers stay.
TIER_FIELDS = {"name", "rate_bp", "threshold", "min_partners", "vote_weight"}


class UntilMissing(Invalid):
    field = "until"
    message = _("Say until when: only an invitation has no end.")


class UntilPast(Invalid):
    field = "until"
    message = _("This day is over.")


@transaction.atomic
def change_tier(*, member_id: UUID, tier: StatusTier, reason: str, at: datetime) -> None:
    """Move a member to a tier (loyalty decides, accounts stores) and say so."""
    member = User.objects.select_related("tier").get(pk=member_id)
    if member.tier_id == tier.pk:
        return
    User.objects.filter(pk=member_id).update(tier=tier)
    audit.record(None, "accounts.tier", "user", member_id, reason=reason)
    _tell_of_tier(member, tier, reason=reason, at=at)


def _tell_of_tier(member: User, tier: StatusTier, *, reason: str, at: datetime) -> None:
    """Keep where she stood until now: purchases of those days that come later earn by it."""
    User.objects.filter(pk=member.pk).update(tier_since=at)
    TierChange.objects.create(member=member, before=member.tier, after=tier, reason=reason, at=at)
    outbox.publish(
        TierChanged(
            member_id=str(member.pk),
            before=member.tier.code,
            after=tier.code,
            reason=reason,
            at=at.isoformat(),
        )
    )


@transaction.atomic
def set_tier_by_hand(
    *,
    user: User,
    code: str,
    until: datetime | None,
    by: User | None,
    reason: str,
    at: datetime,
) -> User:
    """Put a member on a tier until a moment; until then neither purchases nor the clock move her
    (`User.tier_is_locked`, which loyalty asks). Inner Circle is an invitation: it needs no end.

    Admins do it, with a reason, never to themselves; `by` None is the machine room. Other apps
    hear TierChanged with the reason `by_hand`; the written one stays in the audit log.
    Raises Forbidden, ReasonMissing, UntilMissing, UntilPast, NotFound for somebody erased.
    """
    if by is not None and (not rights.may("users.tier", job=by.job) or by.pk == user.pk):
        raise Forbidden
    reason = written_reason("users.tier", reason, by=by)
    tier = _invited_or_until(code, until, at=at)
    member = User.objects.select_for_update(of=("self",)).select_related("tier").get(pk=user.pk)
    if member.erased_at:
        raise NotFound
    User.objects.filter(pk=member.pk).update(tier=tier, tier_locked_until=until)
    audit.record(
        by,
        "accounts.tier_by_hand",
        "user",
        member.pk,
        reason=reason,
        changed={"tier": code, "until": until},
    )
    if member.tier_id != tier.pk:
        _tell_of_tier(member, tier, reason="by_hand", at=at)
    user.refresh_from_db(fields=["tier", "tier_since", "tier_locked_until"])
    return user


def _invited_or_until(code: str, until: datetime | None, *, at: datetime) -> StatusTier:
    tier = StatusTier.objects.get(code=code)
    if until is None and not tier.by_invitation:
        raise UntilMissing
    if until is not None and until <= at:
        raise UntilPast
    return tier


@transaction.atomic
def update_tier_row(
    *, tier: StatusTier, changes: dict[str, Any], by: User, reason: str, at: datetime | None = None
) -> StatusTier:
    """Change rates, thresholds or words of a tier from now on (`at`).

    The terms that end are kept as a TierVersion: what was accrued keeps the rule of its day, late
    receipts earn by the terms of theirs, and nobody falls sooner than under the terms she paid by.
    Raises Forbidden, ReasonMissing.
    """
    if not by.has_perm("accounts.change_statustier") or not changes.keys() <= TIER_FIELDS:
        raise Forbidden
    reason = written_reason("tiers.change", reason, by=by)
    row = StatusTier.objects.select_for_update().get(pk=tier.pk)
    now = at or timezone.now()
    TierVersion.objects.create(
        tier=row,
        since=row.since,
        until=now,
        replaced_by=by,
        reason=mask_text(reason),
        **{name: getattr(row, name) for name in TIER_FIELDS},
    )
    for name, value in changes.items():
        setattr(row, name, value)
    row.since = now
    row.save(update_fields=[*changes, "since"])
    audit.record(by, "accounts.tier_row", "statustier", row.pk, reason=reason, changed=changes)
    return row
