"""What events do when they hear a fact."""

from datetime import datetime
from uuid import UUID

from apps.core.facts import MemberErased
from apps.events import services


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Hearing twice frees nothing twice: only active registrations end."""
    services.forget_member(member_id=UUID(fact.member_id), at=datetime.fromisoformat(fact.at))
