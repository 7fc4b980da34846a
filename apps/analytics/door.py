"""The door to facts: a statement says `:tenant`, the door puts the filter in. A statement that
reads facts without it does not run."""

import re
from typing import Any

from apps.businesses.models import Business
from apps.core import clickhouse

TENANT = ":tenant"
FACTS = re.compile(r"\bFROM\s+(transaction_facts|bonus_facts|engagement_facts)\b")
FILTER = "business_id = {business:UUID}"


class TenantMissing(Exception):
    """A statement reads facts without `:tenant`. A fault of ours."""


def scoped(statement: str, business: Business | None) -> tuple[str, dict[str, Any]]:
    """The statement with its filter, and the value to bind; no business is the whole network."""
    if len(FACTS.findall(statement)) != statement.count(TENANT):
        raise TenantMissing(statement)
    if business is None:
        return statement.replace(TENANT, "1"), {}
    return statement.replace(TENANT, FILTER), {"business": str(business.pk)}


def read(
    name: str, statement: str, /, business: Business | None, **values: Any
) -> list[tuple[Any, ...]]:
    """Rows of a SELECT within one business or, with None, the network.

    Raises clickhouse.Unavailable."""
    ready, bound = scoped(statement, business)
    return clickhouse.read(f"analytics.{name}", ready, **bound, **values)


def write(name: str, statement: str, /, business: Business | None, **values: Any) -> None:
    """An INSERT … SELECT within one business or the network. Raises clickhouse.Unavailable."""
    ready, bound = scoped(statement, business)
    clickhouse.write(f"analytics.{name}", ready, **bound, **values)
