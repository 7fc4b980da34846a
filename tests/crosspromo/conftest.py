"""The partner at the other end of a chain, and its owner."""

from typing import Any

import pytest

from tests.factories.businesses import BusinessFactory, staff_of


@pytest.fixture
def cafe(db: None) -> Any:
    return BusinessFactory(name="Лисичкино", category="gastro")


@pytest.fixture
def host(cafe: Any) -> Any:
    return staff_of(cafe, role="business_owner")
