"""A clinic on МИС Renovatio: paid invoices and patients, 200 for everything."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from apps.crm.simulator.server import Reply, Request, Simulated
from apps.crm.simulator.world import Guest, Sale

KEY, CLINIC = "rn-simulator-key-0001", "2"
BROKEN = Reply(b"Internal Server Error", 500, "text/html")


class Renovatio(Simulated):
    name: ClassVar[str] = "renovatio"

    def credentials(self) -> dict[str, Any]:
        return {"credentials": {"api_key": KEY}, "options": {"clinic_id": CLINIC}}

    def refusal(self, status: int, message: str) -> Reply:
        return Reply({"error": 1, "data": {"code": status, "desc": message}}, status)

    def throttled_inside(self) -> Reply:
        return self._error("429", "Too many requests")

    def _error(self, code: int | str, text: str) -> Reply:
        return Reply({"error": 1, "data": {"code": code, "desc": text}})

    def _good(self, rows: list[dict[str, Any]]) -> Reply:
        data: Any = rows
        if "single_as_object" in self.faults.habits and len(rows) < 2:
            data = rows[0] if rows else None
        return Reply({"error": 0, "data": data})

    def answer(self, request: Request) -> Reply:
        method = request.path.removeprefix("/api/public/").removeprefix("v2/").strip("/")
        form = request.form
        if form.get("api_key") != KEY:
            return self._error("401", "Wrong api_key")
        if method == "getInvoices" and "no_invoices" in self.faults.habits:
            return self._error("403", "No access")
        action = {
            "getInvoices": self.invoices,
            "getPayments": self.payments,
            "getPatient": self.patient,
            "getClinics": self.clinics,
        }.get(method)
        return action(form) if action else self._error(404, "Unknown method")

    def clinics(self, form: dict[str, str]) -> Reply:
        return self._good([{"id": int(CLINIC), "title": "Миллениум", "is_deleted": 0}])

    def invoices(self, form: dict[str, str]) -> Reply:
        period = self._period(form)
        if period is None:
            return BROKEN
        first, end = period
        rows = [
            self.invoice(sale)
            for sale in self.world.of(self.name)
            if sale.state != "deleted" and first <= sale.at < end
        ]
        wanted = form.get("status")
        return self._good([row for row in rows if not wanted or row["status"] == wanted])

    def payments(self, form: dict[str, str]) -> Reply:
        """Money in and money back; what was cancelled or deleted has no payment any more."""
        period = self._period(form)
        if period is None:
            return BROKEN
        first, end = period
        rows = []
        for sale in self.world.of(self.name):
            lines = [(sale.id, sale.at, sale.amount)]
            lines += [(one.id, one.at, -one.amount) for one in sale.refunds]
            rows += [
                self.payment(sale, number, at, amount)
                for number, at, amount in (lines if sale.state == "live" else [])
                if first <= at < end
            ]
        return self._good(rows)

    def _period(self, form: dict[str, str]) -> tuple[datetime, datetime] | None:
        """From the first day's midnight to the end of the last; None: the server fails at more than
        three months."""
        first, last = (
            datetime.strptime(form[name], "%d.%m.%Y").replace(tzinfo=ZoneInfo(self.zone))
            for name in ("date_from", "date_to")
        )
        if (last - first).days > 92:
            return None
        return first.astimezone(UTC), (last + timedelta(days=1)).astimezone(UTC)

    def payment(self, sale: Sale, number: int, at: datetime, amount: Decimal) -> dict[str, Any]:
        value: Any = f"{amount:.2f}" if "money_as_text" in self.faults.habits else float(amount)
        return {
            "payment_id": number + 70_000,
            "amount": value,
            "payment_method": "card",
            "date_paid": self._local(at).strftime("%d.%m.%Y %H:%M"),
            "invoice_id": sale.id,
            "patient_id": sale.guest,
        }

    def invoice(self, sale: Sale) -> dict[str, Any]:
        value: Any = float(sale.net)
        if "money_as_text" in self.faults.habits or sale.id % 2:
            value = f"{sale.net:.2f}"
        return {
            "id": sale.id,
            "number": str(sale.id),
            "date": self._local(sale.at).strftime("%d.%m.%Y %H:%M"),
            "patient_id": sale.guest,
            "clinic_id": int(CLINIC),
            "status": "2" if sale.state == "live" and sale.net > 0 else "1",
            "value": value,
        }

    def patient(self, form: dict[str, str]) -> Reply:
        guests = list(self.world.guests.values())
        if form.get("patient_id"):
            found = [one for one in guests if str(one.id) == form["patient_id"]]
        else:
            ten = "".join(sign for sign in form.get("mobile", "") if sign.isdigit())[-10:]
            found = [one for one in guests if ten and one.phone.endswith(ten)]
        if not found:
            return self._error(404, "Пациент не найден")
        rows = [self._patient(one) for one in found]
        return Reply({"error": 0, "data": rows[0] if len(rows) == 1 else rows})

    @staticmethod
    def _patient(guest: Guest) -> dict[str, Any]:
        year, month, day = guest.birth_date.split("-")
        return {
            "patient_id": guest.id,
            "number": str(guest.id),
            "last_name": guest.last_name,
            "first_name": guest.first_name,
            "third_name": "",
            "birth_date": f"{day}.{month}.{year}",
            "gender": 2,
            "mobile": guest.phone,
            "email": "",
        }

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))
