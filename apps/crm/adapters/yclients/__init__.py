"""YCLIENTS (salons). The feed of money is the truth; it has no «changed since», so the last days
are read again and compared."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.base import BaseCRMAdapter, Customer, Document, Hint, Place
from apps.crm.adapters.times import days
from apps.crm.adapters.yclients import mapping, signature
from apps.crm.adapters.yclients.transport import POLICY, Transport
from apps.crm.enums import Level, System
from apps.crm.net import Failed, Policy


class YclientsAdapter(BaseCRMAdapter):
    system: ClassVar[System] = System.YCLIENTS
    policy: ClassVar[Policy] = POLICY
    fields: ClassVar[tuple[str, ...]] = ("partner_token", "login", "password", "user_token")
    settings: ClassVar[tuple[str, ...]] = ("company_id",)
    level: ClassVar[Level] = Level.SECRET_PATH
    can_write_back: ClassVar[bool] = True
    usual_url: ClassVar[str] = "https://api.yclients.ru"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.wire = Transport(self.client, place)
        self.company = self.wire.company
        self.sold = place.options.get("expenses") or mapping.SOLD

    def sign_in(self) -> None:
        self.wire.sign_in()

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        first, last = days(since, until, self.zone)
        for row in self.wire.pages(f"transactions/{self.company}", start_date=first, end_date=last):
            found = mapping.payment(row, self.zone, self.sold)
            if found and since <= found.occurred_at < until:
                yield found

    def fetch_one(self, entity: str, external_id: str) -> Sequence[Document]:
        try:
            body = self.wire.get(f"finance_transactions/{self.company}/{external_id}")
        except Failed as failed:
            if failed.status == 404:
                return []
            raise
        rows = body.get("data") or []
        found = [mapping.payment(row, self.zone, self.sold) for row in rows]
        return [one for one in found if one]

    def get_customer_by_phone(self, phone: str) -> Customer | None:
        asked = {
            "page": 1,
            "page_size": 200,
            "fields": ["id", "name", "phone"],
            "order_by": "id",
            "order_by_direction": "ASC",
            "operation": "AND",
            "filters": [{"type": "quick_search", "state": {"value": phone.lstrip("+")}}],
        }
        body = self.wire.post(f"company/{self.company}/clients/search", asked)
        # A search by part of anything: only the very number counts.
        for row in body.get("data") or []:
            if isinstance(row, dict) and rules.same_phone(row.get("phone"), phone):
                return Customer(id=str(row["id"]), phone=mapping.phone(row["phone"]))
        return None

    def write_tier(self, *, phone: str, tier: str, balance: Decimal) -> bool:
        guest = self.get_customer_by_phone(phone)
        if guest is None:
            return False
        text = f"Свой Круг: {tier}, {balance:.0f} бонусов"
        self.wire.post(
            f"company/{self.company}/clients/{guest.id}/comments", {"text": text}, once=True
        )
        return True

    def check_reading(self) -> None:
        self.wire.get(f"transactions/{self.company}", page=1, count=1)

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body, options=options)
