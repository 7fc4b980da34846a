"""What notifications do when they hear a fact."""

from uuid import UUID

from apps.core.facts import MemberErased
from apps.notifications import services


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Hearing twice clears nothing twice."""
    services.forget_member(member_id=UUID(fact.member_id))
