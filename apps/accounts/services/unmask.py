"""Showing a person's whole phone to an admin: seldom, with a reason, and never quietly."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services.reasons import written_reason
from apps.core import audit
from apps.core.errors import Forbidden, NotFound
from apps.core.models import AuditEntry

log = structlog.get_logger(__name__)

ACTION = "accounts.reveal_phone"
# So many within the window by one admin raise an alert (security.md part 6).
MANY, WINDOW = 3, timedelta(minutes=10)


def reveal_phone(*, user: User, by: User, reason: str, at: datetime) -> str:
    """Her E.164 number for an admin who says why; the audit row is there before the number is.

    Raises Forbidden, ReasonMissing, NotFound for somebody without a phone.
    """
    if not rights.may("users.unmask", job=by.job) or not by.is_active:
        raise Forbidden
    reason = written_reason("users.unmask", reason, by=by)
    if not user.phone_sealed:
        raise NotFound
    with transaction.atomic():
        audit.record(by, ACTION, "user", user.pk, reason=reason)
    seen = AuditEntry.objects.filter(action=ACTION, actor_id=by.pk, at__gt=at - WINDOW).count()
    if seen >= MANY:
        log.error("accounts.reveal_alert", admin=str(by.pk), count=seen, minutes=10)
    return user.phone
