"""camelCase on the wire, snake_case in Python."""

import re
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=2048)
def camel(name: str) -> str:
    """`bonus_accrued` → `bonusAccrued`; a leading underscore stays."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


@lru_cache(maxsize=2048)
def snake(name: str) -> str:
    """`bonusAccrued` → `bonus_accrued`; a run of capitals is one word (`userID` → `user_id`)."""
    return re.sub(r"([A-Z]+)", r"_\1", name).lower().lstrip("_") if name[:1].islower() else name


def camelize(value: Any) -> Any:
    """A deep copy with camelCase keys. Values stay as they are."""
    if isinstance(value, dict):
        return {camel(k) if isinstance(k, str) else k: camelize(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [camelize(item) for item in value]
    return value


def snakeize(value: Any) -> Any:
    """A deep copy with snake_case keys."""
    if isinstance(value, dict):
        return {snake(k) if isinstance(k, str) else k: snakeize(v) for k, v in value.items()}
    if isinstance(value, list):
        return [snakeize(item) for item in value]
    return value
