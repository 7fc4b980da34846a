"""Calls of the simulated systems to the platform: late, twice, shuffled or lost, as asked."""

import queue
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx2 as httpx

from apps.crm.simulator.server import Simulated
from apps.crm.simulator.world import Sale, World

TIMEOUT = 5.0


class Hooks:
    """`targets`: system → the whole address to call. Calls leave from a thread of their own."""

    def __init__(
        self, world: World, systems: Mapping[str, Simulated], targets: Mapping[str, str]
    ) -> None:
        self.systems, self.targets = systems, dict(targets)
        self.waiting: queue.Queue[tuple[str, bytes, dict[str, str]]] = queue.Queue()
        self.dice = random.Random(7)  # noqa: S311 - a made-up world, not a secret
        self.answers: list[int] = []
        world.listeners.append(self.heard)
        threading.Thread(target=self._work, daemon=True).start()

    def heard(self, what: str, sale: Sale) -> None:
        system = self.systems.get(sale.system)
        make: Any = getattr(system, "hook", None)
        if system is None or make is None or sale.system not in self.targets:
            return
        habits = system.faults.habits
        if "lost_webhooks" in habits and self.dice.random() < 0.4:
            return
        body, headers = make(what, sale)
        times = 2 if "double_webhooks" in habits and self.dice.random() < 0.5 else 1
        for _n in range(times):
            self.waiting.put((self.targets[sale.system], body, headers))

    def _work(self) -> None:
        while True:
            url, body, headers = self.waiting.get()
            try:
                answer = httpx.post(url, content=body, headers=headers, timeout=TIMEOUT)
                self.answers.append(answer.status_code)
            except httpx.HTTPError:
                time.sleep(0.2)  # nobody is there: the poll will find it
            self.waiting.task_done()
