"""iiko (restaurants). The OLAP report knows every receipt, deletion and storno; who the guest was
it knows only sometimes, so the order, her card or her phone in the cloud are asked."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.base import BaseCRMAdapter, Customer, Document, Hint, Place
from apps.crm.adapters.iiko import signature
from apps.crm.adapters.iiko.mapping import ORDER, ROWS, SUMS, documents
from apps.crm.adapters.iiko.transport import POLICY, Cloud, Server
from apps.crm.adapters.times import days
from apps.crm.enums import Level, System, Trouble
from apps.crm.net import Failed, Policy
from apps.crm.net.reading import rows_of

NOT_FOUND = (b"Validation_IncorrectPhone", b"Transport_WrongCustomerNumber")


class IikoAdapter(BaseCRMAdapter):
    """`source` server: an older installation without the cloud's report. The guest then comes by
    delivery phone only, unless cloud credentials are there as well."""

    system: ClassVar[System] = System.IIKO
    policy: ClassVar[Policy] = POLICY
    fields: ClassVar[tuple[str, ...]] = (
        "api_key",
        "app_id",
        "client_secret",
        "password",
        "login",
    )
    settings: ClassVar[tuple[str, ...]] = ("organization_id",)
    extras: ClassVar[tuple[str, ...]] = ("source",)
    level: ClassVar[Level] = Level.TOKEN
    lookback_days: ClassVar[int] = 7
    can_write_back: ClassVar[bool] = True
    usual_url: ClassVar[str] = "https://api-ru.iiko.services"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.cloud = Cloud(self.client, place)
        is_server = place.options.get("source") == "server"
        self.report: Cloud | Server = Server(self.client, place) if is_server else self.cloud
        self.has_cloud = not is_server
        self.not_money = frozenset(place.options.get("not_money") or ())
        self.guests: dict[str, Customer | None] = {}
        self.of_order: dict[str, Customer | None] = {}
        self.rows: list[str] = []

    def close(self) -> None:
        try:
            self.report.close()
        finally:
            super().close()

    def sign_in(self) -> None:
        self.report.sign_in()

    def check_reading(self) -> None:
        self._columns()

    def _columns(self) -> list[str]:
        """What this server can group by: the set differs between versions."""
        if not self.rows:
            known = self.report.columns()
            self.rows = [
                name for name in ROWS if name in known and (name != "PayTypes" or self.not_money)
            ]
            if "UniqOrderId.Id" not in self.rows or "CloseTime" not in self.rows:
                raise Failed(Trouble.UNREADABLE)
        return self.rows

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        """One accounting day a request; a night's receipts belong to the day before."""
        first, last = days(since, until, self.zone)
        day = first - timedelta(days=1)
        while day <= last:
            body = self.report.olap(
                day.isoformat(), (day + timedelta(days=1)).isoformat(), self._columns(), SUMS
            )
            rows = rows_of(body.get("data") if isinstance(body, dict) else None)
            found = documents(rows, self.zone, not_money=self.not_money)
            yield from (one for one in found if since <= one.occurred_at < until)
            day += timedelta(days=1)

    # --- guests ---
    def customer_of(self, document: Document) -> Customer | None:
        if document.entity != ORDER:
            return None
        kind, _colon, value = document.customer_id.partition(":")
        if kind == "phone":
            return Customer(id=document.customer_id, phone=value)
        if not self.has_cloud:
            return None
        if kind == "card":
            return self._by_card(document.customer_id, value)
        return self._by_order(document.external_id)

    def _by_card(self, name: str, number: str) -> Customer | None:
        if name not in self.guests:
            found = self._info({"type": "cardNumber", "cardNumber": number})
            phone = str(found.get("phone") or "") if found else ""
            self.guests[name] = Customer(id=name, phone=phone)
        return self.guests[name]

    def _by_order(self, number: str) -> Customer | None:
        """The order in the cloud; a guest without a phone is nobody's."""
        if number not in self.of_order:
            asked = {
                "organizationIds": [self.cloud.organization],
                "posOrderIds": [number],
            }
            body = self.cloud.post("/api/1/order/by_id", asked)
            self.of_order[number] = None
            for one in body.get("orders") or []:
                order = one.get("order") or {}
                if order.get("phone") and number in (one.get("posId"), one.get("id")):
                    guest = (order.get("customer") or {}).get("id") or "guest"
                    self.of_order[number] = Customer(id=str(guest), phone=str(order["phone"]))
        return self.of_order[number]

    def _info(self, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A guest of the loyalty service; «not found» is a 400 with words of its own."""
        body = dict(asked) | {"organizationId": self.cloud.organization}
        missing: list[bool] = []

        def judge(answer: Any) -> Trouble | None:
            if answer.status == 400 and any(word in answer.body for word in NOT_FOUND):
                missing.append(True)
                return None
            return POLICY.judge(answer)

        found = self.cloud.post("/api/1/loyalty/iiko/customer/info", body, judge=judge)
        return None if missing else found

    def get_customer_by_phone(self, phone: str) -> Customer | None:
        found = self._info({"type": "phone", "phone": phone})
        if found and rules.same_phone(found.get("phone"), phone) and not found.get("isDeleted"):
            return Customer(id=str(found["id"]), phone=phone)
        return None

    def write_tier(self, *, phone: str, tier: str, balance: Decimal) -> bool:
        """The category of the guest, when the partner named one for this tier."""
        category = (self.place.options.get("categories") or {}).get(tier)
        guest = self.get_customer_by_phone(phone) if category else None
        if guest is None:
            return False
        asked = {
            "customerId": guest.id,
            "categoryId": category,
            "organizationId": self.cloud.organization,
        }
        self.cloud.post("/api/1/loyalty/iiko/customer_category/add", asked)
        return True

    @classmethod
    def is_genuine(
        cls, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], at: datetime
    ) -> bool:
        return signature.is_genuine(headers, secrets=secrets)

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body, options=options)
