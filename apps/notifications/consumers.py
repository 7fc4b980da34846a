"""What notifications do when they hear a fact."""

from uuid import UUID

from django.utils import timezone

from apps.core.facts import Fact, MemberErased
from apps.notifications import drafts, services


def heard(fact: Fact, *, message_id: UUID) -> None:
    """Write the messages it means; hearing twice writes none twice."""
    at = timezone.now()
    services.write(drafts=drafts.of(fact, at=at), source=str(message_id), at=at)


def member_erased(fact: MemberErased, *, message_id: UUID) -> None:
    """Hearing twice clears nothing twice."""
    services.forget_member(member_id=UUID(fact.member_id))
