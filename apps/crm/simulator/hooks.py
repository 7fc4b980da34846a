"""Calls of the simulated systems to the platform: late, twice, shuffled or lost, as asked."""

import itertools
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
PATIENCE = 0.1
LATE = 20.0  # a shuffled call comes within so many seconds
Call = tuple[str, bytes, dict[str, str]]


class Hooks:
    """`targets`: system → the whole address to call. Calls leave from a thread of their own."""

    def __init__(
        self, world: World, systems: Mapping[str, Simulated], targets: Mapping[str, str]
    ) -> None:
        self.systems, self.targets = systems, dict(targets)
        # The moment when a call leaves, a number that keeps those of one moment in order, the call.
        self.waiting: queue.PriorityQueue[tuple[float, int, Call]] = queue.PriorityQueue()
        self.numbers = itertools.count()
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
            late = self.dice.uniform(0, LATE) if "shuffled_webhooks" in habits else 0.0
            call = (self.targets[sale.system], body, headers)
            self.waiting.put((time.monotonic() + late, next(self.numbers), call))

    def _work(self) -> None:
        with httpx.Client(timeout=TIMEOUT) as client:
            while True:
                due, number, call = self.waiting.get()
                early = due - time.monotonic()
                if early > 0:  # one that leaves before it may come yet
                    self.waiting.put((due, number, call))
                    time.sleep(min(early, PATIENCE))
                else:
                    self._call(client, *call)
                self.waiting.task_done()

    def _call(self, client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            answer = client.post(url, content=body, headers=headers)
            self.answers.append(answer.status_code)
        except httpx.HTTPError:
            time.sleep(0.2)  # nobody is there: the poll will find it
