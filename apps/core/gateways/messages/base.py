"""What every message provider is asked and answers, whatever its own words are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol

from apps.core.errors import Refused


class Outcome(StrEnum):
    """Classes of a provider's answers: each asks for something else next."""

    ACCEPTED = "accepted"
    LATER = "later"  # the provider is ill or busy: the same again, with a pause
    NO_ADDRESS = "no_address"  # never again to this address
    REFUSED = "refused"  # this message not, another one perhaps
    STOP = "stop"  # key, account or money: nothing leaves until somebody looks
    UNKNOWN = "unknown"  # handed over, no answer: it may have gone


@dataclass(frozen=True)
class Parcel:
    """One message ready to leave. `addresses`: phone, e-mail, or tokens of all her phones. A push
    takes nothing but `id` and `kind`."""

    id: str
    attempt: str
    addresses: tuple[str, ...]
    kind: str
    title: str = ""
    body: str = ""
    text: str = ""
    html: str = ""
    urgent: bool = False
    life: int = 3600
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What came of a parcel. `dead`: addresses of it that are no more. `parts`: what is billed."""

    outcome: Outcome
    code: str = ""
    reference: str = ""
    retry_after: int | None = None
    dead: tuple[str, ...] = ()
    parts: int = 1


@dataclass(frozen=True)
class News:
    """What a provider told us later. `state`: delivered, opened, failed, gone (never again to this
    address), complaint, unsubscribed. `key` tells a repeat."""

    key: str
    state: str
    reference: str = ""
    attempt: str = ""
    code: str = ""
    cost: Decimal | None = None


class Forged(Refused):
    """The callback was not signed by the provider."""

    code = "UNAUTHENTICATED"


class Provider(Protocol):
    """`batch`: how many parcels one call of `send` takes. `per_second`: the pace to begin with.
    `repeatable`: receivers tell a repeat by its id, so an unclear sending may be repeated."""

    name: ClassVar[str]
    batch: ClassVar[int]
    per_second: ClassVar[int]
    repeatable: ClassVar[bool]

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        """One verdict a parcel, in order. Raises nothing a provider can cause."""
        ...

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        """The news of a callback. Raises Forged."""
        ...

    def ask(self, references: Sequence[str]) -> list[News]:
        """What became of these, for callbacks that were lost; empty when it cannot be asked."""
        ...

    def balance(self) -> Decimal | None:
        """Roubles on the account; None when it has none or does not tell."""
        ...
