"""For commands that write a great many rows."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def unlogged() -> Iterator[None]:
    """Statements of this connection are not kept for the debugger: with DEBUG on Django formats
    every one of them, a third of the time of a bulk load. One who counts them is not disturbed."""
    if connection.force_debug_cursor:
        yield
        return
    connection.make_debug_cursor = connection.make_cursor  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del connection.make_debug_cursor
