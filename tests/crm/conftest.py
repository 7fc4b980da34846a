"""A simulator on loopback for each test, and connections to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.crm.models import CRMIntegration
from apps.crm.simulator.server import Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World
from tests.backoffice.conftest import SignedIn, signed_in  # noqa: F401
from tests.crm.world import Stand
from tests.factories.businesses import staff_of


@pytest.fixture
def stand(db: None) -> Iterator[Stand]:
    """A world with no guests yet, its systems on loopback, and the way to connect to them."""
    world = World(seed=7)
    server = Server(make_systems(world)).start()
    yield Stand(world, server)
    server.stop()


@pytest.fixture
def salon(stand: Stand) -> CRMIntegration:
    return stand.connect("yclients")


@pytest.fixture
def owner(salon: CRMIntegration, signed_in: SignedIn) -> Client:  # noqa: F811
    return signed_in(staff_of(salon.business, role="business_owner"))


@pytest.fixture
def month_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=30)
