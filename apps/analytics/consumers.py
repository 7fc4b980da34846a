"""What analytics does when it hears a fact, beside loading facts into ClickHouse."""

from uuid import UUID

from apps.analytics import services
from apps.core.facts import MemberErased


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Nothing is guessed about her any more. Her rows in ClickHouse lost her with her surrogate."""
    services.forget_member(member_id=UUID(fact.member_id))
