"""An operation at the till is named by a signed token in its address.

It holds the business, the member and the idempotency key, drawn when the member was found. So a
reload, the back button or a second tab repeat the same key and never make a second sale, and the
address (which ends up in logs) holds no phone. It serves only the person who found the member.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.core.ids import new_id

GOOD_FOR = timedelta(hours=12)  # as long as a web session


class OperationStale(NotFound):
    """The address is not one of ours, is another person's, or is too old."""

    message = _("This operation is out of date. Find the member again; nothing was recorded.")


@dataclass(frozen=True)
class Operation:
    business_id: UUID
    member_id: UUID
    key: UUID

    @classmethod
    def begin(cls, *, business_id: UUID, member_id: UUID) -> "Operation":
        return cls(business_id=business_id, member_id=member_id, key=new_id())

    def token(self, *, by: User) -> str:
        raw = self.business_id.bytes + self.member_id.bytes + self.key.bytes
        return _signer(by).sign(base64.urlsafe_b64encode(raw).decode())

    @classmethod
    def read(cls, token: str, *, by: User) -> "Operation":
        """Raises OperationStale."""
        try:
            raw = base64.urlsafe_b64decode(_signer(by).unsign(token, max_age=GOOD_FOR))
            business, member, key = (UUID(bytes=raw[i : i + 16]) for i in (0, 16, 32))
        except (signing.BadSignature, ValueError) as broken:
            raise OperationStale from broken
        return cls(business_id=business, member_id=member, key=key)


def _signer(by: User) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"till.operation:{by.pk}")
