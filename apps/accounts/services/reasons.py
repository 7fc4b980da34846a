"""Why somebody did something: asked where the table of rights says so, kept in the audit log."""

from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.core.errors import Invalid


class ReasonMissing(Invalid):
    field = "reason"
    message = _("Write the reason in at least 10 characters: it stays in the audit log.")


def written_reason(action: str, reason: str, *, by: User | None) -> str:
    """The reason as the audit row keeps it. The machine room (`by` None) may be brief, not mute.

    Raises ReasonMissing.
    """
    text = " ".join(reason.split())
    if rights.TABLE[action].reason and len(text) < (rights.REASON_LEAST if by else 1):
        raise ReasonMissing
    return text
