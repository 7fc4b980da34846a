"""All simulated systems of one world."""

from apps.crm.simulator.server import Simulated
from apps.crm.simulator.world import World
from apps.crm.simulator.yclients import Yclients

SYSTEMS: tuple[type[Simulated], ...] = (Yclients,)


def make_systems(world: World) -> dict[str, Simulated]:
    return {kind.name: kind(world) for kind in SYSTEMS}
