"""An operation at the till is named by a signed token in its address.

It holds the business, the member, the idempotency key, drawn when the member was found, and what
she confirmed. So a reload, the back button, a second tab or a queue repeat the same key and never
make a second sale, and the address (which ends up in logs) holds no phone. It serves only the
person who found the member.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.core.ids import new_id

GOOD_FOR = timedelta(hours=12)  # as long as a web session
QUEUE_GOOD_FOR = timedelta(hours=36)  # a queue waits 24 hours at most


class OperationStale(NotFound):
    """The address is not one of ours, is another person's, or is too old."""

    message = _("This operation is out of date. Find the member again; nothing was recorded.")


@dataclass(frozen=True)
class Operation:
    """`hold`: the code of her hold by which she was found. `proof`: of her shown card. `amount`
    and `spend`: what waits for her confirmation, as typed."""

    business_id: UUID
    member_id: UUID
    key: UUID
    hold: str = ""
    proof: str = ""
    amount: str = ""
    spend: str = ""
    price: str = ""
    coupon: str = ""

    @classmethod
    def begin(
        cls, *, business_id: UUID, member_id: UUID, hold: str = "", proof: str = ""
    ) -> "Operation":
        return cls(business_id, member_id, new_id(), hold, proof)

    def waiting(self, *, amount: str, spend: str, price: str, coupon: str = "") -> "Operation":
        """The same operation on the step where the guest confirms."""
        return replace(self, amount=amount, spend=spend, price=price, coupon=coupon)

    def token(self, *, by: User) -> str:
        said = [str(self.business_id), str(self.member_id), str(self.key), self.hold, self.proof]
        said += [self.amount, self.spend, self.price, self.coupon]
        return signing.dumps(said, salt=_salt(by))

    @classmethod
    def read(cls, token: str, *, by: User, queued: bool = False) -> "Operation":
        """Raises OperationStale."""
        age = QUEUE_GOOD_FOR if queued else GOOD_FOR
        try:
            said: list[Any] = signing.loads(token, salt=_salt(by), max_age=age)
            ids = [UUID(one) for one in said[:3]]
            return cls(*ids, *said[3:])
        except (signing.BadSignature, ValueError, TypeError) as broken:
            raise OperationStale from broken


def _salt(by: User) -> str:
    return f"till.operation:{by.pk}"


def queue_pass(*, business_id: UUID, by: User) -> str:
    """What a device attaches to sales that it keeps while the network is down: who sold where."""
    return signing.dumps([str(business_id), str(by.pk)], salt="till.queue")


def read_queue_pass(text: str) -> tuple[UUID, UUID]:
    """(business, person). Raises OperationStale."""
    try:
        business, person = signing.loads(text, salt="till.queue", max_age=QUEUE_GOOD_FOR)
        return UUID(business), UUID(person)
    except (signing.BadSignature, ValueError, TypeError) as broken:
        raise OperationStale from broken
