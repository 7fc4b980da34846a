"""All simulated systems of one world."""

from apps.crm.simulator.amocrm import Amocrm
from apps.crm.simulator.iiko import Iiko
from apps.crm.simulator.onec import Onec, SecondOnec
from apps.crm.simulator.renovatio import Renovatio
from apps.crm.simulator.server import Simulated
from apps.crm.simulator.world import World
from apps.crm.simulator.yclients import Yclients

SYSTEMS: tuple[type[Simulated], ...] = (
    Yclients,
    Iiko,
    Onec,
    SecondOnec,
    Amocrm,
    Renovatio,
)


def make_systems(world: World) -> dict[str, Simulated]:
    return {kind.name: kind(world) for kind in SYSTEMS}
