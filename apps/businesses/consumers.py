"""What businesses do when they hear a fact."""

from datetime import datetime
from uuid import UUID

from apps.businesses import services
from apps.core.facts import MemberErased


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Hearing twice ends nothing twice: only live memberships end."""
    services.end_all_memberships(user_id=UUID(fact.member_id), at=datetime.fromisoformat(fact.at))
