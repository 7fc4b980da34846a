"""Receipts of 1C as documents, by configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.crm import rules
from apps.crm.adapters.base import Document
from apps.crm.adapters.times import moment
from apps.crm.enums import Kind, Reason

EMPTY = "00000000-0000-0000-0000-000000000000"
SALE, RETURN = "receipt", "return"
SHELVED = ("отложен", "аннулирован")


@dataclass(frozen=True)
class Configuration:
    """Names of one configuration. `refunds` empty: returns are receipts of another operation."""

    sales: str
    refunds: str
    original: str
    card: str
    cards: str
    card_code: str
    card_owner: str
    owners: str
    fields: tuple[str, ...]


_FIELDS = ("Ref_Key", "Number", "Date", "DeletionMark", "Posted", "СуммаДокумента")
RETAIL = Configuration(
    sales="Document_ЧекККМ",
    refunds="",
    original="ЧекККМПродажа_Key",
    card="ДисконтнаяКарта_Key",
    cards="Catalog_ИнформационныеКарты",
    card_code="КодКарты",
    card_owner="ВладелецКарты",
    owners="Catalog_ФизическиеЛица",
    fields=(
        *_FIELDS,
        "ВидОперации",
        "СтатусЧекаККМ",
        "ДисконтнаяКарта_Key",
        "ЧекККМПродажа_Key",
    ),
)
UNF = Configuration(
    sales="Document_ЧекККМ",
    refunds="Document_ЧекККМВозврат",
    original="ЧекККМ_Key",
    card="ДисконтнаяКарта_Key",
    cards="Catalog_ДисконтныеКарты",
    card_code="КодКартыШтрихкод",
    card_owner="ВладелецКарты_Key",
    owners="Catalog_Контрагенты",
    fields=(*_FIELDS, "ДисконтнаяКарта_Key"),
)
CONFIGURATIONS = {"retail": RETAIL, "unf": UNF}


def receipt(
    row: Mapping[str, Any],
    zone: ZoneInfo,
    how: Configuration,
    *,
    is_return: bool,
    unposted: bool = True,
) -> Document | None:
    """A receipt; None for a row without a key or a date. Archived receipts are not posted any
    more and stay what they are; shelved and annulled ones are no sales."""
    ref = str(row.get("Ref_Key") or "")
    try:
        at: datetime = moment(row.get("Date"), zone)
    except ValueError:
        return None
    if len(ref) != 36 or ref == EMPTY:
        return None
    returned = is_return or str(row.get("ВидОперации", "")).lower().startswith("возврат")
    try:
        amount, fault = abs(rules.roubles(row["СуммаДокумента"])), None
    except (KeyError, ValueError):
        amount, fault = Decimal(0), Reason.BAD_AMOUNT
    status = str(row.get("СтатусЧекаККМ") or "").lower()
    card = str(row.get(how.card) or "")
    return Document(
        entity=RETURN if returned else SALE,
        external_id=ref,
        amount=amount,
        occurred_at=at,
        kind=Kind.REFUND if returned else Kind.SALE,
        gone=bool(row.get("DeletionMark"))
        or any(word in status for word in SHELVED)
        or not (unposted or row.get("Posted", True)),
        refund_of=str(row.get(how.original) or "") if returned else "",
        receipt_number=str(row.get("Number") or ""),
        customer_id=card if card != EMPTY and not returned else "",
        fault=fault,
    )
