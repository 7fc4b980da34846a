"""Showing a person's whole phone to an admin: seldom, with a reason, and never quietly."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import Forbidden, Invalid, NotFound
from apps.core.models import AuditEntry

log = structlog.get_logger(__name__)

ACTION = "accounts.reveal_phone"
REASON_LEAST = 10  # characters
# So many within the window by one admin raise an alert (security.md part 6).
MANY, WINDOW = 3, timedelta(minutes=10)


class ReasonTooShort(Invalid):
    field = "reason"
    message = _("Write the reason in at least 10 characters: it stays in the audit log.")


def reveal_phone(*, user: User, by: User, reason: str, at: datetime) -> str:
    """Her E.164 number for an admin who says why; the audit row is there before the number is.

    Raises Forbidden, ReasonTooShort, NotFound for somebody without a phone.
    """
    if by.job not in (Job.ADMIN, Job.SUPERADMIN) or not by.is_active:
        raise Forbidden
    reason = " ".join(reason.split())
    if len(reason) < REASON_LEAST:
        raise ReasonTooShort
    if not user.phone_sealed:
        raise NotFound
    with transaction.atomic():
        audit.record(by, ACTION, "user", user.pk, reason=reason)
    seen = AuditEntry.objects.filter(action=ACTION, actor_id=by.pk, at__gt=at - WINDOW).count()
    if seen >= MANY:
        log.error("accounts.reveal_alert", admin=str(by.pk), count=seen, minutes=10)
    return user.phone
