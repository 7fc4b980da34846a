"""Trade that goes on by itself: a sale now and then, sometimes a correction or a return."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.crm.simulator.world import Guest, World

RECENT = timedelta(days=3)


class Life:
    def __init__(self, world: World, systems: Sequence[str], guests: Sequence[Guest]) -> None:
        self.world, self.systems, self.guests = world, list(systems), list(guests)
        self.dice = random.Random()  # noqa: S311 - a made-up world, not a secret

    def begin(self, each: int) -> None:
        """A few sales of the last two days in every system that has none yet."""
        now = datetime.now(UTC)
        for system in self.systems:
            if self.world.of(system):
                continue
            for _n in range(each):
                at = now - timedelta(minutes=self.dice.randrange(30, 2 * 24 * 60))
                self.world.sell(system, self._guest(), at=at)

    def tick(self) -> None:
        """One thing that happens."""
        system = self.dice.choice(self.systems)
        chance = self.dice.random()
        since = datetime.now(UTC) - RECENT
        live = [
            one
            for one in self.world.of(system)
            if one.state == "live" and one.at > since and not one.refunds
        ]
        if chance < 0.8 or not live:
            self.world.sell(system, self._guest())
        elif chance < 0.9:
            sale = self.dice.choice(live)
            self.world.edit(sale, (sale.amount * Decimal("0.9")).quantize(Decimal(1)))
        else:
            sale = self.dice.choice(live)
            self.world.refund(sale, (sale.amount / 2).quantize(Decimal(1)))

    def _guest(self) -> Guest | None:
        """Nine of ten have a phone that the system knows."""
        return self.dice.choice(self.guests) if self.dice.random() < 0.9 else None
