"""Paid invoices of Renovatio, or its payments, as documents. Sum, date, number and patient only: no services, no
diagnosis is even asked for."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.crm import rules
from apps.crm.adapters.base import Document
from apps.crm.adapters.times import dotted
from apps.crm.enums import Kind, Reason

INVOICE, PAYMENT = "invoice", "payment"
PAID = "2"


def invoice(row: Mapping[str, Any], zone: ZoneInfo) -> Document | None:
    number = str(row.get("id") or "")
    try:
        at = dotted(row.get("date"), zone)
    except ValueError:
        return None
    if not number:
        return None
    try:
        amount, fault = rules.roubles(row["value"]), None
    except (KeyError, ValueError):
        amount, fault = Decimal(0), Reason.BAD_AMOUNT
    return Document(
        entity=INVOICE,
        external_id=number[:100],
        amount=max(amount, Decimal(0)),
        occurred_at=at,
        gone=str(row.get("status")) != PAID or amount < 0,
        receipt_number=str(row.get("number") or ""),
        customer_id=str(row.get("patient_id") or ""),
        fault=fault,
    )


# Nobody has published an answer of getPayments: integrators accept any of these names.
NUMBER, SUM = ("payment_id", "id"), ("amount", "value", "sum")
WHEN = ("date_paid", "paid_at", "date", "created_at")


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


class Register:
    """Payments in, by invoice (by patient where there is none): what a payment back belongs to."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.paid: dict[tuple[str, str], tuple[Decimal, str]] = {}
        self.add(rows)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """The largest payment of each invoice stands for it."""
        for row in rows:
            amount, number = _amount(row), str(_first(row, NUMBER) or "")
            if number and amount and amount > 0:
                name = self._name(row)
                self.paid[name] = max(self.paid.get(name, (Decimal(0), "")), (amount, number))

    def original(self, row: Mapping[str, Any]) -> str:
        return self.paid.get(self._name(row), (Decimal(0), ""))[1]

    def is_orphan(self, row: Mapping[str, Any]) -> bool:
        amount = _amount(row)
        return bool(amount and amount < 0 and not self.original(row))

    @staticmethod
    def _name(row: Mapping[str, Any]) -> tuple[str, str]:
        invoiced = str(row.get("invoice_id") or "")
        return ("invoice", invoiced) if invoiced else ("patient", str(row.get("patient_id") or ""))


def _amount(row: Mapping[str, Any]) -> Decimal | None:
    try:
        return rules.roubles(_first(row, SUM))
    except ValueError:
        return None


def payment(row: Mapping[str, Any], zone: ZoneInfo, register: Register) -> Document | None:
    """A payment in is a sale, a payment back a return of the sale it belongs to."""
    number = str(_first(row, NUMBER) or "")
    try:
        at = dotted(_first(row, WHEN), zone)
    except ValueError:
        return None
    if not number:
        return None
    amount = _amount(row)
    back = amount is not None and amount < 0
    original = register.original(row) if back else ""
    fault = Reason.BAD_AMOUNT if amount is None else None
    return Document(
        entity=PAYMENT,
        external_id=number[:100],
        amount=abs(amount or Decimal(0)),
        occurred_at=at,
        kind=Kind.REFUND if back else Kind.SALE,
        gone=amount == 0,
        refund_of=original,
        receipt_number=str(row.get("invoice_id") or ""),
        customer_id="" if back else str(row.get("patient_id") or ""),
        fault=Reason.NO_ORIGINAL if back and not original else fault,
    )


def birth_date(patient: Mapping[str, Any]) -> date | None:
    try:
        day, month, year = str(patient.get("birth_date") or "").split(".")
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
