"""amoCRM (dentistry). A feed of changed leads; what was deleted is asked for by number."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.amocrm import signature
from apps.crm.adapters.amocrm.mapping import lead, phones
from apps.crm.adapters.amocrm.transport import POLICY, Transport
from apps.crm.adapters.base import NOBODY, BaseCRMAdapter, Customer, Document, Hint, Place, Ref
from apps.crm.enums import Level, System, Trouble
from apps.crm.net import Failed, Policy

ASKED_AT_ONCE = 50


class AmocrmAdapter(BaseCRMAdapter):
    system: ClassVar[System] = System.AMOCRM
    policy: ClassVar[Policy] = POLICY
    fields: ClassVar[tuple[str, ...]] = (
        "access_token",
        "refresh_token",
        "client_secret",
        "client_id",
        "redirect_uri",
        "code",
    )
    settings: ClassVar[tuple[str, ...]] = ("account_id",)
    snapshot: ClassVar[bool] = False
    level: ClassVar[Level] = Level.SECRET_PATH
    lookback_days: ClassVar[int] = 35

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.wire = Transport(self.client, place)
        self.pipelines = {str(one) for one in place.options.get("pipeline_ids") or ()}
        self.field = str(place.options.get("amount_field_id") or "")
        self.guests: dict[str, Customer] = {}

    def sign_in(self) -> None:
        body = self.wire.get("account") or {}
        if str(body.get("id")) != str(self.place.options.get("account_id")):
            raise Failed(Trouble.RIGHTS)  # another account answers: its sales are not ours

    def check_reading(self) -> None:
        self.wire.get("leads", {"limit": 1, "page": 1})

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        """Leads that changed in [since, until). An account without filters returns everything, so
        each row is looked at again."""
        first, last = int(since.timestamp()), int(until.timestamp())
        asked = {
            "filter[updated_at][from]": first,
            "filter[updated_at][to]": last,
            "order[updated_at]": "asc",
            "with": "contacts",
        }
        for row in self.wire.pages("leads", "leads", asked):
            found = self._lead(row)
            if found and first <= found.version <= last:
                yield found

    def _lead(self, row: Mapping[str, Any]) -> Document | None:
        return lead(row, pipelines=self.pipelines, field=self.field)

    def fetch_one(self, entity: str, external_id: str) -> Sequence[Document]:
        try:
            row = self.wire.get(f"leads/{external_id}", {"with": "contacts"})
        except Failed as failed:
            if failed.status == 404:
                return []
            raise
        found = self._lead(row) if row else None
        return [found] if found else []

    def find_vanished(self, known: Sequence[Ref]) -> list[Ref]:
        """By fifty in one question; who is not in the answer is asked for alone."""
        left = []
        for start in range(0, len(known), ASKED_AT_ONCE):
            part = known[start : start + ASKED_AT_ONCE]
            asked = {f"filter[id][{n}]": ref.external_id for n, ref in enumerate(part)}
            rows = self.wire.pages("leads", "leads", asked)
            there = {str(row.get("id")) for row in rows}
            left += [ref for ref in part if ref.external_id not in there]
        return super().find_vanished(left)

    def customer_of(self, document: Document) -> Customer | None:
        number = document.customer_id
        if not number:
            return NOBODY
        if number not in self.guests:
            body = self.wire.get(f"contacts/{number}") or {}
            self.guests[number] = Customer(id=number, phone=next(iter(phones(body)), ""))
        return self.guests[number]

    def get_customer_by_phone(self, phone: str) -> Customer | None:
        """A full-text search by ten digits; the field PHONE decides."""
        asked = {"query": rules.digits(phone)}
        for row in self.wire.pages("contacts", "contacts", asked):
            if any(rules.same_phone(one, phone) for one in phones(row)):
                return Customer(id=str(row["id"]), phone=phone)
        return None

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body, options=options)
