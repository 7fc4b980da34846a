"""Leads of amoCRM as documents: a won lead is a sale, anything else is none."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from apps.accounts import rules as people
from apps.crm import rules
from apps.crm.adapters.base import Document
from apps.crm.adapters.times import unix
from apps.crm.enums import Reason

LEAD = "lead"
WON = 142


def lead(row: Mapping[str, Any], *, pipelines: Collection[str], field: str) -> Document | None:
    """A lead; None when it is of another pipeline or has no number. Not won: gone."""
    number = str(row.get("id") or "")
    if not number.isdecimal() or (pipelines and str(row.get("pipeline_id")) not in pipelines):
        return None
    won = str(row.get("status_id")) == str(WON) and not row.get("is_deleted")
    changed = row.get("updated_at") or row.get("created_at") or 0
    at = unix(row.get("closed_at") or changed)
    amount, fault = Decimal(0), None
    if won:
        try:
            amount = rules.roubles(_amount(row, field))
        except (ValueError, LookupError, TypeError):  # the field may come without a value
            fault = Reason.BAD_AMOUNT
    return Document(
        entity=LEAD,
        external_id=number,
        amount=amount,
        occurred_at=at,
        version=int(changed),
        gone=not won,
        receipt_number=number,
        customer_id=_contact(row),
        fault=fault,
    )


def _amount(row: Mapping[str, Any], field: str) -> Any:
    """The price, or the field that the clinic keeps what was paid in."""
    if not field:
        return row.get("price") or 0
    for one in row.get("custom_fields_values") or []:
        if str(one.get("field_id")) == field:
            return one["values"][0]["value"]
    return 0


def _contact(row: Mapping[str, Any]) -> str:
    embedded = row.get("_embedded")
    contacts = embedded.get("contacts") or [] if isinstance(embedded, dict) else []
    main = [one for one in contacts if one.get("is_main")] or contacts
    return str(main[0]["id"]) if main else ""


def phones(contact: Mapping[str, Any]) -> list[str]:
    """What stands in the field PHONE, mobile numbers first."""
    found = [
        str(value.get("value") or "")
        for one in contact.get("custom_fields_values") or []
        if one.get("field_code") == "PHONE"
        for value in one.get("values") or []
    ]
    return sorted(found, key=lambda text: people.normalize_phone(text) is None)
