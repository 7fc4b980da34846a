"""Payment lines of YCLIENTS as documents.

One payment line (finance transaction) is one document: its id is stable, its amount is what was
paid. A record tells only that its lines are worth another look.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.crm import rules
from apps.crm.adapters.base import NOBODY, Customer, Document
from apps.crm.adapters.times import milliseconds, moment
from apps.crm.enums import Reason

PAYMENT = "payment"
# Services, subscriptions, goods, certificates: income for something sold. 5 is documented, the
# others were seen; a branch may set its own list (`expenses`).
SOLD = (5, 6, 7, 12)


def payment(row: Mapping[str, Any], zone: ZoneInfo, sold: Iterable[int]) -> Document | None:
    """A line of the feed of money; None for money that is no sale (salary, rent, top-ups)."""
    expense = row.get("expense")
    expense_id = expense.get("id") if isinstance(expense, dict) else row.get("expense_id")
    if str(expense_id) not in {str(one) for one in sold}:
        return None
    number = str(row.get("id") or "")
    if not number.isdecimal():
        return None
    try:
        at = moment(row["date"], zone)
        amount = rules.roubles(row["amount"])
    except (KeyError, ValueError):
        return None if not row.get("date") else _unreadable(number, row, zone)
    changed = row.get("last_change_date")
    return Document(
        entity=PAYMENT,
        external_id=number,
        amount=max(amount, Decimal(0)),  # money going out is no sale: the line counts nothing
        occurred_at=at,
        version=_version(changed, zone),
        gone=amount < 0 or _yes(row.get("deleted")),
        receipt_number=str(row.get("document_id") or ""),
        customer=customer(row.get("client")),
    )


MISSED = "-1"


def called_off(record: Any) -> bool:
    """Whether an appointment was deleted or nobody came; one that is not there was deleted."""
    if not isinstance(record, dict):
        return True
    return _yes(record.get("deleted")) or str(record.get("attendance")) == MISSED


def session_of(record: Mapping[str, Any], zone: ZoneInfo) -> datetime | None:
    try:
        return moment(record.get("datetime") or record.get("date"), zone)
    except ValueError:
        return None


def receipts(record: Mapping[str, Any]) -> list[str]:
    """Numbers of the documents of an appointment: payment lines carry the same."""
    documents = record.get("documents")
    rows = documents if isinstance(documents, list) else []
    return [str(one["id"]) for one in rows if isinstance(one, dict) and one.get("id")]


def _unreadable(number: str, row: Mapping[str, Any], zone: ZoneInfo) -> Document | None:
    try:
        at = moment(row["date"], zone)
    except ValueError:
        return None
    return Document(PAYMENT, number, Decimal(0), at, fault=Reason.BAD_AMOUNT)


def customer(client: Any) -> Customer:
    """`client` is an object, `[]` or null; a phone may be a number, or masked."""
    if not isinstance(client, dict) or not client.get("id"):
        return NOBODY
    return Customer(id=str(client["id"]), phone=phone(client.get("phone")))


def phone(given: Any) -> str:
    text = str(given or "").strip()
    return "+" + text.lstrip("+") if len(rules.digits(text)) == 10 and "*" not in text else ""


def _version(changed: Any, zone: ZoneInfo) -> int:
    try:
        return milliseconds(moment(changed, zone)) if changed else 0
    except ValueError:
        return 0


def _yes(value: Any) -> bool:
    return value in (True, 1, "1", "true")
