"""Paid invoices of Renovatio as documents. Sum, date, number and patient only: no services, no
diagnosis is even asked for."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.crm import rules
from apps.crm.adapters.base import Document
from apps.crm.adapters.times import dotted
from apps.crm.enums import Reason

INVOICE = "invoice"
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


def birth_date(patient: Mapping[str, Any]) -> date | None:
    try:
        day, month, year = str(patient.get("birth_date") or "").split(".")
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
