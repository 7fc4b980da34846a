from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.stand import Stand, stand


@pytest.fixture(scope="package")
def everything(django_test_environment: None, django_db_blocker: Any) -> Iterator[Stand]:
    """All processes of the product on servers of their own, and people to shop."""
    with django_db_blocker.unblock(), stand() as made:
        yield made
