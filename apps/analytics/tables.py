"""What a fact table is to the loader, and what PostgreSQL knows of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

Payload = dict[str, Any]
Numbered = tuple[int, Payload]
Sums = dict[tuple[UUID, date], tuple[int, Decimal]]


@dataclass(frozen=True)
class FactTable:
    """A table, its columns, and how a payload becomes a row. To the payload come `topic`,
    `member` (her surrogate id) and `zone` (of its business, when it names none itself)."""

    name: str
    listener: str
    columns: tuple[str, ...]
    row: Callable[[Payload, int], list[Any]]


@dataclass(frozen=True)
class Feed:
    """Rows of PostgreSQL that are numbered and never change: loaded by their numbers, without the
    outbox, so that the ledger writes nothing more than itself.

    `relation` holds them, `newest()` is the highest number that is committed, `rows(after, upto,
    limit)` gives them in order, as payloads."""

    name: str
    table: str
    relation: str
    newest: Callable[[], int]
    rows: Callable[[int, int, int], list[Numbered]]


@dataclass(frozen=True)
class Book:
    """What PostgreSQL holds of a table of facts, by local day of the business: `sums(since, until)`
    counts rows and signed ₽ of each business and day; `rows(first, last)` gives every fact of these
    days as a payload, as the outbox or a feed would, with the number that is its version."""

    sums: Callable[[date, date], Sums]
    rows: Callable[[date, date], Iterator[Numbered]]


@dataclass(frozen=True)
class Sources:
    """What apps above analytics give it."""

    feeds: list[Feed]
    books: dict[str, Book]
    # Figures of a range and its days live from PostgreSQL, for when ClickHouse is down.
    core_figures: Callable[..., Any]
    core_series: Callable[..., list[tuple[Any, ...]]]
    # Widgets that other apps reckon: of a range, and (slower, kept for ten minutes) of now.
    of_range: dict[str, Callable[[Any, date, date], Any]]
    of_now: dict[str, Callable[[Any], Any]]
    # Of the network alone, remembered as long.
    of_network: dict[str, Callable[[], Any]]
    # Coupons' steps between issue and use, by campaign: (business, since, until).
    coupon_steps: Callable[[Any, date, date], dict[UUID, dict[str, Any]]]


@cache
def sources() -> Sources:
    """From the one module the settings point to."""
    found: Sources = import_string(settings.FACT_SOURCES)
    return found
