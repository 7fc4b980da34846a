from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.faults.stand import Stand, stand


class Stands:
    """The stand that tests share. One that failed a test is thrown away: what is lost or doubled in
    its books would fail every test after it."""

    def __init__(self) -> None:
        self._open, self._made = ExitStack(), None
        self.is_suspect = False

    def one(self) -> Stand:
        if self.is_suspect:
            self.close()
        if self._made is None:
            self._made = self._open.enter_context(stand())
        return self._made

    def close(self) -> None:
        self._made, self.is_suspect = None, False
        self._open.close()


@pytest.fixture(scope="package")
def stands(django_test_environment: None, django_db_blocker: Any) -> Iterator[Stands]:
    with django_db_blocker.unblock():
        made = Stands()
        yield made
        made.close()


@pytest.fixture
def everything(stands: Stands) -> Stand:
    """All processes of the product on servers of their own, and people to shop."""
    return stands.one()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Iterator[None]:
    report = yield
    if report.failed and "stands" in item.funcargs:
        item.funcargs["stands"].is_suspect = True
    return report
