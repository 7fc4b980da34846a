"""What loyalty does when it hears a fact."""

from datetime import datetime
from uuid import UUID

from apps.core.facts import MemberErased
from apps.loyalty import services


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Her wallet is closed, words of gifts go. Hearing twice: an empty wallet stays as it is."""
    member_id = UUID(fact.member_id)
    services.close_wallet(member_id=member_id, at=datetime.fromisoformat(fact.at))
    services.forget_messages(member_id=member_id)
