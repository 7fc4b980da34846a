"""What a fact table is to the loader."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FactTable:
    """A table, its columns, and how a payload becomes a row. To the payload come `topic`,
    `member` (her surrogate id) and `zone` (of its business, when it names none itself)."""

    name: str
    listener: str
    columns: tuple[str, ...]
    row: Callable[[dict[str, Any], int], list[Any]]
