"""What the hub does when it hears a fact."""

from datetime import datetime
from uuid import UUID

from apps.accounts.models import User
from apps.core.facts import MemberErased, MemberJoined, TierChanged
from apps.crm import services


def member_joined(fact: MemberJoined, *, message_id: UUID) -> None:
    """Her sales of that day are hers. A second hearing finds nothing unclaimed."""
    member = User.objects.select_related("tier").filter(pk=fact.member_id).first()
    if member and member.phone_index:
        services.claim_records(member=member, at=datetime.fromisoformat(fact.at))


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    services.forget_person(member_id=UUID(fact.member_id))


def tier_changed(fact: TierChanged, *, message_id: UUID) -> None:
    services.write_back_member(member_id=UUID(fact.member_id), at=datetime.fromisoformat(fact.at))
