"""A restaurant on iiko: the cloud (orders, guests, report) and the older server's report."""

import base64
import hashlib
import json
import time
import uuid
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from apps.crm.simulator.server import Reply, Request, Simulated
from apps.crm.simulator.world import Guest, Refund, Sale

ORGANIZATION = "11111111-1111-4111-8111-111111111111"
KEY, APP, CLIENT_SECRET = "iiko-api-key-simulator", "app-simulator", "iiko-client-secret-01"
LOGIN, PASSWORD = "bot", "resto-pass"
HOOK_TOKEN = "iiko-webhook-token-of-the-simulator"  # noqa: S105 - made up
HOUR = 3600
NIGHT = 4  # the accounting day ends at four in the morning
# Much the same names stand in the adapter. They are written out here on purpose: a simulator that
# borrowed from the code it checks would repeat its mistakes and prove nothing.
COLUMNS = (
    "UniqOrderId.Id",
    "OrderNum",
    "OpenDate.Typed",
    "OpenTime",
    "CloseTime",
    "Storned",
    "OrderDeleted",
    "DeletedWithWriteoff",
    "SourceOrderId",
    "Delivery.CancelCause",
    "Delivery.CustomerPhone",
    "Bonus.CardNumber",
    "PayTypes",
    "DishDiscountSumInt",
    "DishSumInt",
    "DishReturnSum",
)


def guid(kind: int, number: int) -> str:
    return f"{kind:08d}-7777-4777-8777-{number:012d}"


