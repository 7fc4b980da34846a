"""What several tests of core and of the contract need."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.logs import captured

Broken = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def logs() -> Iterator[Any]:
    """The project's JSON log of this test."""
    with captured() as stream:
        yield stream


@pytest.fixture
def broken_database() -> Broken:
    """`with broken_database(ValueError("x"), on="INSERT"):` statements with that word raise."""

    def breaking(failure: Exception | None = None, *, on: str = "") -> AbstractContextManager[None]:
        def refuse(execute: Any, sql: str, *args: Any) -> Any:
            if on in sql:
                raise failure or OperationalError("the server closed the connection")
            return execute(sql, *args)

        return connection.execute_wrapper(refuse)

    return breaking
