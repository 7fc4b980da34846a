"""Who decides about events, and who has no business with them."""

import pytest

from tests.factories.accounts import UserFactory


@pytest.fixture
def admin(db):
    return UserFactory(job="admin")


@pytest.fixture
def stranger(db):
    return UserFactory(tier_code="vip")
