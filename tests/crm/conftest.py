"""A simulator on loopback for each test, and connections to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from apps.crm.simulator.server import Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World
from tests.crm.world import Stand


@pytest.fixture
def stand(db: None) -> Iterator[Stand]:
    """A world with no guests yet, its systems on loopback, and the way to connect to them."""
    world = World(seed=7)
    server = Server(make_systems(world)).start()
    yield Stand(world, server)
    server.stop()


@pytest.fixture
def month_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=30)
