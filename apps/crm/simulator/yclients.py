"""YCLIENTS as its description has it: one branch, its clients, records and payments."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from apps.crm.simulator.server import Reply, Request, Simulated
from apps.crm.simulator.world import Guest, Sale

COMPANY = 4564
PARTNER, USER, LOGIN, PASSWORD = "pt_simulator", "ut_simulator", "bot@example.test", "salon-pass"
CAP = 100  # more rows than this asked for: 25 come


# What is the same in every record, client and document of the branch; the description lists it.
SERVICE = {"id": 1, "title": "Стрижка", "cost_per_unit": 0, "discount": 0, "amount": 1}
STAFF = {
    "id": 9,
    "api_id": None,
    "name": "Ольга",
    "specialization": "мастер",
    "position": {"id": 1, "title": "Мастер"},
    "avatar": "",
    "avatar_big": "",
    "rating": 5,
    "votes_count": 3,
}
CLIENT = {
    "surname": "",
    "patronymic": "",
    "display_name": "",
    "card": "",
    "success_visits_count": 3,
    "fail_visits_count": 0,
    "discount": 0,
    "is_new": False,
    "custom_fields": [],
    "client_tags": [],
}
DOCUMENT = {
    "type_id": 7,
    "storage_id": 0,
    "user_id": 10,
    "company_id": COMPANY,
    "comment": "",
    "category_id": 0,
    "type_title": "Визит",
    "is_sale_bill_printed": False,
}
EMPTY_TEXTS = ("comment", "sms_now_text", "api_id", "from_url", "custom_color", "short_link")
ZEROS = ("sms_before", "sms_now", "email_now", "notified", "activity_id", "bookform_id")
RECORD: dict[str, Any] = {
    **dict.fromkeys((*EMPTY_TEXTS, "custom_font_color", "record_from"), ""),
    **dict.fromkeys((*ZEROS, "is_mobile"), 0),
    "company_id": COMPANY,
    "staff_id": 9,
    "staff": STAFF,
    "goods_transactions": [],
    "comer": None,
    "clients_count": 1,
    "online": False,
    "confirmed": 1,
    "seance_length": 3600,
    "length": 3600,
    "master_request": 1,
    "review_requested": 0,
    "created_user_id": 10,
    "paid_full": 1,
    "payment_status": 1,
    "prepaid": False,
    "prepaid_confirmed": False,
    "record_labels": [],
    "custom_fields": [],
    "sms_remain_hours": 5,
    "email_remain_hours": 1,
    "is_update_blocked": False,
    "is_sale_bill_printed": False,
    "resource_instance_ids": [],
    "acceptance_free": None,
    "consumables": [],
}


class Yclients(Simulated):
    name: ClassVar[str] = "yclients"
    limits: ClassVar[tuple[tuple[int, float], ...]] = ((5, 1.0), (200, 60.0))

    def credentials(self) -> dict[str, Any]:
        return {
            "credentials": {"partner_token": PARTNER, "login": LOGIN, "password": PASSWORD},
            "options": {"company_id": str(COMPANY)},
        }

    def refusal(self, status: int, message: str) -> Reply:
        return Reply({"success": False, "data": None, "meta": {"message": message}}, status)

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/v1/").strip("/")
        given = request.headers.get("authorization", "")
        if not given.startswith(f"Bearer {PARTNER}"):
            return self.refusal(401, "Необходима авторизация")
        if path == "auth":
            return self._auth(request)
        if path == "companies":
            return _good([self._company()])
        if f"User {USER}" not in given:
            return self.refusal(401, "Необходима авторизация")
        for pattern, action in ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                if found.groups() and found[1] != str(COMPANY):
                    return self.refusal(403, f"Нет прав на управление филиалом {found[1]}")
                return action(self, request, *found.groups()[1:])
        return self.refusal(404, "Не найдено")

    def _auth(self, request: Request) -> Reply:
        given = request.json or request.args
        if (given.get("login"), given.get("password")) != (LOGIN, PASSWORD):
            return self.refusal(401, "Неверный логин или пароль")
        user = {
            "id": 10,
            "user_token": USER,
            "name": "Интеграция",
            "phone": "79990000000",
            "login": LOGIN,
            "email": LOGIN,
            "avatar": "",
            "is_approved": True,
            "is_email_confirmed": True,
        }
        return Reply({"success": True, "data": user, "meta": []}, 201)

    def _company(self) -> dict[str, Any]:
        return {"id": COMPANY, "title": "Салон", "timezone_name": self.zone, "city": "Москва"}

    def company(self, request: Request) -> Reply:
        return _good(self._company())

    # --- payments ---
    def transactions(self, request: Request) -> Reply:
        args = request.args
        sales = [sale for sale in self._listed() if self._in_days(sale.at, args)]
        if args.get("deleted") == "1":
            sales = []
        rows = [self.payment(sale) for sale in sorted(sales, key=lambda one: one.id)]
        return _good(self._page(rows, args))

    def finance_transaction(self, request: Request, number: str) -> Reply:
        sale = self.world.sales.get(int(number))
        if sale is None or sale.system != self.name or sale.state == "deleted":
            return self.refusal(404, "Не найдено")
        row = self.payment(sale)
        row["date"] = self._local(sale.at).strftime("%Y-%m-%d %H:%M:%S")
        return _good([row])

    @staticmethod
    def paid(sale: Sale) -> Decimal:
        """A missed appointment keeps its payment until somebody takes it back; at the desk a
        cancelled sale is one of nothing."""
        if sale.state == "cancelled" and sale.id % 5:
            return max(sale.amount - sum(one.amount for one in sale.refunds), Decimal(0))
        return sale.net

    def payment(self, sale: Sale) -> dict[str, Any]:
        guest = self.world.guest(sale.guest)
        return {
            "id": sale.id,
            "document_id": sale.id + 500_000,
            "expense": {"id": 7 if sale.id % 5 == 0 else 5, "title": "Оказание услуг"},
            "date": self._offset(sale.at),
            "amount": f"{self.paid(sale):.2f}",
            "comment": "",
            "master": {"id": 9, "title": "Ольга"},
            "supplier": [],
            "account": {"id": 90, "title": "Основная касса"},
            "client": self._client(guest, sale.id),
            "last_change_date": self._offset(sale.changed_at),
            "record_id": 0 if sale.id % 5 == 0 else sale.id + 100_000,
            "visit_id": 0 if sale.id % 5 == 0 else sale.id + 200_000,
            "sold_item_id": 1,
            "sold_item_type": "good" if sale.id % 5 == 0 else "service",
        }

    @staticmethod
    def _client(guest: Guest | None, salt: int) -> Any:
        if guest is None:
            return [] if salt % 2 else None
        digits = guest.phone.lstrip("+")
        shapes: list[Any] = [digits, guest.phone, int(digits or 0)]
        return {"id": guest.id, "name": guest.first_name, "phone": shapes[salt % 3]}

    # --- records ---
    def records(self, request: Request) -> Reply:
        args = request.args
        sales = [one for one in self.world.of(self.name) if one.id % 5 and self._session(one, args)]
        if "with_deleted" not in args:
            sales = [one for one in sales if one.state != "deleted"]
        after = args.get("changed_after")
        if after:
            moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(self.zone))
            sales = [one for one in sales if one.changed_at >= moment]
        rows = [self.record(sale) for sale in sorted(sales, key=lambda one: one.id)]
        page = int(args.get("page", 1))
        meta = {"page": page, "total_count": len(rows)}
        return Reply({"success": True, "data": self._page(rows, args), "meta": meta})

    def record(self, sale: Sale) -> dict[str, Any]:
        guest = self.world.guest(sale.guest)
        visit = -1 if sale.state == "cancelled" else 1
        cost = float(sale.amount)
        prices = dict.fromkeys(("cost", "cost_to_pay", "manual_cost", "first_cost"), cost)
        naive = self._local(sale.at).strftime("%Y-%m-%d %H:%M:%S")
        return RECORD | {
            "id": sale.id + 100_000,
            "services": [SERVICE | prices],
            "client": CLIENT | self._guest(guest) | {"phone": guest.phone} if guest else None,
            "date": naive,
            "datetime": self._local(sale.at).isoformat(),
            "create_date": self._offset(sale.at - timedelta(days=3)),
            "last_change_date": self._offset(sale.changed_at),
            "visit_attendance": visit,
            "attendance": visit,
            "visit_id": sale.id + 200_000,
            "deleted": sale.state == "deleted",
            "documents": [self._document(sale, naive)],
            "finance_transactions": [self.payment(sale)] if sale.state != "deleted" else [],
        }

    @staticmethod
    def _document(sale: Sale, at: str) -> dict[str, Any]:
        names = {"visit_id": sale.id + 200_000, "record_id": sale.id + 100_000}
        number = sale.id + 500_000
        return DOCUMENT | names | {"id": number, "number": number, "date_created": at}

    def record_by_id(self, request: Request, number: str) -> Reply:
        sale = self.world.sales.get(int(number) - 100_000)
        if sale is None or sale.system != self.name or not sale.id % 5:
            return self.refusal(404, "Не найдено")
        return _good(self.record(sale))

    # --- clients ---
    def search(self, request: Request) -> Reply:
        asked = request.json
        filters = asked.get("filters") or []
        wanted = "".join(
            str(one.get("state", {}).get("value", ""))
            for one in filters
            if one.get("type") == "quick_search"
        )
        found = [one for one in self.world.guests.values() if wanted in one.phone.lstrip("+")]
        fields = set(asked.get("fields") or ["id", "name"])
        rows = [
            {key: value for key, value in self._guest(one).items() if key in fields}
            for one in found
        ]
        size = min(int(asked.get("page_size") or 25), 200)
        first = (int(asked.get("page") or 1) - 1) * size
        return Reply(
            {
                "success": True,
                "data": rows[first : first + size],
                "meta": {"total_count": len(rows)},
            }
        )

    def clients(self, request: Request) -> Reply:
        part = request.args.get("phone", "")
        rows = [self._guest(one) for one in self.world.guests.values() if part in one.phone]
        return Reply(
            {
                "success": True,
                "data": self._page(rows, request.args),
                "meta": {"total_count": len(rows)},
            }
        )

    def comment(self, request: Request, number: str) -> Reply:
        note = {"system": self.name, "guest": int(number), "text": request.json.get("text", "")}
        self.world.notes.append(note)
        return Reply({"success": True, "data": {"id": self.world.new_id()}, "meta": []}, 201)

    @staticmethod
    def _guest(guest: Guest) -> dict[str, Any]:
        digits = guest.phone.lstrip("+")
        return {"id": guest.id, "name": guest.first_name, "phone": digits, "email": ""}

    # --- help ---
    def _listed(self) -> list[Sale]:
        return [sale for sale in self.world.of(self.name) if sale.state != "deleted"]

    def _page(self, rows: list[dict[str, Any]], args: dict[str, str]) -> list[dict[str, Any]]:
        count = int(args.get("count", 25))
        if count > CAP:
            count = 25
        first = (int(args.get("page", 1)) - 1) * count
        if "short_pages" in self.faults.habits and len(rows) > count:
            # A row of each page is hidden from this caller: the page is short, more follow.
            step = count - 1
            return rows[first // count * step : first // count * step + step]
        return rows[first : first + count]

    def _in_days(self, at: datetime, args: dict[str, str]) -> bool:
        day = self._local(at).date()
        first, last = args.get("start_date"), args.get("end_date")
        return (not first or day >= date.fromisoformat(first)) and (
            not last or day <= date.fromisoformat(last)
        )

    def _session(self, sale: Sale, args: dict[str, str]) -> bool:
        return self._in_days(sale.at, args)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))

    def _offset(self, at: datetime) -> str:
        return self._local(at).strftime("%Y-%m-%dT%H:%M:%S%z")

    # --- webhooks ---
    def hook(self, what: str, sale: Sale) -> tuple[bytes, dict[str, str]]:
        row = self.payment(sale)
        row["amount"] = float(sale.net)
        call = {
            "company_id": COMPANY,
            "resource": "finances_operation",
            "resource_id": sale.id,
            "status": what,
            "data": row if what == "create" else {"id": sale.id, "amount": float(sale.net)},
        }
        return Reply(call).encoded(), {"Content-Type": "application/json"}


def _good(data: Any) -> Reply:
    return Reply({"success": True, "data": data, "meta": []})


ROUTES: list[tuple[str, Any]] = [
    (r"company/(\d+)", Yclients.company),
    (r"transactions/(\d+)", Yclients.transactions),
    (r"timetable/transactions/(\d+)", Yclients.transactions),
    (r"finance_transactions/(\d+)/(\d+)", Yclients.finance_transaction),
    (r"records/(\d+)", Yclients.records),
    (r"record/(\d+)/(\d+)", Yclients.record_by_id),
    (r"company/(\d+)/clients/search", Yclients.search),
    (r"clients/(\d+)", Yclients.clients),
    (r"company/(\d+)/clients/(\d+)/comments", Yclients.comment),
]