class Iiko(Simulated):
    name: ClassVar[str] = "iiko"

    def credentials(self) -> dict[str, Any]:
        return {
            "credentials": {"api_key": KEY, "login": LOGIN, "password": PASSWORD},
            "options": {"organization_id": ORGANIZATION},
            "webhookSecret": HOOK_TOKEN,
            "v2": {"app_id": APP, "client_secret": CLIENT_SECRET},
        }

    def refusal(self, status: int, message: str) -> Reply:
        body = {"correlationId": str(uuid.uuid4()), "errorDescription": message, "error": None}
        return Reply(body, status)

    def throttled_inside(self) -> Reply:
        return self.refusal(429, "Too many requests")

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/resto/api"):
            return self._server(request)
        if request.method != "POST":
            return Reply({"message": "Method not allowed", "details": None}, 405)
        if request.path in ("/api/1/access_token", "/api/v2/access_token"):
            return self._token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._kept().get(token, 0) < time.time():
            return self.refusal(401, "Token is not valid")
        action = self._actions().get(request.path)
        return action(request.json) if action else self.refusal(404, "Not found")

    def _actions(self) -> dict[str, Any]:
        return {
            "/api/1/organizations": self.organizations,
            "/api/1/terminal_groups": self.terminal_groups,
            "/api/1/order/by_id": self.orders,
            "/api/1/deliveries/by_id": self.orders,
            "/api/1/loyalty/iiko/customer/info": self.customer,
            "/api/1/loyalty/iiko/customer_category/add": self.category,
            "/api/reporting/v1/olap/get": self.olap,
            "/api/reporting/v1/olap/columns/get": self.columns,
        }

    # --- tokens ---
    def _kept(self) -> dict[str, float]:
        kept: dict[str, float] = self.world.secrets.setdefault(self.name, {})
        return kept

    def _token(self, request: Request) -> Reply:
        given = request.json
        first = given.get("apiLogin") == KEY
        second = (given.get("apiKey"), given.get("appId"), given.get("clientSecret")) == (
            KEY,
            APP,
            CLIENT_SECRET,
        )
        if not (first if request.path.startswith("/api/1/") else second):
            return self.refusal(401, "Login or key is not valid")
        ends = time.time() + HOUR
        claims = base64.urlsafe_b64encode(json.dumps({"exp": int(ends)}).encode()).decode()
        token = f"eyJhbGciOiJIUzI1NiJ9.{claims.rstrip('=')}.{uuid.uuid4().hex}"
        self._kept()[token] = ends
        return Reply({"correlationId": str(uuid.uuid4()), "token": token})

    # --- the cloud ---
    def organizations(self, given: dict[str, Any]) -> Reply:
        one = {"responseType": "Simple", "id": ORGANIZATION, "name": "Лисичкино", "code": "1"}
        return Reply({"correlationId": str(uuid.uuid4()), "organizations": [one]})

    def terminal_groups(self, given: dict[str, Any]) -> Reply:
        hall = {"name": "Зал", "address": "", "timeZone": self.zone}
        items = [{"id": guid(22, 1), "organizationId": ORGANIZATION} | hall]
        groups = [{"organizationId": ORGANIZATION, "items": items}]
        body = {"terminalGroups": groups, "terminalGroupsInSleep": []}
        return Reply({"correlationId": str(uuid.uuid4())} | body)

    def orders(self, given: dict[str, Any]) -> Reply:
        wanted = set(given.get("posOrderIds") or []) | set(given.get("orderIds") or [])
        found = [
            self.order(sale)
            for sale in self.world.of(self.name)
            if guid(88, sale.id) in wanted or guid(77, sale.id) in wanted
        ]
        return Reply({"correlationId": str(uuid.uuid4()), "orders": found})

    def order(self, sale: Sale) -> dict[str, Any]:
        guest = self.world.guest(sale.guest)
        local = self._local(sale.at)
        when = f"{local:%Y-%m-%d %H:%M:%S}.000"
        total = float(sale.amount)
        inner = {
            "tableIds": [guid(66, 1)],
            "customer": self._short(guest) if guest else None,
            "phone": guest.phone if guest else None,
            "status": "Closed" if sale.state == "live" else "Deleted",
            "whenCreated": when,
            "whenBillPrinted": when,
            "whenClosed": when,
            "sum": total,
            "number": sale.id % 500,
            "guestsInfo": {"count": 2, "splitBetweenPersons": False},
            "orderType": None,
            "processedPaymentsSum": total,
            "terminalGroupId": guid(22, 1),
            "items": [],
            "payments": [],
            "discounts": None,
            "tips": None,
        }
        return {
            "id": guid(77, sale.id),
            "posId": guid(88, sale.id),
            "externalNumber": None,
            "organizationId": ORGANIZATION,
            "timestamp": int(sale.changed_at.timestamp() * 1000),
            "creationStatus": "Success",
            "errorInfo": None,
            "order": inner,
        }

    @staticmethod
    def _short(guest: Guest) -> dict[str, Any]:
        names = {"name": guest.first_name, "surname": guest.last_name}
        return {"type": "regular", "id": guid(33, guest.id)} | names

    def customer(self, given: dict[str, Any]) -> Reply:
        for guest in self.world.guests.values():
            card = f"SK{guest.id:06d}"
            if given.get("phone") == guest.phone and guest.phone:
                return Reply(self._guest(guest))
            if card in (given.get("cardNumber"), given.get("cardTrack")):
                return Reply(self._guest(guest))
        body = {"code": "Validation_IncorrectPhone", "message": "There is no user", "details": {}}
        return Reply(body, 400)

    @staticmethod
    def _guest(guest: Guest) -> dict[str, Any]:
        card = f"SK{guest.id:06d}"
        return {
            "id": guid(33, guest.id),
            "referrerId": None,
            "name": guest.first_name,
            "surname": guest.last_name,
            "middleName": None,
            "comment": None,
            "phone": guest.phone,
            "cultureName": "ru-RU",
            "birthday": "1990-05-01 00:00:00.000",
            "email": None,
            "sex": 2,
            "consentStatus": 1,
            "anonymized": False,
            "cards": [{"id": guid(44, guest.id), "track": card, "number": card}],
            "categories": [],
            "walletBalances": [],
            "isDeleted": False,
        }

    def category(self, given: dict[str, Any]) -> Reply:
        self.world.notes.append({"system": self.name, **given})
        return Reply({})

    # --- reports ---
    def columns(self, given: dict[str, Any]) -> Reply:
        return Reply([{"name": name, "canGroup": True, "type": "STRING"} for name in COLUMNS])

    def olap(self, given: dict[str, Any]) -> Reply:
        period = next(
            (one for one in given.get("filters") or [] if one.get("name") == "OpenDate.Typed"),
            None,
        )
        if period is None or period.get("filterType") != "DateRange":
            return Reply({"message": "OpenDate.Typed is required", "details": None}, 400)
        return self._report(given, period)

    def _report(self, given: dict[str, Any], period: dict[str, Any]) -> Reply:
        first, last = (date.fromisoformat(period[name][:10]) for name in ("from", "to"))
        if (last - first).days > 31:
            return Reply({"message": "Period is too long", "details": None}, 400)
        wanted = {*given["groupByRowFields"], *given["aggregateFields"]}
        rows = []
        for sale in self.world.of(self.name):
            rows += [row for row in self.rows(sale) if _inside(row, first, last)]
        return Reply({"data": [{k: v for k, v in row.items() if k in wanted} for row in rows]})

    def rows(self, sale: Sale) -> list[dict[str, Any]]:
        if sale.state == "deleted":
            return []
        row = self._row(sale, sale.id, sale.at, sale)
        row["OrderDeleted"] = "DELETED" if sale.state == "cancelled" else "NOT_DELETED"
        # A dish that was struck out stands beside what was served.
        struck = row | {"DeletedWithWriteoff": "DELETED_WITH_WRITEOFF", "DishDiscountSumInt": 99.0}
        rows = [row, struck] if sale.id % 4 == 0 else [row]
        if sale.state == "live":
            rows += [self._storno(sale, one) for one in sale.refunds]
        return rows

    def _row(self, sale: Sale, number: int, at: datetime, what: Sale | Refund) -> dict[str, Any]:
        guest = self.world.guest(sale.guest)
        local = self._local(at)
        day = (local - timedelta(hours=NIGHT)).date()
        way = sale.id % 3  # by delivery phone, by card, by the order alone
        return {
            "UniqOrderId.Id": guid(88, number),
            "OrderNum": number % 50,
            "OpenDate.Typed": day.isoformat(),
            "OpenTime": f"{local - timedelta(minutes=40):%Y-%m-%dT%H:%M:%S}",
            "CloseTime": f"{local:%Y-%m-%dT%H:%M:%S}",
            "Storned": "FALSE",
            "OrderDeleted": "NOT_DELETED",
            "DeletedWithWriteoff": "NOT_DELETED",
            "SourceOrderId": None,
            "Delivery.CancelCause": None,
            "Delivery.CustomerPhone": guest.phone if guest and way == 0 else None,
            "Bonus.CardNumber": f"SK{guest.id:06d}" if guest and way == 1 else None,
            "PayTypes": "Карта",
            "DishDiscountSumInt": float(what.amount),
            "DishSumInt": float(what.amount),
            "DishReturnSum": 0.0,
        }

    def _storno(self, sale: Sale, one: Refund) -> dict[str, Any]:
        zero = "storno_zero" in self.faults.habits
        return self._row(sale, one.id, one.at, one) | {
            "Storned": "TRUE",
            "SourceOrderId": guid(88, sale.id),
            "DishDiscountSumInt": 0.0 if zero else -float(one.amount),
            "DishReturnSum": float(one.amount) if zero else 0.0,
        }

    def _server(self, request: Request) -> Reply:
        path, args = request.path.removeprefix("/resto/api"), request.args
        secret = hashlib.sha1(PASSWORD.encode()).hexdigest()  # noqa: S324 - theirs
        keys = self.world.secrets.setdefault("resto", [])
        if path == "/auth":
            if (args.get("login"), args.get("pass")) != (LOGIN, secret) or keys:
                return Reply("Wrong password or no licence left", 401, "text/plain")
            keys.append(str(uuid.uuid4()))
            return Reply(keys[-1], type="text/plain")
        if args.get("key") not in keys:
            return Reply("Token is expired or invalid", 401, "text/plain")
        if path == "/logout":
            keys.remove(args["key"])
            return Reply("", type="text/plain")
        if path == "/v2/reports/olap/columns":
            return Reply({name: {"name": name, "groupingAllowed": True} for name in COLUMNS})
        if path == "/v2/reports/olap":
            given = request.json
            return self._report(given, given["filters"]["OpenDate.Typed"])
        return Reply("Not found", 404, "text/plain")

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))

    # --- webhooks ---
    def hook(self, what: str, sale: Sale) -> tuple[bytes, dict[str, str]]:
        event = {
            "eventType": "TableOrderUpdate",
            "eventTime": f"{sale.changed_at:%Y-%m-%d %H:%M:%S}.{sale.version % 1000:03d}",
            "organizationId": ORGANIZATION,
            "correlationId": str(uuid.uuid4()),
            "eventInfo": self.order(sale),
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {HOOK_TOKEN}"}
        return Reply([event]).encoded(), headers


def _inside(row: dict[str, Any], first: date, last: date) -> bool:
    return first <= date.fromisoformat(row["OpenDate.Typed"]) < last
