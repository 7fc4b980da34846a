"""An amoCRM account: leads, contacts, rotating tokens. A sale is a lead in status 142."""

import base64
import json
import re
import secrets
import time
from typing import Any, ClassVar
from urllib.parse import quote

from apps.crm.simulator.server import Reply, Request, Simulated
from apps.crm.simulator.world import Guest, Sale

ACCOUNT, PIPELINE, WON, WORK = 31000001, 77, 142, 9000001
CLIENT, SECRET = "amo-client", "amo-client-secret-0001"
REDIRECT = "https://svoy.example/amo/cb"
HAL, PROBLEM = "application/hal+json", "application/problem+json"
DAY = 86400


class Amocrm(Simulated):
    name: ClassVar[str] = "amocrm"
    limits: ClassVar[tuple[tuple[int, float], ...]] = ((7, 1.0),)

    def tokens(self) -> dict[str, Any]:
        kept: dict[str, Any] = self.world.secrets.setdefault(self.name, {})
        if not kept:
            kept |= {"refresh": "def50200-first-refresh-token", "access": {}, "spent": []}
        return kept

    def credentials(self) -> dict[str, Any]:
        return {
            "credentials": {
                "client_id": CLIENT,
                "client_secret": SECRET,
                "redirect_uri": REDIRECT,
                "refresh_token": self.tokens()["refresh"],
            },
            "options": {"account_id": str(ACCOUNT), "pipeline_ids": [PIPELINE]},
        }

    def refusal(self, status: int, message: str) -> Reply:
        body = {
            "title": message,
            "type": f"https://httpstatus.es/{status}",
            "status": status,
            "detail": message,
        }
        return Reply(body, status, PROBLEM)

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/access_token":
            return self._grant(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens()["access"].get(token, 0) < time.time():
            return self.refusal(401, "Unauthorized")
        path = request.path.removeprefix("/api/v4/").strip("/")
        for pattern, action in ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return action(self, request, *found.groups())
        return self.refusal(404, "Not found")

    def _grant(self, request: Request) -> Reply:
        given, kept = request.json, self.tokens()
        revoked = {
            "hint": "Token has been revoked",
            "title": "Некорректный запрос",
            "type": "https://developers.amocrm.ru/v3/errors/OAuthProblemJson",
            "status": 401,
            "detail": "В запросе отсутствует ряд параметров или параметры невалидны",
        }
        known = (given.get("client_id"), given.get("client_secret")) == (CLIENT, SECRET)
        if given.get("grant_type") == "authorization_code":
            good = known and given.get("code") == kept.get("code")
            kept.pop("code", None)
        else:
            good = known and given.get("refresh_token") == kept["refresh"]
        if not good:
            return Reply(revoked, 401, PROBLEM)
        return Reply(self._new_pair())

    def _new_pair(self) -> dict[str, Any]:
        kept = self.tokens()
        claims = {
            "account_id": ACCOUNT,
            "exp": int(time.time()) + DAY,
            "base_domain": "amocrm.ru",
            "api_domain": "api-b.amocrm.ru",
            "scopes": ["crm"],
            "jti": secrets.token_hex(8),
        }
        access = ".".join([_part({"alg": "RS256", "typ": "JWT"}), _part(claims), "c2ln"])
        kept["spent"].append(kept["refresh"])
        kept["refresh"] = f"def50200-{secrets.token_hex(24)}"
        kept["access"][access] = time.time() + DAY
        self.world.save()
        return {
            "token_type": "Bearer",
            "expires_in": DAY,
            "access_token": access,
            "refresh_token": kept["refresh"],
        }

    # --- reading ---
    def account(self, request: Request) -> Reply:
        body = {
            "id": ACCOUNT,
            "name": "Стим Центр",
            "subdomain": "dental",
            "currency": "RUB",
            "country": "RU",
            "created_at": 1700000000,
            "created_by": 0,
            "updated_at": 1700000000,
            "updated_by": 0,
            "current_user_id": 7,
            "is_api_filter_enabled": "ignore_filters" not in self.faults.habits,
            "_links": {"self": {"href": "/api/v4/account"}},
        }
        return Reply(body, type=HAL)

    def leads(self, request: Request) -> Reply:
        sales = [sale for sale in self.world.of(self.name) if sale.state != "deleted"]
        if "ignore_filters" not in self.faults.habits:
            sales = [sale for sale in sales if self._fits(sale, request.query)]
        sales.sort(key=lambda one: (one.changed_at, one.id))
        return self._page(request, "leads", [self.lead(one) for one in sales])

    def lead_by_id(self, request: Request, number: str) -> Reply:
        sale = self.world.sales.get(int(number))
        if sale is None or sale.system != self.name or sale.state == "deleted":
            return Reply(None, 204)
        return Reply(self.lead(sale), type=HAL)

    @staticmethod
    def _fits(sale: Sale, query: list[tuple[str, str]]) -> bool:
        changed = int(sale.changed_at.timestamp())
        ids = [value for name, value in query if name.startswith("filter[id]")]
        for name, value in query:
            if name == "filter[updated_at][from]" and changed < int(value):
                return False
            if name == "filter[updated_at][to]" and changed > int(value):
                return False
        return not ids or str(sale.id) in ids

    def lead(self, sale: Sale) -> dict[str, Any]:
        won = sale.state == "live" and sale.net > 0
        price = int(sale.net)
        return {
            "id": sale.id,
            "name": "Лечение",
            "price": price,
            "responsible_user_id": 7,
            "group_id": 0,
            "status_id": WON if won else WORK,
            "pipeline_id": PIPELINE,
            "loss_reason_id": None,
            "created_by": 7,
            "updated_by": 7,
            "created_at": int(sale.at.timestamp()) - 3600,
            "updated_at": int(sale.changed_at.timestamp()),
            "closed_at": int(sale.at.timestamp()) if won else None,
            "closest_task_at": None,
            "is_deleted": False,
            "score": None,
            "account_id": ACCOUNT,
            "labor_cost": None,
            "custom_fields_values": None
            if sale.id % 2
            else [
                {
                    "field_id": 900,
                    "field_name": "Оплачено",
                    "field_code": None,
                    "field_type": "numeric",
                    "values": [{"value": str(price)}],
                }
            ],
            "_links": {"self": {"href": f"/api/v4/leads/{sale.id}"}},
            "_embedded": {
                "tags": [],
                "companies": [],
                "contacts": [{"id": sale.guest, "is_main": True}] if sale.guest else [],
            },
        }

    def contacts(self, request: Request) -> Reply:
        wanted = request.args.get("query", "")
        found = [
            self.contact(one)
            for one in self.world.guests.values()
            if wanted in one.phone or wanted in one.last_name
        ]
        return self._page(request, "contacts", found)

    def contact_by_id(self, request: Request, number: str) -> Reply:
        guest = self.world.guests.get(int(number))
        return Reply(self.contact(guest), type=HAL) if guest else Reply(None, 204)

    @staticmethod
    def contact(guest: Guest) -> dict[str, Any]:
        shown = guest.phone
        if guest.phone and guest.id % 2:
            ten = guest.phone[2:]
            shown = f"8 ({ten[:3]}) {ten[3:6]}-{ten[6:8]}-{ten[8:]}"
        phone = {
            "field_id": 1,
            "field_name": "Телефон",
            "field_code": "PHONE",
            "field_type": "multitext",
            "values": [{"value": shown, "enum_id": 11, "enum_code": "WORK"}],
        }
        return {
            "id": guest.id,
            "name": f"{guest.first_name} {guest.last_name}",
            "first_name": guest.first_name,
            "last_name": guest.last_name,
            "responsible_user_id": 7,
            "group_id": 0,
            "created_by": 7,
            "updated_by": 7,
            "created_at": 1700000000,
            "updated_at": 1700000000,
            "is_deleted": False,
            "is_unsorted": False,
            "closest_task_at": None,
            "account_id": ACCOUNT,
            "custom_fields_values": [phone] if guest.phone else None,
            "_links": {"self": {"href": f"/api/v4/contacts/{guest.id}"}},
            "_embedded": {"tags": [], "companies": []},
        }

    def pipelines(self, request: Request) -> Reply:
        statuses = [{"id": WON, "name": "Успешно", "pipeline_id": PIPELINE, "type": 0}]
        one = {
            "id": PIPELINE,
            "name": "Лечение",
            "is_main": True,
            "is_archive": False,
            "sort": 1,
            "is_unsorted_on": True,
            "account_id": ACCOUNT,
            "_embedded": {"statuses": statuses},
        }
        return Reply({"_total_items": 1, "_embedded": {"pipelines": [one]}}, type=HAL)

    def _page(self, request: Request, name: str, rows: list[dict[str, Any]]) -> Reply:
        limit, page = int(request.args.get("limit", 50)), int(request.args.get("page", 1))
        if limit > 250:
            return self.refusal(400, "Bad Request")
        first = (page - 1) * limit
        shown = rows[first : first + limit]
        if not shown:
            return Reply(None, 204)
        links: dict[str, Any] = {"self": {"href": f"/api/v4/{name}?page={page}"}}
        if first + limit < len(rows):
            links["next"] = {"href": f"/api/v4/{name}?page={page + 1}&limit={limit}"}
        return Reply({"_page": page, "_links": links, "_embedded": {name: shown}}, type=HAL)

    # --- webhooks ---
    def hook(self, what: str, sale: Sale) -> tuple[bytes, dict[str, str]]:
        action = {"create": "status", "update": "update", "delete": "delete"}[what]
        row = self.lead(sale)
        fields = ["id", "name", "status_id", "price", "pipeline_id", "updated_at", "account_id"]
        pairs = [(f"leads[{action}][0][{name}]", str(row[name])) for name in fields]
        pairs += [("account[id]", str(ACCOUNT)), ("account[subdomain]", "dental")]
        body = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)
        return body.encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _quote(text: str) -> str:
    return quote(text, safe="")


ROUTES: list[tuple[str, Any]] = [
    (r"account", Amocrm.account),
    (r"leads", Amocrm.leads),
    (r"leads/pipelines", Amocrm.pipelines),
    (r"leads/(\d+)", Amocrm.lead_by_id),
    (r"contacts", Amocrm.contacts),
    (r"contacts/(\d+)", Amocrm.contact_by_id),
]
