"""Which refusals can an action of the API answer? Read from its code, so that the schema cannot
forget one: whatever `raise` is reachable by the names that the action, its services and queries
call. Reading too much is harmless; what escapes the reading (a class kept in a variable) is named
by `refuses` on the view, and the tests compare every answer with the schema.
"""

import ast
import inspect
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from apps.core.errors import Refused

OURS = "apps."
# What runs for every request and has its own place in the schema, or never refuses a caller.
ASIDE = ("apps.core.http", "apps.core.outbox", "apps.core.audit", "apps.core.sealing")


@cache
def _tree(function: FunctionType) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):  # changed under our feet
        return None


def _named(node: ast.AST, scope: dict[str, Any], owner: type | None) -> Any:
    """What `name` or `module.name` or `self.name` stands for; None when it is computed."""
    if isinstance(node, ast.Name):
        return scope.get(node.id)
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            return getattr(owner, node.attr, None) if owner else None
        base = _named(node.value, scope, owner)
        return getattr(base, node.attr, None) if isinstance(base, ModuleType | type) else None
    return None


def _plain(found: Any) -> FunctionType | None:
    """The function behind decorators and bound methods, if it is ours to read."""
    found = inspect.unwrap(getattr(found, "__func__", found)) if callable(found) else None
    if not isinstance(found, FunctionType) or not found.__module__.startswith(OURS):
        return None
    return None if found.__module__.startswith(ASIDE) else found


@cache
def _steps(function: FunctionType, owner: type | None) -> tuple[Any, ...]:
    return tuple(_walk(function, owner))


def _walk(function: FunctionType, owner: type | None) -> Iterator[Any]:
    """Classes of refusal that it names, but for those that it catches, and functions of ours."""
    tree, scope = _tree(function), function.__globals__
    nodes = list(ast.walk(tree)) if tree else []
    caught = [one.type for one in nodes if isinstance(one, ast.ExceptHandler) and one.type]
    passed_over = {id(inner) for one in caught for inner in ast.walk(one)}
    for node in nodes:
        if not isinstance(node, ast.Name | ast.Attribute) or id(node) in passed_over:
            continue
        found = _named(node, scope, owner)
        for one in found.values() if isinstance(found, dict) else (found,):
            if isinstance(one, type) and issubclass(one, Refused):
                yield one
            elif plain := _plain(one):
                yield plain


def _reach(function: FunctionType, owner: type | None, seen: set[Any]) -> Iterator[type[Refused]]:
    if (function, owner) in seen:
        return
    seen.add((function, owner))
    for step in _steps(function, owner):
        if isinstance(step, type):
            yield step
        else:
            is_method = owner is not None and step.__qualname__.split(".")[0] in {
                one.__name__ for one in owner.__mro__
            }
            yield from _reach(step, owner if is_method else None, seen)


@cache
def refusals_of(view: type, action: Callable[..., Any]) -> frozenset[type[Refused]]:
    """Classes of `Refused` that `action` of the view can end with."""
    named = frozenset(getattr(view, "refuses", ()))
    found: set[type[Refused]] = set(named)
    seen: set[Any] = set()
    layer: Any = action
    while layer is not None:
        if isinstance(layer, FunctionType) and not layer.__module__.startswith(ASIDE):
            found |= set(_reach(layer, view, seen))
        layer = getattr(layer, "__wrapped__", None)
    return frozenset(found)
