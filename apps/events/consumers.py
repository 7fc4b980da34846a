"""What events do when they hear a fact."""

from datetime import datetime
from uuid import UUID

from apps.core.facts import MemberBlocked, MemberErased
from apps.events import services


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Hearing twice frees nothing twice: only active registrations end."""
    services.forget_member(member_id=UUID(fact.member_id), at=datetime.fromisoformat(fact.at))


def member_blocked(fact: MemberBlocked, *, message_id: UUID) -> None:
    """The same: what has ended does not end again."""
    services.shut_out_member(member_id=UUID(fact.member_id), at=datetime.fromisoformat(fact.at))
