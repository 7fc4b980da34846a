"""How a system misbehaves: planned for the next requests, or by chance for all of them."""

import random
import threading
from collections import deque

# name → what it does. `…_inside` are HTTP 200 with a refusal in the system's own words.
KNOWN = {
    "throttle": "429",
    "throttle_html": "429 that is no JSON",
    "throttle_inside": "a refusal for too many requests inside a 200",
    "broken_json": "half of the answer",
    "error_500": "500",
    "html_503": "503, a page of a web server",
    "slow": "a byte a second",
    "hang": "silence, then the line is dropped",
    "drop": "the line is dropped half-way",
    "huge": "an endless answer",
    "packed": "a compression bomb",
    "redirect": "302 to loopback",
    "unauthorized": "401 once",
    "unpaid": "402",
    "forbidden": "403",
}
# A system's own habits: on or off.
HABITS = {
    "limits": "the system's own rate limits hold",
    "short_pages": "pages in the middle come short",
    "ignore_filters": "amoCRM: filters are ignored",
    "lost_webhooks": "calls are lost",
    "double_webhooks": "calls come twice",
    "shuffled_webhooks": "calls come late and in any order",
    "storno_zero": "iiko: a storno with a zero sum and a positive return",
    "refund_documents": "1C: returns are documents of their own entity",
    "archive": "1C: receipts are archived and not posted",
    "money_as_text": "Renovatio: sums as text",
    "single_as_object": "Renovatio: one row is an object, none is null",
    "no_invoices": "Renovatio: no access to invoices",
}


class Faults:
    def __init__(self, seed: int = 7) -> None:
        self.planned: deque[str] = deque()
        self.chances: dict[str, float] = {}
        self.habits: set[str] = set()
        self.dice = random.Random(seed)  # noqa: S311 - a made-up world, not a secret
        self.lock = threading.Lock()

    def plan(self, *names: str) -> None:
        """The next requests fail like this, one each."""
        with self.lock:
            self.planned.extend(names)

    def next(self) -> str:
        """What is wrong with the request that comes now; empty when nothing is."""
        with self.lock:
            if self.planned:
                return self.planned.popleft()
            for name, chance in self.chances.items():
                if self.dice.random() < chance:
                    return name
        return ""

    def calm(self) -> None:
        with self.lock:
            self.planned.clear()
            self.chances.clear()
