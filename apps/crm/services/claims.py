"""Guests who become members later, and members who leave."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import sealing
from apps.crm.enums import RecordState
from apps.crm.models import ExternalRecord
from apps.crm.services.settling import BEFORE_JOINING, settle


def claim_records(*, member: User, at: datetime) -> int:
    """Sales that were brought before their guest joined, from the day of joining on. How many."""
    indexes = sealing.blind_indexes(member.phone, purpose="phone")
    names = ExternalRecord.objects.filter(
        phone_index__in=indexes,
        state=RecordState.UNCLAIMED,
        occurred_at__gte=member.joined_at - BEFORE_JOINING,
    ).values_list("pk", "integration")
    changed = 0
    for pk, _integration in sorted(names, key=lambda one: str(one[1])):
        changed += _claim(pk, at=at)
    return changed


@transaction.atomic
def _claim(record_id: UUID, *, at: datetime) -> int:
    record = locked(record_id)
    if record.state != RecordState.UNCLAIMED:
        return 0
    return settle(integration=record.integration, records=[record], at=at).changed


def locked(record_id: UUID) -> ExternalRecord:
    """The record, locked, with what settling needs."""
    return (
        ExternalRecord.objects.select_for_update(of=("self",))
        .select_related("integration__business", "sale", "member")
        .get(pk=record_id)
    )


@transaction.atomic
def forget_person(*, member_id: UUID) -> None:
    """She is no more: her records keep sums and dates and lose what leads to her outside. A later
    change of a sum still finds its sale."""
    ExternalRecord.objects.filter(member_id=member_id).update(
        phone_index="", customer_ref="", receipt_number="", matched_by_hand=True
    )
