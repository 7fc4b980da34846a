"""1C:Enterprise by standard OData (shops). Nothing tells what changed, so the last weeks are read
again; returns are receipts of their own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.base import NOBODY, BaseCRMAdapter, Customer, Document, Hint, Place
from apps.crm.adapters.onec import signature
from apps.crm.adapters.onec.mapping import CONFIGURATIONS, EMPTY, RETAIL, RETURN, SALE, receipt
from apps.crm.adapters.onec.transport import POLICY, Transport
from apps.crm.enums import Level, System, Trouble
from apps.crm.net import Failed, Policy


class OnecAdapter(BaseCRMAdapter):
    system: ClassVar[System] = System.ONEC
    policy: ClassVar[Policy] = POLICY
    fields: ClassVar[tuple[str, ...]] = ("password", "login")
    settings: ClassVar[tuple[str, ...]] = ("configuration",)
    level: ClassVar[Level] = Level.SIGNED
    poll_minutes: ClassVar[int] = 15
    lookback_days: ClassVar[int] = 35

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.wire = Transport(self.client, place)
        self.how = CONFIGURATIONS.get(str(place.options.get("configuration")), RETAIL)
        self.unposted = bool(place.options.get("accept_unposted", True))
        self.guests: dict[str, Customer] = {}

    def sign_in(self) -> None:
        self.wire.get(self.how.sales, top=0)

    def check_reading(self) -> None:
        self.wire.get(self.how.sales, top=1, select="Ref_Key,Date,СуммаДокумента")
        self.wire.get(self.how.cards, top=1, select=f"Ref_Key,{self.how.card_code}")

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        """Deleted marks are asked for too: without them a cancellation is invisible."""
        yield from self._read(self.how.sales, since, until, is_return=False)
        if self.how.refunds:
            yield from self._read(self.how.refunds, since, until, is_return=True)

    def _read(
        self, entity: str, since: datetime, until: datetime, *, is_return: bool
    ) -> Iterator[Document]:
        first, last = (one.astimezone(self.zone) for one in (since, until))
        period = (
            f"Date ge datetime'{first:%Y-%m-%dT%H:%M:%S}' "
            f"and Date le datetime'{last:%Y-%m-%dT%H:%M:%S}'"
        )
        for row in self.wire.rows(entity, filter=period, select=self._fields(is_return)):
            found = self._receipt(row, is_return)
            if found and since <= found.occurred_at < until:
                yield found

    def _fields(self, is_return: bool) -> str:
        extra = (self.how.original,) if is_return and self.how.refunds else ()
        return ",".join((*self.how.fields, *extra))

    def _receipt(self, row: Mapping[str, Any], is_return: bool) -> Document | None:
        return receipt(row, self.zone, self.how, is_return=is_return, unposted=self.unposted)

    def fetch_one(self, entity: str, external_id: str) -> Sequence[Document]:
        apart = entity == RETURN and bool(self.how.refunds)
        row = self.wire.one(self.how.refunds if apart else self.how.sales, external_id)
        found = self._receipt(row, apart) if row else None
        # A sale that became a return, or the other way round, is another document.
        return [found] if found and found.entity == entity else []

    def customer_of(self, document: Document) -> Customer | None:
        if document.entity != SALE:
            return None
        if not document.customer_id:
            return NOBODY
        if document.customer_id not in self.guests:
            self.guests[document.customer_id] = self._guest(document.customer_id)
        return self.guests[document.customer_id]

    def _guest(self, card: str) -> Customer:
        """The card's code is a phone in many shops; else its owner's contact."""
        row = self.wire.one(self.how.cards, card) or {}
        code = str(row.get(self.how.card_code) or "")
        if len(rules.digits(code)) == 10 and code.strip("+ ()-0123456789") == "":
            return Customer(id=card, phone=code)
        owner = str(row.get(self.how.card_owner) or "")
        if len(owner) != 36 or owner == EMPTY:
            return Customer(id=card)
        return Customer(id=card, phone=self._phone_of(owner))

    def _phone_of(self, owner: str) -> str:
        part = f"{self.how.owners}_КонтактнаяИнформация"
        asked = f"Ref_Key eq guid'{owner}'"
        body = self.wire.get(part, filter=asked, select="Ref_Key,Тип,НомерТелефона")
        for row in body.get("value") or []:
            if row.get("Тип") == "Телефон" and str(row.get("Ref_Key")) == owner:
                return str(row.get("НомерТелефона") or "")
        return ""

    def get_customer_by_phone(self, phone: str) -> Customer | None:
        ten = rules.digits(phone)
        for code in (f"7{ten}", f"8{ten}", f"+7{ten}", ten):
            body = self.wire.get(self.how.cards, top=5, filter=f"{self.how.card_code} eq '{code}'")
            for row in body.get("value") or []:
                if rules.same_phone(row.get(self.how.card_code), phone):
                    return Customer(id=str(row["Ref_Key"]), phone=phone)
        return self._by_contact(phone, ten)

    def _by_contact(self, phone: str, ten: str) -> Customer | None:
        part = f"{self.how.owners}_КонтактнаяИнформация"
        try:
            body = self.wire.get(part, filter=f"substringof('{ten}',НомерТелефона)")
        except Failed as failed:
            if failed.trouble == Trouble.REFUSED:  # not published, or this base cannot filter here
                return None
            raise
        for row in body.get("value") or []:
            if rules.same_phone(row.get("НомерТелефона"), phone):
                return Customer(id=str(row["Ref_Key"]), phone=phone)
        return None

    @classmethod
    def is_genuine(
        cls, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], at: datetime
    ) -> bool:
        return signature.is_genuine(headers, body, secrets=secrets, at=at)

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body)

    @classmethod
    def event_key(cls, headers: Mapping[str, str], body: bytes) -> bytes:
        return headers.get("x-krug-event", "").encode()
