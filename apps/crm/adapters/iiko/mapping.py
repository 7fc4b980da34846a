"""Rows of the OLAP report as documents: an order comes in several rows, a storno is a receipt of
its own that names the order it returns."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.crm import rules
from apps.crm.adapters.base import Document
from apps.crm.adapters.times import moment
from apps.crm.enums import Kind, Reason

ORDER, STORNO = "order", "storno"
# What a report is grouped by; columns that this server does not know are left out.
ROWS = (
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
)
SUMS = ("DishDiscountSumInt", "DishReturnSum")


def documents(
    rows: Iterable[Mapping[str, Any]], zone: ZoneInfo, *, not_money: Collection[str]
) -> list[Document]:
    """Orders and stornos of a day. `not_money` are names of payments that are no money of the
    guest: the partner's own bonuses, certificates."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        number = str(row.get("UniqOrderId.Id") or "")
        if number:
            grouped.setdefault(number, []).append(row)
    found = (_document(number, its, zone, not_money) for number, its in grouped.items())
    return [one for one in found if one]


def _document(
    number: str, rows: list[Mapping[str, Any]], zone: ZoneInfo, not_money: Collection[str]
) -> Document | None:
    first = rows[0]
    try:
        at: datetime = moment(first.get("CloseTime") or first.get("OpenTime"), zone)
    except ValueError:
        return None  # not closed yet
    is_storno = any(str(row.get("Storned")).upper() == "TRUE" for row in rows)
    fault = None
    amount = Decimal(0)
    try:
        for row in rows:
            if _counts(row, not_money):
                amount += _returned(row) if is_storno else _paid(row)
    except ValueError:
        fault = Reason.BAD_AMOUNT
    return Document(
        entity=STORNO if is_storno else ORDER,
        external_id=number[:100],
        amount=max(amount, Decimal(0)),
        occurred_at=at,
        kind=Kind.REFUND if is_storno else Kind.SALE,
        gone=all(_is_gone(row) for row in rows),
        refund_of=str(first.get("SourceOrderId") or "") if is_storno else "",
        receipt_number=str(first.get("OrderNum") or ""),
        customer_id=_guest(rows),
        fault=fault,
    )


def _counts(row: Mapping[str, Any], not_money: Collection[str]) -> bool:
    """A dish that was struck out does not; nor what was paid with bonuses of the restaurant."""
    struck = str(row.get("DeletedWithWriteoff") or "NOT_DELETED") != "NOT_DELETED"
    return not struck and str(row.get("PayTypes") or "") not in not_money


def _paid(row: Mapping[str, Any]) -> Decimal:
    return rules.roubles(row.get("DishDiscountSumInt") or 0)


def _returned(row: Mapping[str, Any]) -> Decimal:
    """A negative sum, or a zero with a positive return."""
    paid = _paid(row)
    return -paid if paid < 0 else abs(rules.roubles(row.get("DishReturnSum") or 0))


def _is_gone(row: Mapping[str, Any]) -> bool:
    deleted = str(row.get("OrderDeleted") or "NOT_DELETED") != "NOT_DELETED"
    return deleted or bool(row.get("Delivery.CancelCause"))


def _guest(rows: list[Mapping[str, Any]]) -> str:
    """`phone:…` or `card:…` as the report names her; empty when only the order may know."""
    for name, prefix in (("Delivery.CustomerPhone", "phone"), ("Bonus.CardNumber", "card")):
        for row in rows:
            if row.get(name):
                return f"{prefix}:{row[name]}"[:100]
    return ""
