"""The member's tier and balance on her card in the partner's system, where the partner wants it."""

from datetime import datetime
from uuid import UUID

import structlog

from apps.accounts.models import User
from apps.crm.adapters import ADAPTERS
from apps.crm.enums import State
from apps.crm.models import CRMIntegration, ExternalRecord
from apps.crm.services.opening import opened
from apps.loyalty.queries import balance_of

log = structlog.get_logger(__name__)


def write_back_member(*, member_id: UUID, at: datetime) -> int:
    """Write to every system that asked for it and knows her; how many cards were written. Clinics
    never ask. Raises Failed: the outbox tries again."""
    member = User.objects.select_related("tier").filter(pk=member_id).first()
    if member is None or not member.phone:
        return 0
    known = ExternalRecord.objects.filter(member=member).values("integration")
    rows = CRMIntegration.objects.filter(writes_back=True, state=State.ACTIVE, pk__in=known)
    written = 0
    for integration in rows.select_related("business").order_by("pk"):
        if integration.business.is_clinic or not ADAPTERS[integration.system].can_write_back:
            continue
        balance = balance_of(member.pk, at=at).available
        with opened(integration) as adapter:
            written += adapter.write_tier(
                phone=member.phone, tier=member.tier.name, balance=balance
            )
    return written
