"""YCLIENTS (salons). The feed of money is the truth; it has no «changed since», so the last days
are read again and compared. Appointments are the second feed: a payment of one that was deleted or
missed counts nothing, and they tell what changed of days that are not read again. What was sold
at the desk (goods) has no appointment; its money is in the first feed like any other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.base import BaseCRMAdapter, Customer, Document, Hint, Place
from apps.crm.adapters.times import days
from apps.crm.adapters.yclients import mapping, signature
from apps.crm.adapters.yclients.transport import POLICY, Transport
from apps.crm.enums import Level, System
from apps.crm.net import Failed, Policy

HALF_A_DAY = timedelta(hours=12)


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
        self.visits: dict[str, bool] = {}  # appointment → whether it was called off

    def sign_in(self) -> None:
        self.wire.sign_in()

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        first, last = days(since, until, self.zone)
        for row in self._records(start_date=first, end_date=last):
            self.visits[str(row.get("id"))] = mapping.called_off(row)
        for row in self.wire.pages(f"transactions/{self.company}", start_date=first, end_date=last):
            found = self._payment(row)
            if found and since <= found.occurred_at < until:
                yield found

    def _records(self, **asked: Any) -> Iterator[Mapping[str, Any]]:
        return self.wire.pages(f"records/{self.company}", with_deleted=1, **asked)

    def _payment(self, row: Mapping[str, Any]) -> Document | None:
        found = mapping.payment(row, self.zone, self.sold)
        if found and not found.gone and self._called_off(str(row.get("record_id") or "0")):
            return replace(found, gone=True)
        return found

    def _called_off(self, number: str) -> bool:
        if number == "0":
            return False
        if number not in self.visits:
            try:
                body = self.wire.get(f"record/{self.company}/{number}")
            except Failed as failed:
                if failed.status != 404:
                    raise
                body = {}
            self.visits[number] = mapping.called_off(body.get("data"))
        return self.visits[number]

    def changed_receipts(self, since: datetime) -> Sequence[str]:
        """Documents of older appointments that were edited or deleted since. Whether the moment is
        the branch's or Moscow's nobody says: half a day more is asked for."""
        asked = f"{(since - HALF_A_DAY).astimezone(self.zone):%Y-%m-%dT%H:%M:%S}"
        found: list[str] = []
        for row in self._records(changed_after=asked):
            at = mapping.session_of(row, self.zone)
            if at is None or at < since:
                found += mapping.receipts(row)
        return found

    def fetch_one(self, entity: str, external_id: str) -> Sequence[Document]:
        try:
            body = self.wire.get(f"finance_transactions/{self.company}/{external_id}")
        except Failed as failed:
            if failed.status == 404:
                return []
            raise
        rows = body.get("data") or []
        found = [self._payment(row) for row in rows if isinstance(row, dict)]
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
        self.wire.get(f"records/{self.company}", page=1, count=1)

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body, options=options)
