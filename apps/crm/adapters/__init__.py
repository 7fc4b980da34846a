"""One package per system: transport, mapping, signature. `ADAPTERS` is the list of them."""

from apps.crm.adapters.base import (
    BaseCRMAdapter,
    Customer,
    Document,
    Hint,
    NoTokens,
    Place,
    Ref,
)
from apps.crm.adapters.yclients import YclientsAdapter
from apps.crm.enums import System

ADAPTERS: dict[str, type[BaseCRMAdapter]] = {
    System.YCLIENTS: YclientsAdapter,
}

__all__ = [
    "ADAPTERS",
    "BaseCRMAdapter",
    "Customer",
    "Document",
    "Hint",
    "NoTokens",
    "Place",
    "Ref",
]
