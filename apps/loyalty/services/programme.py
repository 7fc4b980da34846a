"""The numbers of the programme change: by an admin, with a reason."""

from typing import Any

from django.db import transaction

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.core import audit
from apps.core.errors import Forbidden
from apps.loyalty import settings_queries
from apps.loyalty.models import LoyaltySettings

CHANGE = "loyalty_settings.change"
# How much one admin moves alone is no admin's own business.
OF_SUPERADMIN = {"adjust_alone"}


@transaction.atomic
def change_loyalty_settings(
    *, changes: dict[str, Any], by: User | None, reason: str
) -> LoyaltySettings:
    """Set some of the numbers; felt within five seconds, by what happens from then on.

    `by` None is the machine room. Raises Forbidden, ReasonMissing, ValidationError.
    """
    if by is not None and not rights.may(CHANGE, job=by.job):
        raise Forbidden
    if by is not None and changes.keys() & OF_SUPERADMIN and not may_set_limits(by):
        raise Forbidden
    reason = written_reason(CHANGE, reason, by=by)
    row, _made = LoyaltySettings.objects.select_for_update().get_or_create(pk=1)
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    told = {name: str(value) for name, value in changes.items()}
    audit.record(by, "loyalty.settings", "loyaltysettings", row.pk, reason=reason, changed=told)
    transaction.on_commit(settings_queries.forget)
    return row


def may_set_limits(by: User) -> bool:
    return rights.may("code_limits.change", job=by.job)
