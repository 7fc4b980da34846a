"""One package per system: transport, mapping, signature. `ADAPTERS` is the list of them."""

from apps.crm.adapters.amocrm import AmocrmAdapter
from apps.crm.adapters.base import (
    NOBODY,
    BaseCRMAdapter,
    Customer,
    Document,
    Hint,
    NoTokens,
    Place,
    Ref,
)
from apps.crm.adapters.iiko import IikoAdapter
from apps.crm.adapters.onec import OnecAdapter
from apps.crm.adapters.renovatio import RenovatioAdapter
from apps.crm.adapters.yclients import YclientsAdapter
from apps.crm.enums import System

ADAPTERS: dict[str, type[BaseCRMAdapter]] = {
    System.YCLIENTS: YclientsAdapter,
    System.IIKO: IikoAdapter,
    System.ONEC: OnecAdapter,
    System.AMOCRM: AmocrmAdapter,
    System.RENOVATIO: RenovatioAdapter,
}

__all__ = [
    "ADAPTERS",
    "NOBODY",
    "BaseCRMAdapter",
    "Customer",
    "Document",
    "Hint",
    "NoTokens",
    "Place",
    "Ref",
]
