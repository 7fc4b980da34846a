"""Which refusals can an action of the API answer? Read from its code, so that the schema cannot
forget one: whatever `raise` is reachable by the names that the action, its services and queries
call. Reading too much is harmless; what escapes the reading (a class kept in a variable) is named
by `refuses` on the view, and the tests compare every answer with the schema.
"""

import ast
import inspect
import textwrap
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
    except (OSError, TypeError, SyntaxError):
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


def _steps(function: FunctionType, owner: type | None) -> Iterator[Any]:
    """Classes that it raises, and functions that it names."""
    tree, scope = _tree(function), function.__globals__
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            kind = _named(raised, scope, owner)
            if isinstance(kind, type) and issubclass(kind, Refused):
                yield kind
        elif isinstance(node, ast.Name | ast.Attribute):
            found = _named(node, scope, owner)
            yield from found.values() if isinstance(found, dict) else (found,)


def _reach(function: FunctionType, owner: type | None, seen: set[Any]) -> Iterator[type[Refused]]:
    if (function, owner) in seen:
        return
    seen.add((function, owner))
    for step in _steps(function, owner):
        if isinstance(step, type) and issubclass(step, Refused):
            yield step
        elif plain := _plain(step):
            is_method = owner is not None and plain.__qualname__.split(".")[0] in {
                one.__name__ for one in owner.__mro__
            }
            yield from _reach(plain, owner if is_method else None, seen)


@cache
def refusals_of(view: type, action: Callable[..., Any]) -> frozenset[type[Refused]]:
    """Classes of `Refused` that `action` of the view can end with."""
    named = frozenset(getattr(view, "refuses", ()))
    seen: set[Any] = set()
    wrappers, layer = [action], action
    while layer := getattr(layer, "__wrapped__", None):
        wrappers.append(layer)
    found: set[type[Refused]] = set(named)
    for one in wrappers:
        if isinstance(one, FunctionType) and one.__module__.startswith(OURS):
            inner = one.__code__
            if inner.co_name == "wrapped":  # a decorator's closure: its source is the decorator's
                inner_module = inspect.getmodule(one)
                if inner_module and inner_module.__name__.startswith(ASIDE):
                    continue
            found |= set(_reach(one, view, seen))
    return frozenset(found)
