"""The contract's table, row by row (`rows.tsv`), and what the router really serves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import get_resolver

from apps.accounts import rights
from apps.accounts.enums import Job, TierCode
from apps.accounts.permissions import Gate
from tests.architecture.test_routes import routes

TABLE = Path(__file__).with_name("rows.tsv")
BASE = "/api/v1"

# Letter of the contract → those of whom it speaks. A includes O and S, SA includes A.
CALLERS = {
    "nobody": None,
    "member": rights.held(job=Job.NONE),
    "vip": rights.held(job=Job.NONE, tier=TierCode.VIP),
    "inner": rights.held(job=Job.NONE, tier=TierCode.INNER_CIRCLE),
    "staff": rights.held(job=Job.STAFF),
    "owner": rights.held(job=Job.OWNER),
    "admin": rights.held(job=Job.ADMIN),
    "superadmin": rights.held(job=Job.SUPERADMIN),
}
EVERYBODY = frozenset(CALLERS)
BOSSES = frozenset({"admin", "superadmin"})
LETTERS = {
    "P": EVERYBODY,
    "M": EVERYBODY - {"nobody"},
    "V": frozenset({"vip", "inner"}),
    "I": frozenset({"inner"}),
    "S": BOSSES | {"staff", "owner"},
    "O": BOSSES | {"owner"},
    "A": BOSSES,
    "SA": frozenset({"superadmin"}),
}


@dataclass(frozen=True)
class Asked:
    """One row: who of the contract may call what; `moves_value` is its ◆."""

    group: str
    method: str
    path: str
    who: str
    moves_value: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def callers(self) -> frozenset[str]:
        return frozenset().union(*(LETTERS[letter] for letter in self.who.split()))


@dataclass(frozen=True)
class Served:
    """One method of one address of the router."""

    method: str
    path: str
    view: Any
    action: str

    @property
    def row(self) -> rights.Row | None:
        gate = next(one for one in self.view.permission_classes if issubclass(one, Gate))
        return gate.row_of(self.action)

    @property
    def callers(self) -> frozenset[str]:
        row = self.row
        assert row is not None
        if rights.PUBLIC in row.who:
            return EVERYBODY
        return frozenset(
            name for name, groups in CALLERS.items() if groups is not None and row.opens_to(groups)
        )

    @property
    def is_idempotent(self) -> bool:
        return hasattr(getattr(self.view, self.action), "idempotent")


def asked() -> Iterator[Asked]:
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            group, method, path, who, *mark = line.split("\t")
            yield Asked(group, method, path, who, mark == ["◆"])


def bare(path: str) -> str:
    """Names of parameters are ours to choose."""
    return re.sub(r"\{\w+\}|<(?:\w+:)?\w+>", "{}", path)


def served() -> Iterator[Served]:
    for _path, _app, pattern in routes():
        actions = getattr(pattern.callback, "actions", None)
        if actions:
            address = _address_of(pattern)
            for method, action in actions.items():
                yield Served(method.upper(), address, pattern.callback.cls, action)


def _address_of(pattern: Any) -> str:
    """`/users/me` of the pattern's own text: the API is mounted at one place."""
    return "/" + str(pattern.pattern)


def has_route(path: str) -> bool:
    """Whether the whole address is served, API or not."""
    prefix = bare(path).lstrip("/")
    known = {bare(str(p.pattern)) for _path, _app, p in routes(get_resolver().url_patterns)}
    return prefix in known
