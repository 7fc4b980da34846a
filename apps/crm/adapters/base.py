"""What every system looks like from here.

An adapter reads; it never writes to our database and never decides about money. It re-applies
every filter of the server itself, reads until nothing is left, and raises `Failed` for anything
that is not an answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from apps.crm.enums import Kind, Level, Reason, System
from apps.crm.net import Call, Client, Policy


@dataclass(frozen=True)
class Customer:
    """A guest as the system knows her; `phone` as it wrote it. `shared`: the system knows several
    people with this number, so the birth date must agree as well. `NOBODY` is a sale that says it
    has no guest; a document without a customer says nothing, and an earlier link stays."""

    id: str
    phone: str = ""
    birth_date: date | None = None
    shared: bool = False


NOBODY = Customer(id="")


@dataclass(frozen=True)
class Document:
    """A sale or a return as the system has it now: `amount` ₽ is its whole value, never a change.

    `version` grows with each change where the system counts them, else 0. `gone`: cancelled or
    deleted there. `refund_of`: the external id of the sale that a return belongs to. `fault`: it
    came, but cannot be read.
    """

    entity: str
    external_id: str
    amount: Decimal
    occurred_at: datetime
    kind: Kind = Kind.SALE
    version: int = 0
    gone: bool = False
    refund_of: str = ""
    receipt_number: str = ""
    customer_id: str = ""
    customer: Customer | None = None
    fault: Reason | None = None


@dataclass(frozen=True)
class Ref:
    """One object that a webhook names."""

    entity: str
    external_id: str


@dataclass(frozen=True)
class Hint:
    """What a webhook says: a topic and the objects to read again."""

    topic: str
    refs: tuple[Ref, ...] = ()
    ours: bool = True


class Tokens(Protocol):
    """Where an adapter keeps tokens that outlive it."""

    def read(self) -> dict[str, Any]: ...

    def write(self, tokens: Mapping[str, Any]) -> None: ...

    def rotation(self) -> AbstractContextManager["Rotation"]: ...


class Rotation(Protocol):
    """The one worker that may use a single-use token; see services.credentials."""

    tokens: dict[str, Any]
    interrupted: bool
    is_lost: bool

    def begin(self) -> None: ...

    def finish(self, tokens: Mapping[str, Any]) -> None: ...

    def lost(self) -> None: ...


class NoTokens:
    """Systems without tokens, and tests."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        return self.kept

    def write(self, tokens: Mapping[str, Any]) -> None:
        self.kept = dict(tokens)

    def rotation(self) -> AbstractContextManager[Rotation]:
        raise NotImplementedError


@dataclass
class Place:
    """Everything an adapter is told: where, with which secrets and settings."""

    base_url: str
    credentials: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    zone: str = "Europe/Moscow"
    scope: str = "test"
    free_address: bool = False
    tokens: Tokens = field(default_factory=NoTokens)
    journal: Callable[[Call], None] = lambda call: None


class BaseCRMAdapter(ABC):
    """One system. `snapshot`: what `fetch_transactions` brings for a window is all there is, so a
    known record that is missing has vanished. `fields`: names of the credentials; the first is
    the one whose end is shown. `settings` have to be given, `extras` may be."""

    system: ClassVar[System]
    policy: ClassVar[Policy]
    fields: ClassVar[tuple[str, ...]]
    settings: ClassVar[tuple[str, ...]] = ()
    extras: ClassVar[tuple[str, ...]] = ()
    snapshot: ClassVar[bool] = True
    level: ClassVar[Level] = Level.SECRET_PATH
    poll_minutes: ClassVar[int] = 5
    lookback_days: ClassVar[int] = 14
    can_write_back: ClassVar[bool] = False
    usual_url: ClassVar[str] = ""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.zone = ZoneInfo(place.zone)
        # Phones as they stand there → E.164 and blind index, for the life of the adapter.
        self.numbers: dict[str, tuple[str, str] | None] = {}
        self.client = Client(
            base_url=place.base_url,
            policy=self.policy,
            scope=f"{self.system}:{place.scope}",
            free_address=place.free_address,
            journal=place.journal,
        )

    def __enter__(self) -> "BaseCRMAdapter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()

    @abstractmethod
    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        """Every sale and return of [since, until) as it is now, cancelled ones too where the
        system still lists them; systems with a change feed bring what changed since. Raises
        Failed; what was yielded before stands."""

    @abstractmethod
    def get_customer_by_phone(self, phone: str) -> Customer | None:
        """The guest with exactly this E.164 number. Raises Failed."""

    @abstractmethod
    def sign_in(self) -> None:
        """Prove the credentials. Raises Failed."""

    @abstractmethod
    def check_reading(self) -> None:
        """Read one small thing, to prove the rights. Raises Failed."""

    def fetch_one(self, entity: str, external_id: str) -> Sequence[Document]:
        """One object as it is now, with its returns; empty when it is not there any more. Raises
        Failed, NotImplementedError where the system cannot be asked for one."""
        raise NotImplementedError

    def changed_receipts(self, since: datetime) -> Sequence[str]:
        """Receipt numbers of sales from before `since` that were touched after it, where a system
        tells that apart from its sales. Raises Failed."""
        return ()

    def customer_of(self, document: Document) -> Customer | None:
        """Whose sale it is; asks the system when the document names only an id. Raises Failed."""
        return document.customer

    def find_vanished(self, known: Sequence[Ref]) -> list[Ref]:
        """Which of the known records, not brought by a whole window, are not there any more.
        Raises Failed."""
        return [ref for ref in known if self.has_vanished(ref.entity, ref.external_id)]

    def has_vanished(self, entity: str, external_id: str) -> bool:
        try:
            found = self.fetch_one(entity, external_id)
        except NotImplementedError:
            return True
        return all(one.gone or one.external_id != external_id for one in found)

    def write_tier(self, *, phone: str, tier: str, balance: Decimal) -> bool:
        """Show tier and balance on the guest's card there; False when the guest is not known.
        Raises Failed."""
        raise NotImplementedError

    # --- webhooks ---
    @classmethod
    def is_genuine(
        cls, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], at: datetime
    ) -> bool:
        """Whether a call proves itself; by default nothing but its secret address does."""
        return True

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        """What a call is about. Raises ValueError when it is no call of this system."""
        raise ValueError("no webhooks")

    @classmethod
    def event_key(cls, headers: Mapping[str, str], body: bytes) -> bytes:
        """What tells one call from another: its own id where there is one, else all of it."""
        return body
